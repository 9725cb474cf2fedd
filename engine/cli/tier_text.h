/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tier_text.h - what `sluice tier` tells people: the devices, a plan, how far it is, the outcome.
 * All of it goes to standard output; on a terminal a line that is not final is written over.
 */
#ifndef TIER_TEXT_H
#define TIER_TEXT_H

#include <jansson.h>
#include <stddef.h>

void tier_text_list(const json_t *devices);
void tier_text_plan(const json_t *plan);
/* Steps as they are done; on a terminal, how far the one under way is. *printed counts lines. */
void tier_text_progress(const json_t *plan, const json_t *progress, size_t *printed);
/* How far the running service has emptied the node. */
void tier_text_drain(int node, const json_t *drain);
void tier_text_result(const char *action, const char *device, const json_t *result);

#endif
