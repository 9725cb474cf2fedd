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
#include "control_client.h"
#include "exit_status.h"
#include "log.h"

#define MS_NS 1000000u

struct control {
	const struct control_ops *ops;
	void *ctx;
	int listen_fd;
	int spare_fd;           /* given up to refuse a client when there are no descriptors left */
	uint64_t deaf_until_ns; /* when even that failed, the listener is not looked at till then */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

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
	control_client_close(client);
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

		if (client->fd < 0)
			return control_client_open(client, fd) == 0 ? client : NULL;
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
		if (control_client_has_output(client))
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
			drop = client->closing
				       ? -1
				       : control_client_read(client, control->ops, control->ctx);
		if (drop == 0)
			control_client_event(client, control->ops, control->ctx, now_ns);
		if (drop == 0)
			drop = control_client_flush(client, now_ns);
		if (drop < 0)
			client_drop(control, client);
	}
	if (fds[count].revents & POLLIN)
		accept_client(control);
	*ret_other = (fds[count + 1].revents & POLLIN) != 0;
	return 0;
}

size_t
control_clients(const struct control *control)
{
	size_t count = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		count += control->clients[i].fd >= 0;
	return count;
}
