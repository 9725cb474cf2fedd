/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - speaking the control protocol: one JSON object a line, over a Unix socket.
 *
 * A request names a verb: {"verb":"attach","pid":123}. Names, as those of members, are words with
 * underscores between them. The answer is {"ok":true,...}, or
 * {"ok":false,"error":{"errno":"ESRCH","message":"...","exit":3}}. With "start_ticks", field 22 of
 * /proc/PID/stat, only the process that began then is meant by the pid. After "watch", objects with
 * "event":"status" arrive once per interval as well. One thread.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <jansson.h>
#include <sys/types.h>

#include "options.h"
#include "sluice/err.h"

struct client;

/* A running service. -ENOENT and -ECONNREFUSED: none runs there; -EACCES not ours. */
int client_connect(const char *path, struct client **ret, struct sluice_err *reterr);
/* A sluiced of our own, that serves only us and puts everything back and ends when we close, or
 * die. It gets the options that the command line set, and reads config (NULL: the default place).
 * -ENOENT: sluiced is nowhere. */
int client_spawn(const struct options *options, const char *config, struct client **ret,
		 struct sluice_err *reterr);
/* Closes, and waits for a spawned service to have put everything back. NULL is fine. */
void client_free(struct client *client);

/* Steals the request. -EPIPE: the service is gone. */
int client_send(struct client *client, json_t *request, struct sluice_err *reterr);
/* The next object. timeout_ms as of poll(2). -EAGAIN: nothing yet; -EPIPE: the service is gone;
 * -EPROTO: what came is not of the protocol. *ret is the caller's. */
int client_receive(struct client *client, int timeout_ms, json_t **ret, struct sluice_err *reterr);
/* Sends (steals) and waits for the answer, passing over events. When the service refuses, its
 * sentence is in reterr, its exit status in *ret_exit, and its negative errno is returned.
 * -ETIMEDOUT: no answer for a minute. */
int client_call(struct client *client, json_t *request, json_t **ret, int *ret_exit,
		struct sluice_err *reterr);
/* As client_call, with a descriptor that the service gets a copy of. */
int client_call_fd(struct client *client, json_t *request, int fd, json_t **ret, int *ret_exit,
		   struct sluice_err *reterr);
/* Reads an answer's error as client_call does; 0 when it is ok. */
int client_answer_error(const json_t *answer, int *ret_exit, struct sluice_err *reterr);

int client_is_private(const struct client *client); /* 1: its service was spawned for us */
int client_fd(const struct client *client);         /* to poll for reading */

#endif
