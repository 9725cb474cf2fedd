/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_json.h - the engine's state as JSON, in the schema of sluice(1). Members are only ever
 * added. What is not known is null. A new reference, or NULL when there is no memory.
 */
#ifndef SERVICE_STATUS_JSON_H
#define SERVICE_STATUS_JSON_H

#include <jansson.h>

#include "engine.h"

/* Without "ok": the caller adds it to an answer, or "event" to an event. */
json_t *status_to_json(const struct engine_status *status);
/* The drain verb's answer, and the status' "leaving". */
json_t *drain_to_json(int node, const struct round_drain *drain, int guards);

#endif
