/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - see control.h. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "exit_status.h"
#include "log.h"

#define MS_NS 1000000u

struct control_client {
	int fd;      /* -1: this place is free */
	int adopted; /* a private connection: its end never is too slow for us */
	int closing; /* drop it once the queue is sent */
	char *in;    /* CONTROL_LINE_BYTES */
	size_t in_used;
	char *out;
	size_t out_used, out_sent, out_size;
	uint64_t stuck_since_ns; /* 0: the queue is empty or moving */
	uint64_t watch_ns, next_event_ns;
};

struct control {
	const struct control_ops *ops;
	void *ctx;
	int listen_fd;
	int spare_fd;           /* given up to refuse a client when there are no descriptors left */
	uint64_t deaf_until_ns; /* when even that failed, the listener is not looked at till then */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

json_t *
control_error(int code, int exit_status, const char *message)
{
	const char *name = strerrorname_np(-code);
	json_t *text = json_string(message);

	if (!text) /* not UTF-8: a file name of somebody's */
		text = json_string("the reason cannot be shown, as it is not UTF-8");
	return json_pack("{s:b, s:{s:s, s:i, s:o, s:i}}", "ok", 0, "error", "errno",
			 name ? name : "EIO", "code", -code, "message", text, "exit", exit_status);
}

int
control_new(const struct control_ops *ops, void *ctx, struct control **ret,
	    struct sluice_err *reterr)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	control->ops = ops;
	control->ctx = ctx;
	control->listen_fd = -1;
	control->spare_fd = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	*ret = control;
	return 0;
}

static void
client_drop(struct control *control, struct control_client *client)
{
	if (control->ops->closed)
		control->ops->closed(control->ctx, client);
	close(client->fd);
	free(client->in);
	free(client->out);
	memset(client, 0, sizeof(*client));
	client->fd = -1;
}

void
control_free(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd >= 0)
			client_drop(control, &control->clients[i]);
	}
	if (control->listen_fd >= 0) {
		close(control->listen_fd);
		unlink(control->path);
	}
	if (control->spare_fd >= 0)
		close(control->spare_fd);
	free(control);
}

/* A socket file that was left behind refuses connections; one that is served accepts them. */
static int
path_is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int served;

	if (fd < 0)
		return 0;
	served = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		 errno == EAGAIN;
	close(fd);
	return served;
}

int
control_listen(struct control *control, const char *path, struct sluice_err *reterr)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return sluice_fail(reterr, -ENAMETOOLONG,
				   "the socket path '%s' is too long; at most %zu bytes", path,
				   sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return sluice_fail(reterr, -EEXIST,
					   "'%s' is there already and is not a socket", path);
		if (path_is_served(&address))
			return sluice_fail(
				reterr, -EADDRINUSE,
				"another sluiced serves '%s'; stop it, or choose another "
				"--socket",
				path);
		unlink(path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot make a socket: %s", strerror(errno));
	mask = umask(0177); /* never visible with a wider mode, not even for a moment */
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(fd, 16) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return sluice_fail(reterr, r, "cannot listen at '%s': %s", path, strerror(-r));
	}
	control->listen_fd = fd;
	control->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	memcpy(control->path, path, strlen(path) + 1);
	return 0;
}

static struct control_client *
client_add(struct control *control, int fd)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];

		if (client->fd >= 0)
			continue;
		client->in = malloc(CONTROL_LINE_BYTES);
		if (!client->in)
			return NULL;
		client->fd = fd;
		return client;
	}
	return NULL;
}

int
control_adopt(struct control *control, int fd, struct sluice_err *reterr)
{
	struct control_client *client = client_add(control, fd);

	if (!client)
		return sluice_fail(reterr, -ENOSPC, "no room for another connection");
	client->adopted = 1;
	return 0;
}

