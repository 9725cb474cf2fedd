/* SPDX-License-Identifier: Apache-2.0 */
/* control_client.c - see control_client.h. */
#include "control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "exit_status.h"
#include "log.h"

#define MS_NS 1000000u

int
control_client_open(struct control_client *client, int fd)
{
	client->in = malloc(CONTROL_LINE_BYTES);
	if (!client->in)
		return -ENOMEM;
	client->fd = fd;
	client->passed_fd = -1;
	return 0;
}

void
control_client_close(struct control_client *client)
{
	close(client->fd);
	if (client->passed_fd >= 0)
		close(client->passed_fd);
	free(client->in);
	free(client->out);
	memset(client, 0, sizeof(*client));
	client->fd = -1;
}

int
control_client_has_output(const struct control_client *client)
{
	return client->out_sent < client->out_used;
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

int
control_client_flush(struct control_client *client, uint64_t now_ns)
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
client_line(struct control_client *client, const struct control_ops *ops, void *ctx,
	    const char *line, size_t len)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (json_is_object(request)) {
		client_queue(client, ops->request(ctx, client, request));
	} else {
		char message[256];

		snprintf(message, sizeof(message), "a request is one JSON object a line: %s",
			 request ? "this is something else" : error.text);
		client_queue(client, control_error(-EBADMSG, EXIT_USAGE, message));
	}
	json_decref(request);
}

/* Keeps the last descriptor that came along; others that nobody asked for are closed. */
static void
keep_fd(struct control_client *client, struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= part->cmsg_len;
		     at += sizeof(int)) {
			if (client->passed_fd >= 0)
				close(client->passed_fd);
			memcpy(&client->passed_fd, (const char *)part + at, sizeof(int));
		}
	}
}

int
control_take_fd(struct control_client *client)
{
	int fd = client->passed_fd;

	client->passed_fd = -1;
	return fd;
}

static ssize_t
receive(struct control_client *client)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))]; /* what does not fit the kernel closes; two
						      * do, where there is padding */
	} room;
	struct iovec part = {client->in + client->in_used, CONTROL_LINE_BYTES - client->in_used};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = room.bytes,
				 .msg_controllen = sizeof(room.bytes)};
	ssize_t n = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		keep_fd(client, &message);
	return n;
}

int
control_client_read(struct control_client *client, const struct control_ops *ops, void *ctx)
{
	ssize_t n = receive(client);
	char *line = client->in, *end;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) { /* it asks no more, but may wait for answers */
		client->closing = 1;
		return control_client_has_output(client) ? 0 : -1;
	}
	client->in_used += (size_t)n;
	while ((end = memchr(line, '\n', client->in_used - (size_t)(line - client->in))) != NULL) {
		client_line(client, ops, ctx, line, (size_t)(end - line));
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

void
control_client_event(struct control_client *client, const struct control_ops *ops, void *ctx,
		     uint64_t now_ns)
{
	if (client->watch_ns == 0 || now_ns < client->next_event_ns)
		return;
	client->next_event_ns += client->watch_ns;
	if (client->next_event_ns <= now_ns) /* we were late: do not send a burst */
		client->next_event_ns = now_ns + client->watch_ns;
	if (!control_client_has_output(client)) {
		json_t *event = ops->event(ctx);

		if (event)
			client_queue(client, event);
	}
}

void
control_watch(struct control_client *client, uint64_t interval_ms)
{
	client->watch_ns = interval_ms * MS_NS;
	client->next_event_ns = clock_now_ns();
}
