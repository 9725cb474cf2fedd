/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - the service's end of the control protocol: who may connect, lines in, lines out.
 *
 * One JSON object a line in both directions; what the objects mean is verbs.h. A line is at most
 * CONTROL_LINE_BYTES long. No client can hold up the service: sockets never block, answers wait in
 * a bounded queue, events are left out while that queue is not empty, and a client that does not
 * read for CONTROL_PATIENCE_MS is dropped. Control thread only; it never waits for the engine's
 * round.
 */
#ifndef SERVICE_CONTROL_H
#define SERVICE_CONTROL_H

#include <jansson.h>
#include <stdint.h>

#include "control_error.h" /* what requests are answered with */
#include "sluice/err.h"

#define CONTROL_LINE_BYTES 65536u
#define CONTROL_QUEUE_BYTES (16u << 20) /* the facts of a machine of 128 nodes are 8 MiB */
#define CONTROL_CLIENTS_MAX 64
#define CONTROL_PATIENCE_MS 10000
#define CONTROL_DEAF_MS 1000 /* without any descriptor left, nobody is accepted for so long */

struct control;
struct control_client; /* one connection; borrowed for the length of a callback */

struct control_ops {
	/* Answer a request; the answer is the control's. Required. */
	json_t *(*request)(void *ctx, struct control_client *client, const json_t *request);
	/* An event for a client that watches; NULL sends none. Required. */
	json_t *(*event)(void *ctx);
	/* The client is gone; its pointer means nothing from now on. Optional. */
	void (*closed)(void *ctx, const struct control_client *client);
};

/* ops and ctx are borrowed until control_free. */
int control_new(const struct control_ops *ops, void *ctx, struct control **ret,
		struct sluice_err *reterr);
void control_free(struct control *control); /* removes the socket file; NULL is fine */

/* Listen at path (mode 0600; root and our own user are served). A socket file that nobody serves
 * is replaced. -EADDRINUSE: another service answers there. -ENAMETOOLONG, -EACCES, ... */
int control_listen(struct control *control, const char *path, struct sluice_err *reterr);
/* Serve a connection that exists already; the descriptor is the control's from now on. */
int control_adopt(struct control *control, int fd, struct sluice_err *reterr);

/* Wait at most timeout_ms, and serve what is there. other_fd (-1: none) is waited for too;
 * *ret_other is 1 when it can be read. 0 or -errno. */
int control_serve(struct control *control, int timeout_ms, int other_fd, int *ret_other,
		  struct sluice_err *reterr);

/* Send an event now and then once per interval; 0 stops. */
void control_watch(struct control_client *client, uint64_t interval_ms);

/* The descriptor that came with what the client sent last, which is the caller's from now on; -1:
 * none did. */
int control_take_fd(struct control_client *client);

size_t control_clients(const struct control *control);

#endif
