/* SPDX-License-Identifier: Apache-2.0 */
/* explain_json.h - why a page is where it is, as JSON and in sentences; see sluice(1). Pure. */
#ifndef SERVICE_EXPLAIN_JSON_H
#define SERVICE_EXPLAIN_JSON_H

#include <jansson.h>

#include "engine.h"

/* The whole of it in a sentence or two, for the user. */
void explain_why(const struct engine_explanation *explanation, char *text, size_t size);
json_t *explain_to_json(const struct engine_explanation *explanation);

#endif
