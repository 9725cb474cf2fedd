/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_engine.c - engine.h without a machine below it, so that the real sluiced and sluice can be
 * tested anywhere, without root and without tiers. What it shows is made up from its age.
 *
 * STATE_DIR/changed stands for a kernel setting: it exists while the engine has it changed, so a
 * test can see whether it was put back. A target whose name is "refuse-me" may not be attached.
 */
#include "engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "procfs.h"

#define MIB ((uint64_t)1 << 20)

struct engine {
	char changed[4096]; /* path of the file that stands for a setting */
	uint64_t started_ns, started_cpu_ns;
	int is_dry;
	size_t count;
	uint64_t drains; /* how often a drain was asked for */
	struct sluice_trace_writer *recording;
	struct engine_target targets[ENGINE_TARGETS_MAX];
};

static void
changed_path(char path[4096], const char *state_dir)
{
	snprintf(path, 4096, "%s/changed", state_dir);
}

int
engine_start(const struct engine_options *options, struct engine **ret, struct sluice_err *reterr)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	FILE *file;

	if (!engine)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	changed_path(engine->changed, options->state_dir);
	file = fopen(engine->changed, "we");
	if (!file) {
		free(engine);
		return sluice_fail(reterr, -errno, "cannot write the fake setting");
	}
	fclose(file);
	engine->started_ns = clock_now_ns();
	engine->is_dry = options->round.dry_run;
	engine->started_cpu_ns = clock_process_cpu_ns();
	*ret = engine;
	return 0;
}

void
engine_stop(struct engine *engine)
{
	if (!engine)
		return;
	unlink(engine->changed);
	free(engine);
}

/* Its 64 pages were accessed 1 to 64 times, as a perfect tracker would say. */
static void
record_target(struct engine *engine, const struct engine_target *target)
{
	struct sluice_trace_span span = {0x10000000, 0x10000000 + 64 * 4096};
	uint64_t now_ns = clock_now_ns();

	if (!engine->recording)
		return;
	sluice_trace_write_process(engine->recording, now_ns, target->pid, target->comm);
	sluice_trace_write_spans(engine->recording, now_ns, target->pid, &span, 1);
	for (uint64_t i = 0; i < 64; i++) {
		struct sluice_trace_sample sample = {
			.addr = span.start + i * 4096,
			.len_bytes = 4096,
			.time_ns = now_ns,
			.pid = target->pid,
			.kind = SLUICE_TRACE_EXACT,
			.events = (float)(i + 1),
			.exposure_s = 1,
		};

		sluice_trace_write_samples(engine->recording, now_ns, &sample, 1);
	}
}

int
engine_record(struct engine *engine, struct sluice_trace_writer *writer, const int32_t *pids,
	      size_t pid_count, struct sluice_err *reterr)
{
	(void)pids;
	if (engine->recording)
		return sluice_fail(reterr, -EBUSY, "a recording is under way already");
	engine->recording = writer;
	sluice_trace_write_meta(writer, clock_now_ns(), "tracker", "fake");
	for (size_t i = 0; i < engine->count; i++) {
		if (pid_count == 0 || engine->targets[i].pid == pids[0])
			record_target(engine, &engine->targets[i]);
	}
	return 0;
}

struct sluice_trace_writer *
engine_record_end(struct engine *engine)
{
	struct sluice_trace_writer *writer = engine->recording;

	engine->recording = NULL;
	return writer;
}

int
engine_attach(struct engine *engine, int32_t pid, uint64_t start_ticks, struct sluice_err *reterr)
{
	struct engine_target *target = &engine->targets[engine->count];

	(void)start_ticks;
	if (pid == 1 || pid == getpid())
		return sluice_fail(reterr, -EINVAL, "process %d cannot be tiered", pid);
	if (kill(pid, 0) < 0 && errno == ESRCH)
		return sluice_fail(reterr, -ESRCH, "there is no process %d", pid);
	for (size_t i = 0; i < engine->count; i++) {
		if (engine->targets[i].pid == pid)
			return sluice_fail(reterr, -EALREADY, "process %d is attached already",
					   pid);
	}
	if (engine->count == ENGINE_TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC, "too many targets");
	*target = (struct engine_target){.pid = pid};
	procfs_comm("", pid, target->comm, sizeof(target->comm));
	if (strcmp(target->comm, "refuse-me") == 0)
		return sluice_fail(reterr, -EPERM, "not allowed to look into process %d", pid);
	engine->count++;
	record_target(engine, target);
	return 0;
}

