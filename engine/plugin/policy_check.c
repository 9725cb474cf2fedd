/* SPDX-License-Identifier: Apache-2.0 */
/* policy_check.c - see policy_check.h; looking at plans is plan_look.c. */
#include "policy_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canned_view.h"
#include "clock.h"
#include "plan_look.h"
#include "reserve.h"

#define REGIONS 4096u /* of views that are not about size: 8 GiB */
#define TIB_REGIONS (1u << 19)
#define ROUNDS 5u
#define TIMED_ROUNDS 5u
#define TIB_MS_GOOD 20.0

struct checking {
	const struct policy_check_options *options;
	struct policy_check_report *report;
	struct policy_process *process;
	size_t entry_max;
	size_t view_bytes; /* shared with processes that are started; 0: views are copied */
	struct sluice_region *regions;
	struct sluice_plan plan, other;
	struct canned_view view;
};

__attribute__((format(printf, 4, 5))) static void
row(struct checking *checking, const char *check, enum check_verdict verdict, const char *format,
    ...)
{
	struct policy_check_report *report = checking->report;
	struct policy_check_row *to;
	va_list args;

	if (report->row_count == sizeof(report->rows) / sizeof(report->rows[0]))
		return;
	to = &report->rows[report->row_count++];
	to->check = check;
	to->verdict = verdict;
	va_start(args, format);
	vsnprintf(to->detail, sizeof(to->detail), format, args);
	va_end(args);
	report->failed += verdict == CHECK_FAILED;
	report->warnings += verdict == CHECK_WARNING;
}

/* With the user's settings, or one of its own. */
static int
start(struct checking *checking, const struct plugin_setting *settings, size_t setting_count,
      struct policy_process **ret, struct sluice_err *reterr)
{
	struct policy_process_options options = {.entry_max = checking->entry_max,
						 .view_bytes = checking->view_bytes,
						 .decide_ms = checking->options->decide_ms};
	struct policy_process *process = NULL;
	int r = policy_process_new(&options, checking->options->path, checking->options->folders,
				   settings, setting_count, &process, reterr);

	if (r == 0)
		r = policy_process_start(process, 0, reterr);
	if (r < 0) {
		policy_process_free(process);
		return r;
	}
	*ret = process;
	return 0;
}

/* Again, after a fault. */
static int
have_process(struct checking *checking, struct sluice_err *reterr)
{
	return policy_process_runs(checking->process)
		       ? 0
		       : policy_process_start(checking->process, 0, reterr);
}

static int
decide(struct policy_process *process, const struct sluice_view *view, struct sluice_plan *plan,
       struct sluice_err *reterr)
{
	enum policy_fault fault;

	plan_begin(plan, view);
	return policy_process_decide(process, view, plan, &fault, reterr);
}

static void
check_canned(struct checking *checking, enum canned_kind kind)
{
	struct sluice_err err = {0, ""};
	char worry[300] = "";
	int r = have_process(checking, &err);

	for (unsigned int i = 0; i < ROUNDS && r == 0; i++) {
		canned_make(kind, REGIONS, i, checking->regions, &checking->view);
		r = decide(checking->process, &checking->view.view, &checking->plan, &err);
		if (r == 0 && !worry[0])
			plan_look(kind, &checking->plan, worry, sizeof(worry));
	}
	if (r < 0)
		row(checking, canned_name(kind), CHECK_FAILED, "%s", err.msg);
	else if (worry[0])
		row(checking, canned_name(kind), CHECK_WARNING, "%s", worry);
	else
		row(checking, canned_name(kind), CHECK_OK, "asks for %zu moves",
		    checking->plan.count);
}

/* A view whose elements are larger than this build's, as a newer engine would give: what is known
 * of them is the same, so the plan must be too. */
