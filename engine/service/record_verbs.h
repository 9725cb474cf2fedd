/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_verbs.h - recording for a client: it hands over the open file with its request, and the
 * recording lasts until it asks for the end, or is gone. Control thread.
 */
#ifndef SERVICE_RECORD_VERBS_H
#define SERVICE_RECORD_VERBS_H

#include <jansson.h>

struct control_client;
struct service;

/* {"verb":"record"}, with the descriptor of an empty file. Members: "command", text for the trace;
 * "pids", only these; "only", true: sample and move nothing, for which one tier is enough (private
 * services, before their engine runs). */
json_t *record_begin(struct service *service, struct control_client *client, const json_t *request);
/* {"verb":"record_status"} and {"verb":"record_end"}: what was written so far, or all in all. */
json_t *record_status(struct service *service);
json_t *record_end(struct service *service, struct control_client *client);

/* The recording ends, whoever wanted it. None is fine. */
void record_close(struct service *service);

#endif