int
engine_detach(struct engine *engine, int32_t pid, struct sluice_err *reterr)
{
	for (size_t i = 0; i < engine->count; i++) {
		if (engine->targets[i].pid == pid) {
			engine->targets[i] = engine->targets[--engine->count];
			return 0;
		}
	}
	return sluice_fail(reterr, -ESRCH, "process %d is not attached", pid);
}

/* Half of the accesses are fast at first, nearly all after four seconds. */
int
engine_drain(struct engine *engine, int node, struct round_drain *ret, int *ret_guards,
	     struct sluice_err *reterr)
{
	if (node != 1)
		return sluice_fail(reterr, -ENODEV, "there is no node %d with memory", node);
	engine->drains++;
	*ret_guards = 1;
	*ret = (struct round_drain){.under_way = 1,
				    .complete = engine->drains > 2,
				    .moved_bytes = engine->drains * MIB};
	return 0;
}

void
engine_undrain(struct engine *engine)
{
	engine->drains = 0;
}

void
engine_get_status(struct engine *engine, struct engine_status *ret)
{
	double age_s = (double)(clock_now_ns() - engine->started_ns) / 1e9;
	double done = engine->is_dry ? 0 : age_s > 4 ? 1 : age_s / 4;
	double share = 0.5 + 0.48 * done;

	memset(ret, 0, sizeof(*ret));
	ret->uptime_ms = (uint64_t)(age_s * 1000);
	snprintf(ret->policy, sizeof(ret->policy), "fake-policy");
	snprintf(ret->mover, sizeof(ret->mover), "fake");
	snprintf(ret->samplers, sizeof(ret->samplers), "fake,other");
	snprintf(ret->note, sizeof(ret->note), "%s", engine->count ? "fake note" : "");
	ret->leaving_node = engine->drains ? 1 : -1;
	ret->tier_count = 2;
	ret->tiers[0] = (struct sluice_tier){.total_bytes = 512 * MIB,
					     .free_bytes = 100 * MIB,
					     .room_bytes = 84 * MIB,
					     .latency_ns = 80,
					     .kind = SLUICE_TIER_DRAM};
	ret->tiers[1] = (struct sluice_tier){.total_bytes = 1024 * MIB,
					     .free_bytes = 600 * MIB,
					     .room_bytes = 600 * MIB,
					     .kind = SLUICE_TIER_CXL};
	if (age_s > 1) /* fast memory is full by then */
		ret->tiers[0].room_bytes = MIB;
	ret->round.rounds = (uint64_t)age_s;
	ret->round.promoted_bytes = (uint64_t)(100 * done) * MIB;
	ret->round.demoted_bytes = (uint64_t)(90 * done) * MIB;
	ret->round.outcome_pages[MOVE_MOVED] = (uint64_t)(190 * done) * 256;
	ret->round.fast_share = share;
	ret->round.heat.access_rate[0] = 1e6 * share;
	ret->round.heat.access_rate[1] = 1e6 * (1 - share);
	ret->round.heat.resident_bytes[0] = 400 * MIB;
	ret->round.heat.resident_bytes[1] = 300 * MIB;
	ret->round.heat.metadata_bytes = MIB;
	ret->sampling.samples = (uint64_t)(age_s * 1000);
	ret->sampling.kernel_cpu_ns = (uint64_t)(age_s * 1e7); /* 1 % of a CPU */
	ret->own_cpu_ns = clock_process_cpu_ns() - engine->started_cpu_ns;
	for (size_t i = 0; i < engine->count; i++) {
		struct engine_target *target = &ret->targets[ret->target_count];

		if (kill(engine->targets[i].pid, 0) < 0)
			continue;
		*target = engine->targets[i];
		procfs_comm("", target->pid, target->comm, sizeof(target->comm));
		target->resident_bytes[0] = 400 * MIB;
		target->resident_bytes[1] = 300 * MIB;
		target->access_share[0] = share;
		target->access_share[1] = 1 - share;
		ret->target_count++;
	}
}

int
engine_restore(const char *sysroot, const char *state_dir, struct sluice_err *reterr)
{
	char path[4096];

	(void)sysroot;
	(void)reterr;
	changed_path(path, state_dir);
	return unlink(path) == 0 ? 1 : 0;
}