static void
check_strides(struct checking *checking)
{
	size_t stride = sizeof(struct sluice_region) + 24;
	size_t tier_stride = sizeof(struct sluice_tier) + 16;
	size_t bytes = REGIONS * stride;
	char *larger = reserve(bytes), *tiers = calloc(CANNED_TIERS_MAX, tier_stride);
	struct policy_process *one = NULL, *two = NULL;
	struct sluice_err err = {0, ""};
	struct sluice_view view;
	int r = larger && tiers ? 0 : sluice_fail(&err, -ENOMEM, "no memory");

	if (r == 0)
		r = start(checking, checking->options->settings, checking->options->setting_count,
			  &one, &err);
	if (r == 0)
		r = start(checking, checking->options->settings, checking->options->setting_count,
			  &two, &err);
	if (r == 0) {
		canned_make(CANNED_MIXED, REGIONS, 0, checking->regions, &checking->view);
		view = checking->view.view;
		memset(larger, 0xa5, bytes);
		memset(tiers, 0xa5, CANNED_TIERS_MAX * tier_stride);
		for (size_t i = 0; i < REGIONS; i++)
			memcpy(larger + i * stride, &checking->regions[i],
			       sizeof(checking->regions[i]));
		for (size_t t = 0; t < view.tier_count; t++)
			memcpy(tiers + t * tier_stride, &checking->view.tiers[t],
			       sizeof(struct sluice_tier));
		view.regions = larger;
		view.region_stride = (uint32_t)stride;
		view.tiers = tiers;
		view.tier_stride = (uint32_t)tier_stride;
		r = decide(one, &checking->view.view, &checking->plan, &err);
	}
	if (r == 0)
		r = decide(two, &view, &checking->other, &err);
	if (r < 0)
		row(checking, "growth", CHECK_FAILED, "%s", err.msg);
	else if (!plans_are_equal(&checking->plan, &checking->other))
		row(checking, "growth", CHECK_FAILED,
		    "with larger elements in the view, as of a newer engine, its plan is another: "
		    "step through arrays with sluice_view_region() and sluice_view_tier() only");
	else
		row(checking, "growth", CHECK_OK, "steps through arrays by their strides");
	policy_process_free(one);
	policy_process_free(two);
	release(larger, bytes);
	free(tiers);
}

static void
check_determinism(struct checking *checking)
{
	struct policy_process *processes[2] = {NULL, NULL};
	struct sluice_err err = {0, ""};
	int r = 0, differs = -1;

	for (int p = 0; p < 2 && r == 0; p++)
		r = start(checking, checking->options->settings, checking->options->setting_count,
			  &processes[p], &err);
	for (unsigned int i = 0; i < ROUNDS && r == 0 && differs < 0; i++) {
		canned_make(CANNED_MIXED, REGIONS, i, checking->regions, &checking->view);
		r = decide(processes[0], &checking->view.view, &checking->plan, &err);
		if (r == 0)
			r = decide(processes[1], &checking->view.view, &checking->other, &err);
		if (r == 0 && !plans_are_equal(&checking->plan, &checking->other))
			differs = (int)i;
	}
	if (r < 0)
		row(checking, "determinism", CHECK_FAILED, "%s", err.msg);
	else if (differs >= 0)
		row(checking, "determinism", CHECK_FAILED,
		    "the same views give another plan in another process (round %d): it uses an "
		    "address, memory that was never set, or a clock; what was recorded cannot be "
		    "replayed",
		    differs + 1);
	else
		row(checking, "determinism", CHECK_OK, "the same views give the same plans");
	policy_process_free(processes[0]);
	policy_process_free(processes[1]);
}

/* Each parameter is to refuse what is plainly nonsense, in a sentence. */
static void
check_params(struct checking *checking)
{
	const struct policy_card *card = &checking->report->card;
	char accepts[200] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < card->param_count; i++) {
		struct plugin_setting setting = {card->params[i].key, "\001 no value"};
		struct policy_process *process = NULL;
		struct sluice_err err = {0, ""};
		int r = start(checking, &setting, 1, &process, &err);

		policy_process_free(process);
		if (r == -EPROTO || r == -ETIMEDOUT || strstr(err.msg, "without a reason")) {
			row(checking, "parameters", CHECK_FAILED, "a bad value of '%s': %s",
			    setting.key, err.msg);
			return;
		}
		if (r == 0 && used < sizeof(accepts))
			used += (size_t)snprintf(accepts + used, sizeof(accepts) - used, "%s%s",
						 used ? ", " : "", setting.key);
	}
	if (used)
		row(checking, "parameters", CHECK_WARNING,
		    "takes any text for %s: check values in init(), and say what would be right",
		    accepts);
	else
		row(checking, "parameters", CHECK_OK, "%u, all with a fallback that works",
		    card->param_count);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A size of its own needs a process of its own, with a larger channel. */
