/* SPDX-License-Identifier: Apache-2.0 */
/* measuring.c - see measuring.h. */
#include "measuring.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "lock.h"
#include "measure.h"
#include "paths.h"
#include "sluice/topology.h"

#define TIME_MS_MAX 86400000 /* a day */
#define PAIRS_MAX 4096u

enum wish { WISH_GO_ON, WISH_STOP, WISH_DISCARD };

struct measuring {
	struct measure_options options;
	struct schedule_pair *pairs;
	char folder[PATHS_MAX]; /* of the kept figures; "": there is none */
	pid_t tiering_pid;      /* of a service that moves pages on this machine, or 0 */
	pthread_t thread;
	pthread_mutex_t lock;
	/* Below: under the lock. */
	enum wish wish;
	bool ended;
	struct measure_progress progress;
	/* Below: the thread's, until it has ended. */
	struct measure_result *result;
	int code, keep_code;
	struct sluice_err err, keep_err;
};

static int
on_tick(void *ctx, const struct measure_progress *progress)
{
	struct measuring *measuring = ctx;
	enum wish wish;

	pthread_mutex_lock(&measuring->lock);
	measuring->progress = *progress;
	wish = measuring->wish;
	pthread_mutex_unlock(&measuring->lock);
	return wish != WISH_GO_ON;
}

static void *
thread_main(void *arg)
{
	struct measuring *measuring = arg;
	enum wish wish;

	measuring->code = measure_run(&measuring->options, on_tick, measuring, &measuring->result,
				      &measuring->err);
	pthread_mutex_lock(&measuring->lock);
	wish = measuring->wish;
	pthread_mutex_unlock(&measuring->lock);
	if (!measuring->folder[0])
		measuring->keep_code = sluice_fail(
			&measuring->keep_err, -ENOTDIR,
			"nothing tells where this user's files are (HOME), so the figures are not "
			"kept; --state-dir says where");
	else if (measuring->code == 0 && wish != WISH_DISCARD)
		measuring->keep_code =
			measure_keep(measuring->result, measuring->folder, &measuring->keep_err);
	pthread_mutex_lock(&measuring->lock);
	measuring->ended = true;
	pthread_mutex_unlock(&measuring->lock);
	return NULL;
}

static int
read_number(const json_t *request, const char *name, uint64_t max, uint64_t *ret,
	    struct sluice_err *reterr)
{
	const json_t *number = json_object_get(request, name);

	if (!number)
		return 0;
	if (!json_is_integer(number) || json_integer_value(number) <= 0 ||
	    (uint64_t)json_integer_value(number) > max)
		return sluice_fail(reterr, -EBADMSG, "\"%s\" must be a number from 1 to %llu", name,
				   (unsigned long long)max);
	*ret = (uint64_t)json_integer_value(number);
	return 0;
}

static int
read_pairs(struct measuring *measuring, const json_t *request, struct sluice_err *reterr)
{
	const json_t *pairs = json_object_get(request, "pairs"), *pair;
	size_t i;

	if (!pairs)
		return 0;
	if (!json_is_array(pairs) || json_array_size(pairs) == 0 ||
	    json_array_size(pairs) > PAIRS_MAX)
		return sluice_fail(reterr, -EBADMSG, "\"pairs\" must be an array of 1 to %u",
				   PAIRS_MAX);
	measuring->pairs = calloc(json_array_size(pairs), sizeof(*measuring->pairs));
	if (!measuring->pairs)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	json_array_foreach (pairs, i, pair) {
		const json_t *cpu_node = json_array_get(pair, 0);
		const json_t *memory_node = json_array_get(pair, 1);
		json_int_t from = json_integer_value(cpu_node),
			   to = json_integer_value(memory_node);

		if (json_array_size(pair) != 2 || !json_is_integer(cpu_node) ||
		    !json_is_integer(memory_node) || from < 0 || from >= SLUICE_NODES_MAX ||
		    to < 0 || to >= SLUICE_NODES_MAX)
			return sluice_fail(reterr, -EBADMSG,
					   "each of \"pairs\" must be two node numbers below %d",
					   SLUICE_NODES_MAX);
		measuring->pairs[i] = (struct schedule_pair){(uint32_t)from, (uint32_t)to};
	}
	measuring->options.pairs = measuring->pairs;
	measuring->options.pair_count = json_array_size(pairs);
	return 0;
}

int
measuring_start(const struct options *options, const json_t *request, struct measuring **ret,
		struct sluice_err *reterr)
{
	const char *state_dir = options_text(options, OPTION_STATE_DIR, 0);
	bool chosen = options_layer(options, OPTION_STATE_DIR) != LAYER_DEFAULT;
	struct measuring *measuring;
	int r;

