/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "exit_status.h"
#include "paths.h"

#define ANSWER_BYTES_MAX (16u << 20) /* a status of 256 targets is about 200 KiB */
#define PRIVATE_FD 3                 /* where a spawned sluiced finds its end */
#define ANSWER_MS 60000              /* a service that needs longer for an answer hangs */
#define END_MS 30000                 /* and one that needs longer to put everything back */

struct client {
	int fd;
	pid_t service;
	char *buffer;
	size_t used, size, scanned;
};

static int
client_new(int fd, pid_t service, struct client **ret, struct sluice_err *reterr)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	client->fd = fd;
	client->service = service;
	*ret = client;
	return 0;
}

int
client_connect(const char *path, struct client **ret, struct sluice_err *reterr)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return sluice_fail(reterr, -ENAMETOOLONG, "the socket path '%s' is longer than %zu",
				   path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		if (r == -EACCES || r == -EPERM)
			return sluice_fail(reterr, r,
					   "the service at '%s' may only be used by root or by the "
					   "user that started it",
					   path);
		return sluice_fail(
			reterr, r,
			"no service answers at '%s' (%s); start it with 'systemctl start "
			"sluiced', or use 'sluice run', which needs none",
			path, strerror(-r));
	}
	return client_new(fd, 0, ret, reterr);
}

/* In the forked child: becomes sluiced. Only async-signal-safe calls. */
static void
become_service(int fd, const char *path, char *const *argv)
{
	sigset_t none;

	/* Its own session: Ctrl-C at the terminal is for the command; we end by our socket. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd == PRIVATE_FD)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, PRIVATE_FD);
	execv(path, argv);
	_exit(EXIT_NO_SERVICE);
}

/* "--name=value" for everything that the command line set. NULL: no memory. */
static char **
service_arguments(const struct options *options, const char *config, const char *path)
{
	size_t count = 5, n = 0;
	char **argv;

	for (int id = 0; id < OPTION_COUNT; id++)
		count += options_count(options, (enum option_id)id);
	argv = calloc(count, sizeof(*argv));
	if (!argv)
		return NULL;
	argv[n++] = strdup(path);
	if (asprintf(&argv[n++], "--private=%d", PRIVATE_FD) < 0)
		argv[n - 1] = NULL;
	if (config && asprintf(&argv[n++], "--config=%s", config) < 0)
		argv[n - 1] = NULL;
	for (int id = 0; id < OPTION_COUNT; id++) {
		if (options_layer(options, (enum option_id)id) != LAYER_COMMAND)
			continue;
		for (size_t i = 0; i < options_count(options, (enum option_id)id); i++) {
			if (asprintf(&argv[n++], "--%s=%s", option_table[id].name,
				     options_text(options, (enum option_id)id, i)) < 0)
				argv[n - 1] = NULL;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!argv[i]) {
			for (size_t k = 0; k < n; k++)
				free(argv[k]);
			free(argv);
			return NULL;
		}
	}
	return argv;
}

int
client_spawn(const struct options *options, const char *config, struct client **ret,
	     struct sluice_err *reterr)
{
	char path[PATHS_MAX];
	char **argv;
	pid_t pid;
	int ends[2];

	if (!paths_sluiced(path))
		return sluice_fail(
			reterr, -ENOENT,
			"cannot find 'sluiced' beside this program or in PATH; install it "
			"or build the whole project");
	argv = service_arguments(options, config, path);
	if (!argv)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		pid = -1;
	} else {
		pid = fork();
		if (pid == 0)
			become_service(ends[1], path, argv);
		if (pid < 0)
			close(ends[0]);
		close(ends[1]);
	}
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	free(argv);
	if (pid < 0)
		return sluice_fail(reterr, -EAGAIN, "cannot start '%s': %s", path, strerror(errno));
	return client_new(ends[0], pid, ret, reterr);
}

/* Waits for its end; one that hangs is killed, and what it changed is for `sluice restore`. */
static void
service_reap(pid_t pid)
{
	struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};

	if (ended.fd >= 0) {
		if (poll(&ended, 1, END_MS) == 0)
			kill(pid, SIGKILL);
		close(ended.fd);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void
client_free(struct client *client)
{
	if (!client)
		return;
	close(client->fd);
	if (client->service > 0)
		service_reap(client->service);
	free(client->buffer);
	free(client);
}

/* The first byte takes the descriptor along. */
static ssize_t
send_some(const struct client *client, const char *text, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} room = {0};
	struct iovec part = {(void *)(uintptr_t)text, len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *head;

	if (fd >= 0) {
		message.msg_control = room.bytes;
		message.msg_controllen = sizeof(room.bytes);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(int));
	}
	return sendmsg(client->fd, &message, MSG_NOSIGNAL);
}

/* With a descriptor that the service gets a copy of, or -1. */
static int
send_request(struct client *client, json_t *request, int fd, struct sluice_err *reterr)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len, done = 0;
	int r = 0;

	json_decref(request);
	if (!text)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	len = strlen(text);
	text[len++] = '\n'; /* over the final NUL: the length is known from here on */
	while (done < len) {
		ssize_t n = send_some(client, text + done, len - done, done ? -1 : fd);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = sluice_fail(reterr, -EPIPE, "the service is gone (%s)",
					strerror(errno));
			break;
		}
		done += (size_t)n;
	}
	free(text);
	return r;
}