/* Queues an object (steals it). A queue that is full drops the client. */
static void
client_queue(struct control_client *client, json_t *object)
{
	size_t len;
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text) {
		client->closing = 1;
		return;
	}
	len = strlen(text);
	if (client->out_sent == client->out_used)
		client->out_sent = client->out_used = 0;
	if (client->out_used + len + 1 > client->out_size) {
		size_t size = client->out_used + len + 1 + 16384;
		char *grown = size <= CONTROL_QUEUE_BYTES ? realloc(client->out, size) : NULL;

		if (!grown) {
			free(text);
			client->closing = 1;
			return;
		}
		client->out = grown;
		client->out_size = size;
	}
	memcpy(client->out + client->out_used, text, len);
	client->out[client->out_used + len] = '\n';
	client->out_used += len + 1;
	free(text);
}

/* Sends what the socket takes. -1: drop it. */
static int
client_flush(struct control_client *client, uint64_t now_ns)
{
	while (client->out_sent < client->out_used) {
		ssize_t n = send(client->fd, client->out + client->out_sent,
				 client->out_used - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (client->stuck_since_ns == 0)
				client->stuck_since_ns = now_ns;
			if (!client->adopted && now_ns - client->stuck_since_ns >
							(uint64_t)CONTROL_PATIENCE_MS * MS_NS) {
				log_warn("control", "a client does not read its answers: dropped");
				return -1;
			}
			return 0;
		}
		if (n < 0)
			return -1;
		client->out_sent += (size_t)n;
		client->stuck_since_ns = 0;
	}
	client->stuck_since_ns = 0;
	return client->closing ? -1 : 0;
}

static void
client_line(struct control *control, struct control_client *client, const char *line, size_t len)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (json_is_object(request)) {
		client_queue(client, control->ops->request(control->ctx, client, request));
	} else {
		char message[256];

		snprintf(message, sizeof(message), "a request is one JSON object a line: %s",
			 request ? "this is something else" : error.text);
		client_queue(client, control_error(-EBADMSG, EXIT_USAGE, message));
	}
	json_decref(request);
}

/* Reads once (so that all clients get their turn) and serves whole lines. -1: drop it. */
static int
client_read(struct control *control, struct control_client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_used,
			 CONTROL_LINE_BYTES - client->in_used, MSG_DONTWAIT);
	char *line = client->in, *end;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) { /* it asks no more, but may wait for answers */
		client->closing = 1;
		return client->out_sent < client->out_used ? 0 : -1;
	}
	client->in_used += (size_t)n;
	while ((end = memchr(line, '\n', client->in_used - (size_t)(line - client->in))) != NULL) {
		client_line(control, client, line, (size_t)(end - line));
		line = end + 1;
	}
	client->in_used -= (size_t)(line - client->in);
	memmove(client->in, line, client->in_used);
	if (client->in_used == CONTROL_LINE_BYTES) {
		client_queue(client, control_error(-EMSGSIZE, EXIT_USAGE,
						   "the request is longer than 65536 bytes"));
		client->closing = 1;
		client->in_used = 0;
	}
	return 0;
}

static void
client_refuse(int fd, int code, const char *sentence)
{
	json_t *error = control_error(code, exit_status_of(STAGE_OTHER, code), sentence);
	char *text = json_dumps(error, JSON_COMPACT);

	if (text) {
		/* Best effort: a fresh socket takes this, and we never wait for it. */
		if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
			send(fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	free(text);
	json_decref(error);
	close(fd);
}

static int
accept_one(const struct control *control)
{
	return accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Without a descriptor to accept it with, a waiting client keeps the listener readable, and poll()
 * would return at once for ever. */
static void
accept_failed(struct control *control)
{
	int fd = -1;

	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS)
		return; /* the client went away again */
	log_warn("control", "cannot accept a client: %s", strerror(errno));
	if (control->spare_fd >= 0) {
		close(control->spare_fd);
		fd = accept_one(control);
	}
	if (fd >= 0)
		client_refuse(fd, -EMFILE,
			      "the service has too many files open; raise its limit (LimitNOFILE) "
			      "or try again later");
	control->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || control->spare_fd < 0)
		control->deaf_until_ns = clock_now_ns() + (uint64_t)CONTROL_DEAF_MS * MS_NS;
}

static void
accept_client(struct control *control)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);
	int fd = accept_one(control);

	if (fd < 0) {
		accept_failed(control);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    (peer.uid != 0 && peer.uid != geteuid()))
		client_refuse(fd, -EPERM,
			      "only root and the user that started the service may use it");
	else if (!client_add(control, fd))
		client_refuse(fd, -EBUSY,
			      "the service has no room for another connection; try again later");
}

