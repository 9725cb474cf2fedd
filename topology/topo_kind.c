/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_kind.c - what a node's memory is, from facts only.
 *
 * In this order: CPUs beside it (dram), a device that feeds it (pmem, cxl), bandwidth far above
 * that of nodes with CPUs (hbm), latency like theirs (dram). Without any of these a node without
 * CPUs is `remote`: memory of unknown kind. The kernel's tier and SLIT say how far, not what.
 */
#include <stdarg.h>
#include <stdio.h>

#include "topo.h"

#define HBM_TIMES 2 /* an HBM stack gives 4 to 10 times the bandwidth of a node's DDR channels */

/* The best figures among nodes with CPUs; 0 is unknown. */
struct yardstick {
	uint32_t latency_ns;
	uint32_t bw_mbps;
};

uint32_t
topo_latency_ns(const struct topo_node *node)
{
	return node->node.read_latency_ns ? node->node.read_latency_ns
					  : node->node.write_latency_ns;
}

static struct yardstick
find_yardstick(const struct sluice_topology *topo)
{
	struct yardstick best = {0};

	for (size_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];
		uint32_t latency_ns = topo_latency_ns(node);

		if (!node->node.has_cpu)
			continue;
		if (latency_ns && (!best.latency_ns || latency_ns < best.latency_ns))
			best.latency_ns = latency_ns;
		if (node->node.read_bw_mbps > best.bw_mbps)
			best.bw_mbps = node->node.read_bw_mbps;
	}
	return best;
}

static bool
is_near(uint32_t best, uint32_t other)
{
	return (uint64_t)other * 100 <= (uint64_t)best * (100 + TOPO_NEAR_PERCENT);
}

__attribute__((format(printf, 3, 4))) static void
set_kind(struct topo_node *node, enum sluice_tier_kind kind, const char *format, ...)
{
	va_list args;

	node->node.kind = kind;
	va_start(args, format);
	vsnprintf(node->kind_reason, sizeof(node->kind_reason), format, args);
	va_end(args);
}

static void
find_kind(struct topo_node *node, const struct yardstick *best)
{
	uint32_t latency_ns = topo_latency_ns(node);
	uint32_t bw_mbps = node->node.read_bw_mbps;
	const char *soft_reserved = node->device == TOPO_DEVICE_SOFT_RESERVED
					    ? ", firmware set it aside as specific-purpose memory"
					    : "";

	if (node->node.has_cpu && node->device >= TOPO_DEVICE_CXL)
		set_kind(node, SLUICE_TIER_DRAM, "DRAM beside CPUs; part of it comes from %s.",
			 node->device_text);
	else if (node->node.has_cpu)
		set_kind(node, SLUICE_TIER_DRAM, "DRAM: it has CPUs.");
	else if (node->device == TOPO_DEVICE_PMEM)
		set_kind(node, SLUICE_TIER_PMEM, "Persistent memory: its memory is %s.",
			 node->device_text);
	else if (node->device == TOPO_DEVICE_CXL)
		set_kind(node, SLUICE_TIER_CXL, "CXL memory: its memory is %s.", node->device_text);
	else if (best->bw_mbps && bw_mbps >= (uint64_t)best->bw_mbps * HBM_TIMES)
		set_kind(node, SLUICE_TIER_HBM,
			 "HBM: no CPUs, and HMAT gives %u MB/s against %u MB/s of nodes with CPUs.",
			 bw_mbps, best->bw_mbps);
	else if (best->latency_ns && latency_ns && is_near(best->latency_ns, latency_ns))
		set_kind(node, SLUICE_TIER_DRAM,
			 "DRAM: no CPUs, but HMAT gives %u ns, like the %u ns of nodes with CPUs.",
			 latency_ns, best->latency_ns);
	else if (best->latency_ns && latency_ns)
		set_kind(node, SLUICE_TIER_REMOTE,
			 "Slower memory of unknown kind: no CPUs, no device known%s; HMAT gives "
			 "%u ns against %u ns.",
			 soft_reserved, latency_ns, best->latency_ns);
	else
		set_kind(node, SLUICE_TIER_REMOTE,
			 "Memory of unknown kind, taken as remote: no CPUs, no device known%s, no "
			 "HMAT figures.",
			 soft_reserved);
}

void
topo_find_kinds(struct sluice_topology *topo)
{
	struct yardstick best = find_yardstick(topo);

	for (size_t i = 0; i < topo->node_count; i++)
		find_kind(&topo->nodes[i], &best);
}