int
client_send(struct client *client, json_t *request, struct sluice_err *reterr)
{
	return send_request(client, request, -1, reterr);
}

/* A whole line of the buffer as JSON: 1 with *ret, 0 when no line is complete, or -EPROTO. */
static int
take_line(struct client *client, json_t **ret, struct sluice_err *reterr)
{
	char *end = client->used > client->scanned ? memchr(client->buffer + client->scanned, '\n',
							    client->used - client->scanned)
						   : NULL;
	json_error_t error;
	size_t len;

	if (!end) {
		client->scanned = client->used;
		return 0;
	}
	len = (size_t)(end - client->buffer);
	*ret = json_loadb(client->buffer, len, 0, &error);
	client->used -= len + 1;
	memmove(client->buffer, end + 1, client->used);
	client->scanned = 0;
	if (!*ret || !json_is_object(*ret)) {
		json_decref(*ret);
		*ret = NULL;
		return sluice_fail(reterr, -EPROTO, "the service sent what is not a JSON object");
	}
	return 1;
}

static int
buffer_grow(struct client *client, struct sluice_err *reterr)
{
	size_t size = client->size ? client->size * 2 : 16384;
	char *grown;

	if (client->used < client->size)
		return 0;
	if (size > ANSWER_BYTES_MAX)
		return sluice_fail(reterr, -EPROTO, "the service sent a line without an end");
	grown = realloc(client->buffer, size);
	if (!grown)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	client->buffer = grown;
	client->size = size;
	return 0;
}

int
client_receive(struct client *client, int timeout_ms, json_t **ret, struct sluice_err *reterr)
{
	for (;;) {
		struct pollfd ready = {.fd = client->fd, .events = POLLIN};
		json_t *object = NULL;
		ssize_t n;
		int r = take_line(client, &object, reterr);

		if (r != 0) {
			if (r > 0)
				*ret = object;
			return r < 0 ? r : 0;
		}
		r = buffer_grow(client, reterr);
		if (r < 0)
			return r;
		r = poll(&ready, 1, timeout_ms);
		if (r == 0 || (r < 0 && errno == EINTR))
			return -EAGAIN;
		n = recv(client->fd, client->buffer + client->used, client->size - client->used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sluice_fail(reterr, -EPIPE, "the service ended the connection");
		client->used += (size_t)n;
	}
}

int
client_answer_error(const json_t *answer, int *ret_exit, struct sluice_err *reterr)
{
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	json_int_t code = json_integer_value(json_object_get(error, "code"));
	json_int_t status = json_integer_value(json_object_get(error, "exit"));

	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	*ret_exit = status > 0 && status < 126 ? (int)status : EXIT_GENERAL;
	return sluice_fail(reterr, code > 0 && code < 4096 ? -(int)code : -EPROTO, "%s",
			   message ? message : "the service refused without a reason");
}

/* A spawned service that ended has said why on stderr, and in its exit status. */
static void
service_ended(struct client *client, int *ret_exit, struct sluice_err *reterr)
{
	int status;

	if (client->service <= 0 || waitpid(client->service, &status, 0) != client->service)
		return;
	client->service = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) > 0 && WEXITSTATUS(status) < 126) {
		*ret_exit = WEXITSTATUS(status);
		sluice_fail(reterr, -EPIPE, "sluiced could not start (exit status %d)",
			    WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		sluice_fail(reterr, -EPIPE, "sluiced died of signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	}
}

int
client_call(struct client *client, json_t *request, json_t **ret, int *ret_exit,
	    struct sluice_err *reterr)
{
	return client_call_fd(client, request, -1, ret, ret_exit, reterr);
}

int
client_call_fd(struct client *client, json_t *request, int fd, json_t **ret, int *ret_exit,
	       struct sluice_err *reterr)
{
	json_t *answer = NULL;
	uint64_t until_ns = clock_now_ns() + (uint64_t)ANSWER_MS * 1000000u;
	int r = send_request(client, request, fd, reterr);

	while (r == 0) {
		r = client_receive(client, ANSWER_MS, &answer, reterr);
		if (r == -EAGAIN && clock_now_ns() < until_ns) { /* a signal came in between */
			r = 0;
			continue;
		}
		if (r == -EAGAIN)
			r = sluice_fail(reterr, -ETIMEDOUT, "the service has not answered for %d s",
					ANSWER_MS / 1000);
		if (r < 0 || !json_object_get(answer, "event"))
			break;
		json_decref(answer);
	}
	if (r < 0) {
		*ret_exit = EXIT_NO_SERVICE;
		if (r == -EPIPE)
			service_ended(client, ret_exit, reterr);
		return r;
	}
	r = client_answer_error(answer, ret_exit, reterr);
	if (r < 0 || !ret)
		json_decref(answer);
	else
		*ret = answer;
	return r;
}

int
client_fd(const struct client *client)
{
	return client->fd;
}

int
client_is_private(const struct client *client)
{
	return client->service > 0;
}
