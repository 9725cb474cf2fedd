/* SPDX-License-Identifier: Apache-2.0 */
/* explain_json.c - see explain_json.h. */
#include "explain_json.h"

#include <math.h>
#include <stdio.h>

#include "heat.h"
#include "json_text.h"
#include "parse.h"

static const char *const refusals[ROUND_REFUSALS] = {
	[REFUSED_ROOM] = "room", [REFUSED_BUDGET] = "budget", [REFUSED_PAYBACK] = "payback"};

static const char *
kind_of(const struct engine_explanation *explanation, uint32_t tier)
{
	return tier < explanation->round.tier_count
		       ? sluice_tier_kind_name(explanation->round.tiers[tier].kind)
		       : "unknown";
}

/* The last move that was asked for, if it is of this stay: from the tier that the page is in. */
static const struct journal_line *
last_ask(const struct round_explanation *round)
{
	for (size_t i = 0; i < round->line_count; i++) {
		if (round->lines[i].from == round->entry.tier)
			return &round->lines[i];
	}
	return NULL;
}

static void
why_asked(const struct engine_explanation *explanation, const struct journal_line *line, char *text,
	  size_t size)
{
	double ago_s = (double)(explanation->now_ns - line->time_ns) / 1e9;
	const char *to = kind_of(explanation, line->to);

	if (line->admitted_bytes && explanation->round.dry_run)
		snprintf(text, size,
			 "%.0f s ago it was to go to tier %u (%s); as this is a dry run it did not",
			 ago_s, line->to, to);
	else if (line->admitted_bytes)
		snprintf(text, size,
			 "%.0f s ago %s of its kind in this region were to go to tier %u (%s): it "
			 "is "
			 "on its way, or was in use by the kernel when its turn came",
			 ago_s, line->admitted_bytes < line->asked_bytes ? "some" : "all", line->to,
			 to);
	else if (line->refused & 1u << REFUSED_PAYBACK)
		snprintf(text, size,
			 "%.0f s ago the policy asked to move it to tier %u (%s), and the governor "
			 "refused: with a gain of %.3g accesses a second and page, moving it (%.1f "
			 "us a page) would not pay back twice within %.0f s",
			 ago_s, line->to, to, (double)line->gain,
			 (double)explanation->round.page_move_ns / 1e3,
			 (double)explanation->round.horizon_ms / 1e3);
	else if (line->refused & 1u << REFUSED_ROOM)
		snprintf(text, size,
			 "%.0f s ago the policy asked to move it to tier %u (%s), and the governor "
			 "refused: no room is there above the watermark",
			 ago_s, line->to, to);
	else
		snprintf(text, size,
			 "%.0f s ago the policy asked to move it to tier %u (%s); other moves "
			 "before "
			 "it used up what may be moved in one interval",
			 ago_s, line->to, to);
}

void
explain_why(const struct engine_explanation *explanation, char *text, size_t size)
{
	const struct round_explanation *round = &explanation->round;
	const struct sluice_region *entry = &round->entry;
	const struct journal_line *line = last_ask(round);
	char hotter[16], fast[16], colder[16];

	format_size(round->hotter_bytes, hotter, sizeof(hotter));
	format_size(round->fast_bytes, fast, sizeof(fast));
	format_size(round->fast_colder_bytes, colder, sizeof(colder));
	if (line)
		why_asked(explanation, line, text, size);
	else if (!isfinite(entry->heat_high))
		snprintf(text, size, "nothing of it was watched yet, so it stays where it is");
	else if (entry->tier == 0 && round->hotter_bytes <= round->fast_bytes)
		snprintf(
			text, size,
			"it belongs to the hottest memory: %s are hotter, and fast memory takes %s",
			hotter, fast);
	else if (entry->tier == 0)
		snprintf(text, size,
			 "it is in fast memory though %s are hotter and fast memory takes %s: the "
			 "policy has not asked to move it out, as nothing hotter needs its place "
			 "surely enough",
			 hotter, fast);
	else if (round->hotter_bytes >= round->fast_bytes)
		snprintf(text, size, "%s are hotter, and fast memory takes %s only", hotter, fast);
	else if (entry->heat_low <= round->fast_coldest)
		snprintf(text, size,
			 "it is not surely hotter than what is in fast memory: at least %.3g "
			 "accesses a second and page, and the coldest there has %.3g",
			 (double)entry->heat_low, (double)round->fast_coldest);
	else
		snprintf(text, size,
			 "%s in fast memory are colder, yet the policy has not asked to move it: "
			 "%s",
			 colder,
			 entry->age_ms < 10000 ? "it was moved a moment ago, and rests"
					       : "what it would win is too little, or too unsure");
}

static json_t *
number_or_null(float number)
{
	return isfinite(number) ? json_real((double)number) : json_null();
}

static json_t *
line_to_json(const struct engine_explanation *explanation, const struct journal_line *line)
{
	json_t *refused = json_array();

	for (int i = 0; i < ROUND_REFUSALS; i++) {
		if (line->refused & 1u << i)
			json_array_append_new(refused, json_string(refusals[i]));
	}
	return json_pack("{s:I, s:i, s:i, s:o, s:o, s:I, s:I, s:o}", "age_ms",
			 (json_int_t)((explanation->now_ns - line->time_ns) / 1000000), "from",
			 line->from, "to", line->to, "heat", number_or_null(line->heat), "gain",
			 number_or_null(line->gain), "asked_bytes", (json_int_t)line->asked_bytes,
			 "admitted_bytes", (json_int_t)line->admitted_bytes, "refused", refused);
}

static json_t *
address_to_json(uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	return json_string(text);
}

json_t *
explain_to_json(const struct engine_explanation *explanation)
{
	const struct round_explanation *round = &explanation->round;
	const struct sluice_region *entry = &round->entry;
	json_t *lines = json_array();
	char why[512];

	explain_why(explanation, why, sizeof(why));
	for (size_t i = 0; i < round->line_count; i++)
		json_array_append_new(lines, line_to_json(explanation, &round->lines[i]));
	return json_pack(
		"{s:i, s:o, s:s, s:b, s:i, s:s, s:{s:o, s:I, s:I, s:I, s:b}, s:o, s:o, s:o, s:o, "
		"s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:b, s:s, s:o}",
		"pid", (int)entry->pid, "address", address_to_json(explanation->address), "policy",
		explanation->policy, "safe_policy", explanation->safe, "tier", (int)entry->tier,
		"kind", kind_of(explanation, entry->tier), "region", "address",
		address_to_json(entry->addr), "span_bytes", (json_int_t)entry->span_bytes, "bytes",
		(json_int_t)entry->bytes, "unit_bytes", (json_int_t)round->unit_bytes, "exact",
		round->exact, "heat", number_or_null(entry->heat), "heat_low",
		number_or_null(entry->heat_low), "heat_high", number_or_null(entry->heat_high),
		"moved_ms",
		entry->age_ms < HEAT_NEVER_MOVED_MS ? json_integer(entry->age_ms) : json_null(),
		"hotter_bytes", (json_int_t)round->hotter_bytes, "fast_bytes",
		(json_int_t)round->fast_bytes, "fast_colder_bytes",
		(json_int_t)round->fast_colder_bytes, "fast_coldest_heat",
		number_or_null(round->fast_coldest), "decided_ms",
		(json_int_t)((explanation->now_ns - round->decided_ns) / 1000000), "page_move_ns",
		(json_int_t)round->page_move_ns, "horizon_ms", (json_int_t)round->horizon_ms,
		"dry_run", round->dry_run, "why", why, "decisions", lines);
}
