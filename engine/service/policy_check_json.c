/* SPDX-License-Identifier: Apache-2.0 */
/* policy_check_json.c - see policy_check_json.h. */
#include "policy_check_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "policies_json.h"
#include "policy_check.h"
#include "setup.h"

static json_t *
rows_to_json(const struct policy_check_report *report)
{
	static const char *const verdicts[] = {"ok", "warning", "failed"};
	json_t *rows = json_array();

	for (size_t i = 0; i < report->row_count; i++) {
		const struct policy_check_row *row = &report->rows[i];

		json_array_append_new(rows, json_pack("{s:s, s:s, s:o}", "check", row->check,
						      "verdict", verdicts[row->verdict], "detail",
						      json_text(row->detail)));
	}
	return rows;
}

static json_t *
times_to_json(const struct policy_check_report *report)
{
	json_t *times = json_array();

	for (size_t i = 0; i < report->time_count; i++) {
		const struct policy_check_time *time = &report->times[i];

		json_array_append_new(
			times,
			json_pack("{s:I, s:I, s:o}", "bytes", (json_int_t)time->bytes, "regions",
				  (json_int_t)time->regions, "best_ms",
				  time->best_ms >= 0 ? json_real(time->best_ms) : json_null()));
	}
	return times;
}

static json_t *
report_to_json(const struct policy_check_report *report)
{
	const struct policy_card *card = &report->card;
	int known = card->name[0] != '\0';

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:i, s:i, s:o, s:o}", "path",
			 json_text(report->path), "name",
			 known ? json_text(card->name) : json_null(), "summary",
			 known ? json_text(card->summary) : json_null(), "abi",
			 known ? json_integer(card->abi) : json_null(), "params",
			 policy_params_to_json(card), "passed", report->failed == 0, "failed",
			 (int)report->failed, "warnings", (int)report->warnings, "checks",
			 rows_to_json(report), "decide_ms", times_to_json(report));
}

int
policy_check_to_json(const struct options *options, const json_t *request, json_t **ret,
		     struct sluice_err *reterr)
{
	const json_t *quick = json_object_get(request, "quick");
	struct policy_check_report *report = NULL;
	struct setup *setup = calloc(1, sizeof(*setup));
	struct policy_check_options check = {
		.path = json_string_value(json_object_get(request, "path")),
		.quick = json_is_true(quick),
	};
	int r;

	if (!check.path || !check.path[0] || (quick && !json_is_boolean(quick))) {
		free(setup);
		return sluice_fail(reterr, -EBADMSG,
				   "\"path\" must be a text, and \"quick\" true or false");
	}
	report = calloc(1, sizeof(*report));
	r = report && setup ? setup_from_options(options, setup, reterr)
			    : sluice_fail(reterr, -ENOMEM, "out of memory");
	if (r == 0) {
		check.folders = setup->engine.folders;
		check.settings = setup->engine.settings;
		check.setting_count = setup->engine.setting_count;
		check.decide_ms = setup->engine.policy_timeout_ms;
		r = policy_check(&check, report, reterr);
	}
	if (r == 0)
		*ret = report_to_json(report);
	free(report);
	free(setup);
	return r;
}
