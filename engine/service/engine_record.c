/* SPDX-License-Identifier: Apache-2.0 */
/* engine_record.c - recording what a running engine sees and does. See engine.h and trace_tap.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "clock.h"
#include "engine_parts.h"
#include "trace_tap.h"

static void
write_meta(struct engine *engine, uint64_t now_ns)
{
	struct sluice_trace_writer *writer = engine->recording;
	char text[512];
	struct utsname name;
	struct timespec ts;
	size_t used = 0;

	sluice_trace_write_meta(writer, now_ns, "sluice", SLUICE_VERSION);
	if (uname(&name) == 0) {
		snprintf(text, sizeof(text), "%s %s %s", name.sysname, name.release, name.machine);
		sluice_trace_write_meta(writer, now_ns, "kernel", text);
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(text, sizeof(text), "%lld.%09ld", (long long)ts.tv_sec, ts.tv_nsec);
	sluice_trace_write_meta(writer, now_ns, "begun_unix", text);
	text[0] = '\0';
	for (size_t i = 0; i < engine->parts.sampler_count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? "," : "",
					 engine->parts.sampler_ops[i]->name);
	sluice_trace_write_meta(writer, now_ns, "tracker", text);
	sluice_trace_write_meta(writer, now_ns, "policy",
				engine->options.watch_only ? "none" : engine->parts.policy->name);
	sluice_trace_write_meta(
		writer, now_ns, "moves",
		engine->options.watch_only || engine->options.round.dry_run ? "no" : "yes");
}

int
engine_record(struct engine *engine, struct sluice_trace_writer *writer, const int32_t *pids,
	      size_t pid_count, struct sluice_err *reterr)
{
	uint64_t now_ns = clock_now_ns();
	int r = 0;

	pthread_mutex_lock(&engine->lock);
	if (engine->recording) {
		r = sluice_fail(reterr, -EBUSY, "a recording is under way already");
	} else {
		engine->recording = writer;
		trace_tap_record(engine->tap, writer, pids, pid_count);
		write_meta(engine, now_ns);
		if (engine->parts.memory) {
			struct sluice_tier tiers[SLUICE_TIERS_MAX];
			size_t count;

			(void)engine->parts.memory_ops->tiers(engine->parts.memory, tiers,
							      SLUICE_TIERS_MAX, &count, NULL);
		}
		for (size_t i = 0; i < engine->target_count; i++) {
			trace_tap_process(engine->tap, engine->targets[i].pid,
					  engine->targets[i].comm, now_ns);
			if (engine->parts.memory)
				trace_tap_spans(engine->tap, &engine->parts,
						engine->targets[i].pid);
		}
	}
	pthread_mutex_unlock(&engine->lock);
	return r;
}

struct sluice_trace_writer *
engine_record_end(struct engine *engine)
{
	struct sluice_trace_writer *writer;

	pthread_mutex_lock(&engine->lock);
	writer = engine->recording;
	engine->recording = NULL;
	trace_tap_record(engine->tap, NULL, NULL, 0);
	pthread_mutex_unlock(&engine->lock);
	return writer;
}