	if (options_text(options, OPTION_SYSROOT, 0)[0] ||
	    options_text(options, OPTION_SYNTHETIC, 0)[0])
		return sluice_fail(reterr, -EOPNOTSUPP,
				   "only the machine itself can be measured, not what --sysroot or "
				   "--synthetic shows of another");
	measuring = calloc(1, sizeof(*measuring));
	if (!measuring)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	r = read_number(request, "time_ms", TIME_MS_MAX, &measuring->options.time_ms, reterr);
	if (r == 0)
		r = read_number(request, "memory_bytes", INT64_MAX,
				&measuring->options.node_bytes_max, reterr);
	if (r == 0)
		r = read_pairs(measuring, request, reterr);
	if (r == 0) {
		if (!paths_measured(chosen ? state_dir : NULL, 1, measuring->folder))
			measuring->folder[0] = '\0';
		measuring->tiering_pid = lock_holder(state_dir);
		pthread_mutex_init(&measuring->lock, NULL);
		measuring->progress.doing = "set-up";
		r = -pthread_create(&measuring->thread, NULL, thread_main, measuring);
		if (r == 0) {
			*ret = measuring;
			return 0;
		}
		pthread_mutex_destroy(&measuring->lock);
		/* No fault of the request, whatever pthread_create() calls it. */
		r = sluice_fail(reterr, -EAGAIN,
				"cannot start a thread to measure with: %s; a limit of processes "
				"(ulimit -u, pids.max) may be reached",
				strerror(-r));
	}
	free(measuring->pairs);
	free(measuring);
	return r;
}

static void
set_wish(struct measuring *measuring, enum wish wish)
{
	pthread_mutex_lock(&measuring->lock);
	measuring->wish = wish;
	pthread_mutex_unlock(&measuring->lock);
}

void
measuring_stop(struct measuring *measuring)
{
	set_wish(measuring, WISH_STOP);
}

void
measuring_free(struct measuring *measuring)
{
	if (!measuring)
		return;
	set_wish(measuring, WISH_DISCARD);
	pthread_join(measuring->thread, NULL);
	pthread_mutex_destroy(&measuring->lock);
	measure_free(measuring->result);
	free(measuring->pairs);
	free(measuring);
}

static json_t *
figure_to_json(const struct measure_figure *figure)
{
	if (!(figure->value > 0))
		return json_null();
	return json_pack("{s:f, s:f, s:b, s:i, s:i}", "median", figure->value, "spread_percent",
			 figure->spread_percent, "noisy",
			 figure->spread_percent > MEASURE_NOISY_PERCENT, "passes",
			 (int)figure->passes, "threads", (int)figure->threads);
}

static json_t *
outcome_to_json(const struct measure_outcome *outcome)
{
	json_t *object =
		json_pack("{s:i, s:i, s:b, s:I, s:o, s:o}", "initiator", (int)outcome->cpu_node,
			  "node", (int)outcome->memory_node, "done", outcome->done, "memory_bytes",
			  (json_int_t)outcome->bytes, "huge_page_share",
			  outcome->bytes ? json_real(outcome->huge_share) : json_null(), "note",
			  json_text(outcome->note));

	for (int what = 0; what < MEASURE_COUNT; what++)
		json_object_set_new(object, measure_what_name((enum measure_what)what),
				    figure_to_json(&outcome->figures[what]));
	return object;
}

static json_t *
result_to_json(const struct measuring *measuring)
{
	const struct measure_result *result = measuring->result;
	json_t *pairs = json_array(), *warnings = json_array();
	char text[160];

	for (size_t i = 0; i < result->count; i++)
		json_array_append_new(pairs, outcome_to_json(&result->outcomes[i]));
	if (measuring->tiering_pid) {
		snprintf(text, sizeof(text),
			 "sluiced (pid %d) moves pages on this machine meanwhile, which takes "
			 "bandwidth; stop it for better figures",
			 (int)measuring->tiering_pid);
		json_array_append_new(warnings, json_string(text));
	}
	if (measuring->keep_code < 0 && measuring->keep_code != -ENOENT)
		json_array_append_new(warnings, json_text(measuring->keep_err.msg));
	return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o}", "running", 0,
			 "interrupted", result->interrupted, "time_ms", (json_int_t)result->time_ms,
			 "elapsed_ms", (json_int_t)result->elapsed_ms, "pairs_done",
			 (json_int_t)result->done, "pairs_total", (json_int_t)result->count,
			 "stores", measure_stores(), "kept_in",
			 measuring->keep_code == 0 ? json_text(measuring->folder) : json_null(),
			 "warnings", warnings, "pairs", pairs);
}

int
measuring_status(struct measuring *measuring, json_t **ret, struct sluice_err *reterr)
{
	struct measure_progress progress;
	bool ended;

	pthread_mutex_lock(&measuring->lock);
	progress = measuring->progress;
	ended = measuring->ended;
	pthread_mutex_unlock(&measuring->lock);
	if (ended && measuring->code < 0)
		return sluice_fail(reterr, measuring->code, "%s", measuring->err.msg);
	*ret = ended ? result_to_json(measuring)
		     : json_pack("{s:b, s:{s:I, s:I, s:i, s:i, s:s, s:I, s:I}}", "running", 1,
				 "progress", "pairs_done", (json_int_t)progress.pairs_done,
				 "pairs_total", (json_int_t)progress.pairs, "initiator",
				 (int)progress.cpu_node, "node", (int)progress.memory_node, "doing",
				 progress.doing, "elapsed_ms", (json_int_t)progress.elapsed_ms,
				 "time_ms", (json_int_t)progress.time_ms);
	return *ret ? 0 : sluice_fail(reterr, -ENOMEM, "out of memory");
}
