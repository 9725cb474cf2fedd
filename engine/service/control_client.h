/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_client.h - one connection of the control socket: its lines in, its bounded queue of
 * answers out, its events. It never blocks. Only control.c uses it, on the control thread.
 */
#ifndef SERVICE_CONTROL_CLIENT_H
#define SERVICE_CONTROL_CLIENT_H

#include "control.h"

struct control_client {
	int fd;        /* -1: this place is free */
	int adopted;   /* a private connection: its end never is too slow for us */
	int passed_fd; /* came with a request and nobody took it yet; -1: none */
	int closing;   /* drop it once the queue is sent */
	char *in;      /* CONTROL_LINE_BYTES */
	size_t in_used;
	char *out;
	size_t out_used, out_sent, out_size;
	uint64_t stuck_since_ns; /* 0: the queue is empty or moving */
	uint64_t watch_ns, next_event_ns;
};

/* In a place that is free; the descriptor is the client's from now on. -ENOMEM. */
int control_client_open(struct control_client *client, int fd);
void control_client_close(struct control_client *client); /* the place is free again */

/* Reads once (so that all clients get their turn) and serves whole lines. -1: drop it. */
int control_client_read(struct control_client *client, const struct control_ops *ops, void *ctx);
/* Queues an event if one is due and all before it is sent. */
void control_client_event(struct control_client *client, const struct control_ops *ops, void *ctx,
			  uint64_t now_ns);
/* Sends what the socket takes. -1: drop it. */
int control_client_flush(struct control_client *client, uint64_t now_ns);
int control_client_has_output(const struct control_client *client);

#endif
