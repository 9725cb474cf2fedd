/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tier_verbs.h - the requests behind `sluice tier`: listing memory devices, and bringing one online
 * or taking it offline in steps.
 *
 * A client opens a change, shows its plan, and asks for one step after the other; when it closes
 * the connection before the last, what was done is undone. Steps block, so only a private service
 * takes them: it has no other client and no engine to hold up. Control thread only.
 */
#ifndef SERVICE_TIER_VERBS_H
#define SERVICE_TIER_VERBS_H

#include <jansson.h>

struct service;

json_t *tier_list(struct service *service, const json_t *request);
json_t *tier_open(struct service *service, const json_t *request);
json_t *tier_step(struct service *service, const json_t *request);
/* Gives the change up. The answer comes when all is undone, or says what could not be. */
json_t *tier_undo(struct service *service, const json_t *request);

/* Undoes what is not complete. None open is fine. */
void tier_close(struct service *service);

#endif
