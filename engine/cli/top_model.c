/* SPDX-License-Identifier: Apache-2.0 */
/* top_model.c - see top_model.h. */
#include "top_model.h"

#include <string.h>

#include "text.h"

static double
member_of(const json_t *status, const char *object, const char *key)
{
	return number_of(json_object_get(status, object), key);
}

static double
rate(const struct top_model *model, const json_t *status, const char *object, const char *key,
     double elapsed_s)
{
	double change = member_of(status, object, key) - member_of(model->status, object, key);

	return change > 0 ? change / elapsed_s : 0;
}

static void
history_add(struct top_model *model, const json_t *share)
{
	if (model->history_count == TOP_HISTORY_MAX) {
		memmove(model->history, model->history + 1,
			(TOP_HISTORY_MAX - 1) * sizeof(model->history[0]));
		model->history_count--;
	}
	model->history[model->history_count++] =
		json_is_number(share) ? json_number_value(share) : -1;
}

void
top_model_update(struct top_model *model, json_t *status)
{
	double now_s = number_of(status, "uptime_ms") / 1e3;
	double elapsed_s = now_s - model->seen_s;

	if (model->status && elapsed_s > 0) {
		model->up_bps = rate(model, status, "round", "promoted_bytes", elapsed_s);
		model->down_bps = rate(model, status, "round", "demoted_bytes", elapsed_s);
		model->own_cpu_percent = rate(model, status, "cpu", "own_ns", elapsed_s) / 1e7;
		model->kernel_cpu_percent =
			rate(model, status, "cpu", "kernel_ns", elapsed_s) / 1e7;
	}
	history_add(model, json_object_get(json_object_get(status, "round"), "fast_share"));
	json_decref(model->status);
	model->status = json_incref(status);
	model->seen_s = now_s;
}

void
top_model_clear(struct top_model *model)
{
	json_decref(model->status);
	memset(model, 0, sizeof(*model));
}
