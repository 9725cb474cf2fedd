/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_kind.c - what a node's memory is, from facts only.
 *
 * In this order: the user's word, CPUs beside it (dram), a device that feeds it (pmem, cxl, the
 * processor's own hbm), bandwidth far above that of nodes with CPUs (hbm), latency like theirs
 * (dram). Without any of these a node without CPUs is `remote`: memory of unknown kind. The
 * kernel's tier and SLIT say how far, not what.
 */
#include <stdarg.h>
#include <stdio.h>

#include "topo.h"

#define HBM_TIMES 2 /* an HBM stack gives 4 to 10 times the bandwidth of a node's DDR channels */

/* The best figures among nodes with CPUs; 0 is unknown. Where CPUs have no memory of their own,
 * what is nearest to them stands for it, as DRAM is nearest to its controller. */
struct yardstick {
	uint32_t latency_ns;
	uint32_t bw_mbps;
	bool stand_in;
	uint32_t distance; /* of the stand-in */
};

static bool
is_near(uint32_t best, uint32_t other)
{
	return (uint64_t)other * 100 <= (uint64_t)best * (100 + TOPO_NEAR_PERCENT);
}

static bool
is_unknown(const struct topo_node *node)
{
	return !node->node.has_cpu && node->said_kind < 0 && node->proof == TOPO_PROOF_NONE;
}

static void
find_stand_in(const struct sluice_topology *topo, struct yardstick *best)
{
	for (size_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];
		uint32_t latency_ns = topo_comparable_ns(topo, node);

		if (node->node.has_cpu) {
			*best = (struct yardstick){0};
			return;
		}
		if (!is_unknown(node))
			continue;
		best->stand_in = true;
		if (latency_ns && (!best->latency_ns || latency_ns < best->latency_ns))
			best->latency_ns = latency_ns;
		if (node->node.distance &&
		    (!best->distance || node->node.distance < best->distance))
			best->distance = node->node.distance;
	}
}

static struct yardstick
find_yardstick(const struct sluice_topology *topo)
{
	struct yardstick best = {0};

	find_stand_in(topo, &best);
	for (size_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];
		uint32_t latency_ns = topo_comparable_ns(topo, node);

		if (!node->node.has_cpu)
			continue;
		if (latency_ns && (!best.latency_ns || latency_ns < best.latency_ns))
			best.latency_ns = latency_ns;
		if (node->proof != TOPO_PROOF_SOFT_RESERVED &&
		    node->node.read_bw_mbps > best.bw_mbps)
			best.bw_mbps = node->node.read_bw_mbps;
	}
	return best;
}

__attribute__((format(printf, 4, 5))) static void
set_kind(struct topo_node *node, enum sluice_tier_kind kind, enum sluice_source source,
	 const char *format, ...)
{
	va_list args;

	node->node.kind = kind;
	node->node.kind_source = source;
	va_start(args, format);
	vsnprintf(node->kind_reason, sizeof(node->kind_reason), format, args);
	va_end(args);
}

/* DRAM is never set aside as specific-purpose memory: with such a bandwidth, it is HBM. */
static bool
is_hbm_with_cpus(const struct topo_node *node, const struct yardstick *best)
{
	return node->proof == TOPO_PROOF_SOFT_RESERVED && best->bw_mbps &&
	       node->node.read_bw_mbps >= (uint64_t)best->bw_mbps * HBM_TIMES;
}

