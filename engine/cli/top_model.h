/* SPDX-License-Identifier: Apache-2.0 */
/* top_model.h - what `sluice top` shows: the last status, and rates from the one before it. */
#ifndef CLI_TOP_MODEL_H
#define CLI_TOP_MODEL_H

#include <jansson.h>
#include <stddef.h>

#define TOP_HISTORY_MAX 240

struct top_model {
	json_t *status; /* NULL before the first */
	double up_bps, down_bps;
	double own_cpu_percent, kernel_cpu_percent; /* of one CPU */
	double history[TOP_HISTORY_MAX]; /* shares of accesses served by the fastest tier; -1:
					    unknown */
	size_t history_count;            /* the newest is the last */
	double seen_s;                   /* of the status, as the service counts */
};

/* Takes a reference of its own. Rates are 0 until there are two statuses. */
void top_model_update(struct top_model *model, json_t *status);
void top_model_clear(struct top_model *model);

#endif
