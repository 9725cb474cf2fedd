/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_nodes.c - nodes that come and go while the engine runs.
 *
 * Everything below knows tiers by their index, so when the tiers change, the parts are built anew
 * between two rounds, with the same policy and the same targets. While a node is being emptied
 * nothing is built: its blocks go one by one, and what is left of it is no use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine_parts.h"
#include "hotplug.h"
#include "log.h"

#define NS_PER_MS 1000000ull
#define LOOK_EVERY_NS (5000 * NS_PER_MS) /* where the kernel tells nothing */
#define SETTLE_NS (300 * NS_PER_MS)      /* blocks come in a row */
#define UNSETTLED_MAX_NS (3000 * NS_PER_MS)
/* Balloons make nodes smaller and larger all the time; only so much more or less is another tier to
 * plan for: a quarter. */
#define SIZE_SHIFT 2

static int
about_equal(uint64_t a, uint64_t b)
{
	uint64_t difference = a > b ? a - b : b - a;

	return difference <= a >> SIZE_SHIFT;
}

/* The same nodes of the same kinds in the same tiers? */
static int
same_tiers(const struct sluice_topology *a, const struct sluice_topology *b)
{
	size_t count = sluice_topology_node_count(a);

	if (sluice_topology_node_count(b) != count ||
	    sluice_topology_tier_count(a) != sluice_topology_tier_count(b))
		return 0;
	for (size_t i = 0; i < count; i++) {
		const struct sluice_node *x = sluice_topology_node(a, i);
		const struct sluice_node *y = sluice_topology_node(b, i);

		if (x->id != y->id || x->kind != y->kind || x->tier != y->tier ||
		    !about_equal(x->total_bytes, y->total_bytes))
			return 0;
	}
	return 1;
}

/* Targets keep their place in the list; one that cannot be watched any more is dropped. */
static void
add_targets(struct engine *engine, uint64_t now_ns)
{
	for (size_t i = 0; i < engine->target_count;) {
		struct sluice_err err = {0, ""};
		int r = round_add(engine->round, engine->targets[i].pid, now_ns, &err);

		if (r == 0) {
			i++;
			continue;
		}
		log_warn("engine", "process %d is not tiered any more: %s", engine->targets[i].pid,
			 err.msg);
		engine_forget_target(engine, i);
	}
}

static void
build(struct engine *engine, uint64_t now_ns)
{
	struct sluice_err err = {0, ""};

	engine->note[0] = '\0';
	if (sluice_topology_tier_count(engine->topology) < 2 && !engine->options.watch_only) {
		snprintf(engine->note, sizeof(engine->note),
			 "only one memory tier is left: nothing is moved until another comes");
		log_warn("engine", "%s", engine->note);
		return;
	}
	if (engine_parts_start(engine, &err) < 0) {
		engine_parts_stop(engine);
		snprintf(engine->note, sizeof(engine->note),
			 "nothing is moved, tried again every 5 s: %.190s", err.msg);
		log_warn("engine", "%s", engine->note);
		return;
	}
	add_targets(engine, now_ns);
}

static void
rebuild(struct engine *engine, struct sluice_topology *topology, uint64_t now_ns)
{
	log_info("engine",
		 "the machine has %zu memory nodes in %zu tiers now; starting over with them",
		 sluice_topology_node_count(topology), sluice_topology_tier_count(topology));
	engine_parts_stop(engine);
	sluice_topology_free(engine->latest);
	engine->latest = NULL;
	sluice_topology_free(engine->topology);
	engine->topology = topology;
	engine->env.topology = topology;
	build(engine, now_ns);
}

/* Is it time to look? An event means soon, but not before the kernel has settled. */
static int
is_due(struct engine *engine, uint64_t now_ns)
{
	if (hotplug_seen(engine->hotplug)) {
		if (!engine->unsettled_ns)
			engine->unsettled_ns = now_ns;
		if (now_ns - engine->unsettled_ns < UNSETTLED_MAX_NS)
			engine->look_ns = now_ns + SETTLE_NS;
	}
	if (now_ns < engine->look_ns || engine->leaving_node >= 0)
		return 0;
	engine->unsettled_ns = 0;
	engine->look_ns = now_ns + LOOK_EVERY_NS;
	return 1;
}

void
engine_nodes_watch(struct engine *engine, uint64_t now_ns)
{
	const struct sluice_topology *known = engine->latest ? engine->latest : engine->topology;
	struct sluice_topology *topology;
	struct sluice_err err = {0, ""};

	if (!is_due(engine, now_ns))
		return;
	if (!sluice_topology_is_stale(known)) {
		if (!engine->round && (engine->options.watch_only ||
				       sluice_topology_tier_count(engine->topology) >= 2))
			build(engine, now_ns);
		return;
	}
	if (sluice_topology_load(&engine->topology_options, &topology, &err) < 0) {
		log_debug("engine", "%s", err.msg);
		return;
	}
	if (same_tiers(engine->topology, topology)) {
		sluice_topology_free(engine->latest);
		engine->latest = topology;
		return;
	}
	rebuild(engine, topology, now_ns);
}