/* The time until the next event is due, at most timeout_ms. */
static int
events_timeout(const struct control *control, int timeout_ms)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t limit_ns = (uint64_t)timeout_ms * MS_NS;

	if (control->deaf_until_ns > now_ns && control->deaf_until_ns - now_ns < limit_ns)
		limit_ns = control->deaf_until_ns - now_ns;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct control_client *client = &control->clients[i];

		if (client->fd < 0 || client->watch_ns == 0)
			continue;
		if (client->next_event_ns <= now_ns)
			return 0;
		if (client->next_event_ns - now_ns < limit_ns)
			limit_ns = client->next_event_ns - now_ns;
	}
	return (int)((limit_ns + MS_NS - 1) / MS_NS);
}

static void
client_event(struct control *control, struct control_client *client, uint64_t now_ns)
{
	if (client->watch_ns == 0 || now_ns < client->next_event_ns)
		return;
	client->next_event_ns += client->watch_ns;
	if (client->next_event_ns <= now_ns) /* we were late: do not send a burst */
		client->next_event_ns = now_ns + client->watch_ns;
	if (client->out_sent == client->out_used) {
		json_t *event = control->ops->event(control->ctx);

		if (event)
			client_queue(client, event);
	}
}

int
control_serve(struct control *control, int timeout_ms, int other_fd, int *ret_other,
	      struct sluice_err *reterr)
{
	struct pollfd fds[CONTROL_CLIENTS_MAX + 2];
	struct control_client *of[CONTROL_CLIENTS_MAX];
	size_t count = 0;
	uint64_t now_ns;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];
		short events = POLLIN;

		if (client->fd < 0)
			continue;
		if (client->out_sent < client->out_used)
			events = client->closing ? POLLOUT : POLLIN | POLLOUT;
		of[count] = client;
		fds[count++] = (struct pollfd){.fd = client->fd, .events = events};
	}
	fds[count] = (struct pollfd){
		.fd = clock_now_ns() < control->deaf_until_ns ? -1 : control->listen_fd,
		.events = POLLIN,
	};
	fds[count + 1] = (struct pollfd){.fd = other_fd, .events = POLLIN};
	*ret_other = 0;
	if (poll(fds, count + 2, events_timeout(control, timeout_ms)) < 0) {
		if (errno == EINTR)
			return 0;
		return sluice_fail(reterr, -errno, "poll failed: %s", strerror(errno));
	}
	now_ns = clock_now_ns();
	for (size_t i = 0; i < count; i++) {
		struct control_client *client = of[i];
		int drop = 0;

		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
			drop = client->closing ? -1 : client_read(control, client);
		if (drop == 0)
			client_event(control, client, now_ns);
		if (drop == 0)
			drop = client_flush(client, now_ns);
		if (drop < 0)
			client_drop(control, client);
	}
	if (fds[count].revents & POLLIN)
		accept_client(control);
	*ret_other = (fds[count + 1].revents & POLLIN) != 0;
	return 0;
}

void
control_watch(struct control_client *client, uint64_t interval_ms)
{
	client->watch_ns = interval_ms * MS_NS;
	client->next_event_ns = clock_now_ns();
}

size_t
control_clients(const struct control *control)
{
	size_t count = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		count += control->clients[i].fd >= 0;
	return count;
}