static void
time_size(struct checking *checking, uint64_t region_count)
{
	struct policy_check_report *report = checking->report;
	struct policy_check_time *time = &report->times[report->time_count++];
	size_t bytes = region_count * sizeof(struct sluice_region);
	struct checking larger = *checking;
	struct sluice_err err = {0, ""};
	double ms[TIMED_ROUNDS];
	int r;

	*time = (struct policy_check_time){region_count, region_count * CANNED_REGION_BYTES, -1};
	larger.entry_max = region_count;
	larger.view_bytes = bytes; /* as in the service */
	memset(&larger.plan, 0, sizeof(larger.plan));
	larger.process = NULL;
	r = plan_init(&larger.plan, region_count, &err);
	if (r == 0)
		r = start(&larger, checking->options->settings, checking->options->setting_count,
			  &larger.process, &err);
	if (r == 0) {
		larger.regions = policy_process_view_memory(larger.process);
		canned_make(CANNED_MIXED, region_count, 0, larger.regions, &larger.view);
	}
	for (unsigned int i = 0; i <= TIMED_ROUNDS && r == 0; i++) {
		uint64_t began = clock_now_ns();

		larger.view.view.now_ms += 1000;
		r = decide(larger.process, &larger.view.view, &larger.plan, &err);
		if (i > 0) /* the first touches its memory for the first time */
			ms[i - 1] = (double)(clock_now_ns() - began) / 1e6;
	}
	if (r == 0) {
		qsort(ms, TIMED_ROUNDS, sizeof(ms[0]), by_size);
		time->best_ms = ms[0];
	} else {
		row(checking, "time", r == -ETIMEDOUT ? CHECK_FAILED : CHECK_WARNING,
		    "over %llu GiB: %s", (unsigned long long)(time->bytes >> 30), err.msg);
	}
	policy_process_free(larger.process);
	plan_destroy(&larger.plan);
}

static void
check_time(struct checking *checking)
{
	static const uint64_t sizes[] = {512, 32768, TIB_REGIONS, 16ull * TIB_REGIONS};
	const struct policy_check_report *report = checking->report;
	size_t rows = report->row_count;

	for (size_t i = 0; i < (checking->options->quick ? 3 : 4); i++)
		time_size(checking, sizes[i]);
	if (report->row_count > rows)
		return;
	if (report->times[2].best_ms > TIB_MS_GOOD)
		row(checking, "time", CHECK_WARNING,
		    "%.1f ms for a decision over 1 TiB; %.0f are a good goal, as nothing else is "
		    "done meanwhile",
		    report->times[2].best_ms, TIB_MS_GOOD);
	else
		row(checking, "time", CHECK_OK, "%.2f ms for a decision over 1 TiB",
		    report->times[2].best_ms);
}

static void
check_all(struct checking *checking)
{
	for (int kind = 0; kind < CANNED_KINDS; kind++)
		check_canned(checking, (enum canned_kind)kind);
	check_strides(checking);
	check_determinism(checking);
	check_params(checking);
	check_time(checking);
}

int
policy_check(const struct policy_check_options *options, struct policy_check_report *ret,
	     struct sluice_err *reterr)
{
	struct policy_process_options process = {.entry_max = REGIONS,
						 .decide_ms = options->decide_ms};
	struct checking checking = {.options = options, .report = ret, .entry_max = REGIONS};
	struct sluice_err err = {0, ""};
	int r;

	memset(ret, 0, sizeof(*ret));
	r = policy_process_new(&process, options->path, options->folders, options->settings,
			       options->setting_count, &checking.process, &err);
	if (r == -ENOENT || r == -ENOMEM)
		return sluice_fail(reterr, r, "%s", err.msg);
	snprintf(ret->path, sizeof(ret->path), "%s", options->path);
	if (r < 0) { /* it is there, and may not be loaded */
		row(&checking, "file", CHECK_FAILED, "%s", err.msg);
		return 0;
	}
	snprintf(ret->path, sizeof(ret->path), "%s", policy_process_path(checking.process));
	row(&checking, "file", CHECK_OK, "may be loaded");
	checking.regions = reserve(REGIONS * sizeof(*checking.regions));
	if (!checking.regions || plan_init(&checking.plan, REGIONS, reterr) < 0 ||
	    plan_init(&checking.other, REGIONS, reterr) < 0) {
		r = sluice_fail(reterr, -ENOMEM, "no memory to check a policy");
	} else if (policy_process_start(checking.process, 0, &err) < 0) {
		ret->card = *policy_process_card(checking.process);
		row(&checking, ret->card.name[0] ? "init" : "symbol", CHECK_FAILED, "%s", err.msg);
	} else {
		ret->card = *policy_process_card(checking.process);
		row(&checking, "symbol", CHECK_OK, "ABI %u, %u bytes", ret->card.abi,
		    ret->card.size);
		row(&checking, "init", CHECK_OK, "starts");
		check_all(&checking);
	}
	policy_process_free(checking.process);
	plan_destroy(&checking.plan);
	plan_destroy(&checking.other);
	release(checking.regions, REGIONS * sizeof(*checking.regions));
	return r;
}