/* The device, or the user, says it. */
static bool
find_proven_kind(struct topo_node *node, const struct yardstick *best)
{
	static const struct {
		enum sluice_tier_kind kind;
		const char *words;
	} kinds[] = {
		[TOPO_PROOF_HBM] = {SLUICE_TIER_HBM, "HBM"},
		[TOPO_PROOF_CXL] = {SLUICE_TIER_CXL, "CXL memory"},
		[TOPO_PROOF_PMEM] = {SLUICE_TIER_PMEM, "Persistent memory"},
	};

	if (node->said_kind >= 0) {
		set_kind(node, (enum sluice_tier_kind)node->said_kind, node->said_by,
			 "%s, as %s%s%s.", sluice_tier_kind_name((uint32_t)node->said_kind),
			 node->said_by == SLUICE_SOURCE_OVERRIDE ? "you say" : "described",
			 node->device_text[0] ? "; its device is " : "", node->device_text);
		return true;
	}
	if (node->node.has_cpu) {
		if (is_hbm_with_cpus(node, best))
			set_kind(node, SLUICE_TIER_HBM, node->node.bw_source,
				 "HBM beside CPUs: its memory is %s, and %s gives %u MB/s against "
				 "%u MB/s.",
				 node->device_text, topo_source_words(node->node.bw_source),
				 node->node.read_bw_mbps, best->bw_mbps);
		else if (node->proof >= TOPO_PROOF_CXL)
			set_kind(node, SLUICE_TIER_DRAM, SLUICE_SOURCE_NODE,
				 "DRAM beside CPUs; part of it comes from %s.", node->device_text);
		else
			set_kind(node, SLUICE_TIER_DRAM, SLUICE_SOURCE_NODE, "DRAM: it has CPUs.");
		return true;
	}
	if (node->proof == TOPO_PROOF_NONE || node->proof == TOPO_PROOF_SOFT_RESERVED)
		return false;
	set_kind(node, kinds[node->proof].kind, node->proof_source, "%s: its memory is %s.",
		 kinds[node->proof].words, node->device_text);
	return true;
}

static bool
is_nearest(const struct sluice_topology *topo, const struct topo_node *node,
	   const struct yardstick *best)
{
	uint32_t latency_ns = topo_comparable_ns(topo, node);

	if (best->latency_ns)
		return latency_ns && is_near(best->latency_ns, latency_ns);
	return !best->distance || is_near(best->distance, node->node.distance);
}

static void
find_kind(const struct sluice_topology *topo, struct topo_node *node, const struct yardstick *best)
{
	uint32_t latency_ns = topo_comparable_ns(topo, node);
	uint32_t bw_mbps = node->node.read_bw_mbps;
	const char *by = topo_source_words(node->node.latency_source);
	const char *soft_reserved = node->proof == TOPO_PROOF_SOFT_RESERVED
					    ? ", firmware set it aside as specific-purpose memory"
					    : "";

	if (find_proven_kind(node, best))
		return;
	if (best->stand_in && is_unknown(node) && is_nearest(topo, node, best)) {
		set_kind(node, SLUICE_TIER_DRAM, SLUICE_SOURCE_NODE,
			 "DRAM: the nearest memory of CPUs that have none of their own.");
		return;
	}
	if (best->bw_mbps && bw_mbps >= (uint64_t)best->bw_mbps * HBM_TIMES)
		set_kind(node, SLUICE_TIER_HBM, node->node.bw_source,
			 "HBM: no CPUs, and %s gives %u MB/s against %u MB/s of nodes with CPUs.",
			 topo_source_words(node->node.bw_source), bw_mbps, best->bw_mbps);
	else if (best->latency_ns && latency_ns && is_near(best->latency_ns, latency_ns))
		set_kind(node, SLUICE_TIER_DRAM, node->node.latency_source,
			 "DRAM: no CPUs, but %s gives %u ns, like the %u ns of nodes with CPUs.",
			 by, latency_ns, best->latency_ns);
	else if (best->latency_ns && latency_ns)
		set_kind(node, SLUICE_TIER_REMOTE, SLUICE_SOURCE_NONE,
			 "Slower memory of unknown kind: no CPUs, no device known%s; %s gives "
			 "%u ns against %u ns.",
			 soft_reserved, by, latency_ns, best->latency_ns);
	else
		set_kind(node, SLUICE_TIER_REMOTE, SLUICE_SOURCE_NONE,
			 "Memory of unknown kind, taken as remote: no CPUs, no device known%s, no "
			 "latencies to compare.",
			 soft_reserved);
}

void
topo_find_kinds(struct sluice_topology *topo)
{
	struct yardstick best = find_yardstick(topo);

	for (size_t i = 0; i < topo->node_count; i++)
		find_kind(topo, &topo->nodes[i], &best);
}
