/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_verbs.h - the requests about the engine that runs: its targets, its state, and nodes that
 * it is to empty. All but drain are only called while there is one. Control thread only.
 */
#ifndef SERVICE_ENGINE_VERBS_H
#define SERVICE_ENGINE_VERBS_H

#include <jansson.h>

struct control_client;
struct service;

json_t *verb_attach(struct service *service, struct control_client *client, const json_t *request);
json_t *verb_detach(struct service *service, struct control_client *client, const json_t *request);
json_t *verb_drain(struct service *service, struct control_client *client, const json_t *request);
json_t *verb_explain(struct service *service, struct control_client *client, const json_t *request);
json_t *verb_status(struct service *service, struct control_client *client, const json_t *request);
json_t *verb_watch(struct service *service, struct control_client *client, const json_t *request);

/* Callbacks of control.h; ctx is the service. */
json_t *engine_event(void *ctx);
void engine_closed(void *ctx, const struct control_client *client);

#endif
