/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_choose.c - one figure where several sources told one, and what is plainly wrong.
 *
 * Order: the user, a synthetic description, HMAT access1, access0, kept measurements. Latencies are
 * for comparing, and those of two sources cannot be compared: so one source is the base of all, the
 * one that knows most nodes, is not plainly wrong, and comes first in the order. The others only
 * fill in what is shown.
 */
#include <stdio.h>

#include "topo.h"

#define TIMES_DISAGREE 2  /* a measurement this many times off is worth a remark */
#define PERCENT_CLEAR 150 /* a measured order of this much is no noise */

/* The sources that may be a base; access1 stands for both classes of HMAT. */
static const enum sluice_source bases[] = {SLUICE_SOURCE_SYNTHETIC, SLUICE_SOURCE_HMAT_CPU,
					   SLUICE_SOURCE_MEASURED};
#define BASES (sizeof(bases) / sizeof(bases[0]))

static bool
tells(const struct topo_told *told)
{
	for (size_t i = 0; i < TOPO_FIGURES; i++)
		if (told->figures[i])
			return true;
	return false;
}

/* access0 may be seen from an accelerator: so access1 first, and the two are not mixed. */
static enum sluice_source
teller(const struct topo_told told[TOPO_TELLERS], enum sluice_source base)
{
	return base == SLUICE_SOURCE_HMAT_CPU && !tells(&told[SLUICE_SOURCE_HMAT_CPU])
		       ? SLUICE_SOURCE_HMAT_ANY
		       : base;
}

static uint32_t
latency_in(const struct topo_told *told)
{
	return told->figures[TOPO_READ_LATENCY] ? told->figures[TOPO_READ_LATENCY]
						: told->figures[TOPO_WRITE_LATENCY];
}

static uint32_t
bw_in(const struct topo_told *told)
{
	return told->figures[TOPO_READ_BW] ? told->figures[TOPO_READ_BW]
					   : told->figures[TOPO_WRITE_BW];
}

uint32_t
topo_latency_of(const struct topo_told told[TOPO_TELLERS], enum sluice_source base)
{
	uint32_t said_ns = latency_in(&told[SLUICE_SOURCE_OVERRIDE]);

	return said_ns ? said_ns : latency_in(&told[teller(told, base)]);
}

static uint32_t
bw_of(const struct topo_told told[TOPO_TELLERS], enum sluice_source base)
{
	uint32_t said_mbps = bw_in(&told[SLUICE_SOURCE_OVERRIDE]);

	return said_mbps ? said_mbps : bw_in(&told[teller(told, base)]);
}

uint32_t
topo_comparable_ns(const struct sluice_topology *topo, const struct topo_node *node)
{
	return topo_latency_of(node->told, topo->latency_base);
}

static size_t
count_known(const struct sluice_topology *topo, enum sluice_source base,
	    uint32_t (*get)(const struct topo_told *, enum sluice_source))
{
	size_t count = 0;

	for (size_t i = 0; i < topo->node_count; i++)
		count += get(topo->nodes[i].told, base) > 0;
	return count;
}

bool
topo_is_proven_slow(const struct topo_node *node)
{
	if (node->said_kind >= 0)
		return node->said_kind == SLUICE_TIER_CXL || node->said_kind == SLUICE_TIER_PMEM;
	return !node->node.has_cpu &&
	       (node->proof == TOPO_PROOF_CXL || node->proof == TOPO_PROOF_PMEM);
}

/* What the source itself says, whatever the user said. */
static uint32_t
own_latency(const struct topo_node *node, enum sluice_source base)
{
	return latency_in(&node->told[teller(node->told, base)]);
}

/* Memory that is proven to be slow, and yet told to be faster than DRAM, or just as fast. */
static const char *
find_impossible(struct sluice_topology *topo, enum sluice_source base)
{
	const struct topo_node *slow = NULL, *fast = NULL;
	bool all_equal = true;
	uint32_t first_ns = 0, slow_ns, fast_ns;

	for (size_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];
		uint32_t ns = own_latency(node, base);

		if (!ns)
			continue;
		first_ns = first_ns ? first_ns : ns;
		all_equal = all_equal && ns == first_ns;
		if (topo_is_proven_slow(node) && (!slow || ns < own_latency(slow, base)))
			slow = node;
		if (node->node.has_cpu && (!fast || ns > own_latency(fast, base)))
			fast = node;
	}
	if (!slow || !fast)
		return NULL;
	slow_ns = own_latency(slow, base);
	fast_ns = own_latency(fast, base);
	if (slow_ns < fast_ns)
		return topo_say(topo,
				"plainly wrong: node %u, whose memory is %s, would be faster (%u "
				"ns) than node %u with its CPUs (%u ns)",
				slow->node.id,
				slow->device_text[0] ? slow->device_text : "slow as you say",
				slow_ns, fast->node.id, fast_ns);
	if (all_equal)
		return topo_say(topo,
				"plainly wrong: the same %u ns for all nodes, though node %u is %s",
				first_ns, slow->node.id,
				slow->device_text[0] ? slow->device_text : "slow as you say");
	return NULL;
}

/* Two nodes that a measurement puts clearly in one order, and firmware in the other. */
static const char *
find_against_measured(struct sluice_topology *topo, enum sluice_source base)
{
	for (size_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *fast = &topo->nodes[i];
		uint64_t fast_ns = latency_in(&fast->told[SLUICE_SOURCE_MEASURED]);
		uint32_t fast_told = own_latency(fast, base);

		for (size_t k = 0; k < topo->node_count; k++) {
			const struct topo_node *slow = &topo->nodes[k];
			uint64_t slow_ns = latency_in(&slow->told[SLUICE_SOURCE_MEASURED]);
			uint32_t slow_told = own_latency(slow, base);

			if (!fast_ns || !fast_told || !slow_told ||
			    slow_ns * 100 < fast_ns * PERCENT_CLEAR || slow_told >= fast_told)
				continue;
			return topo_say(topo,
					"plainly wrong: node %u (%u ns) before node %u (%u ns), "
					"where measurements are %u and %u ns",
					slow->node.id, slow_told, fast->node.id, fast_told,
					(unsigned int)slow_ns, (unsigned int)fast_ns);
		}
	}
	return NULL;
}

/* The source that knows most nodes, and of those the first. */
static enum sluice_source
find_base(const struct sluice_topology *topo,
	  uint32_t (*get)(const struct topo_told *, enum sluice_source), const char *const *wrong)
{
	enum sluice_source base = SLUICE_SOURCE_NONE;
	size_t best = 0;

	for (size_t i = 0; i < BASES; i++) {
		size_t count = count_known(topo, bases[i], get);

		if ((wrong && wrong[bases[i]]) || count <= best)
			continue;
		best = count;
		base = bases[i];
	}
	return base;
}

/* The first in the order that tells: the user, the base, then the others. */
static enum sluice_source
pick(const struct topo_told told[TOPO_TELLERS], enum sluice_source base, const char *const *wrong,
     uint32_t (*in)(const struct topo_told *))
{
	if (in(&told[SLUICE_SOURCE_OVERRIDE]))
		return SLUICE_SOURCE_OVERRIDE;
	if (base != SLUICE_SOURCE_NONE && in(&told[teller(told, base)]))
		return teller(told, base);
	for (size_t i = 0; i < BASES; i++) {
		enum sluice_source source = teller(told, bases[i]);

		if (!(wrong && wrong[bases[i]]) && in(&told[source]))
			return source;
	}
	return SLUICE_SOURCE_NONE;
}

static void
choose_node(struct sluice_topology *topo, struct topo_node *node)
{
	struct sluice_node *n = &node->node;
	enum sluice_source source =
		pick(node->told, topo->latency_base, topo->wrong_latency, latency_in);

	n->latency_source = source;
	n->read_latency_ns = node->told[source].figures[TOPO_READ_LATENCY];
	n->write_latency_ns = node->told[source].figures[TOPO_WRITE_LATENCY];
	n->spread_percent = node->told[source].spread_percent;
	source = pick(node->told, topo->bw_base, NULL, bw_in);
	n->bw_source = source;
	n->read_bw_mbps = node->told[source].figures[TOPO_READ_BW];
	n->write_bw_mbps = node->told[source].figures[TOPO_WRITE_BW];
	n->mixed_bw_mbps = node->told[SLUICE_SOURCE_MEASURED].figures[TOPO_MIXED_BW];
}

static void
choose_pair(struct sluice_topology *topo, struct topo_pair *of)
{
	struct sluice_pair *pair = &of->pair;
	enum sluice_source source =
		pick(of->told, topo->latency_base, topo->wrong_latency, latency_in);

	pair->latency_source = source;
	pair->read_latency_ns = of->told[source].figures[TOPO_READ_LATENCY];
	pair->write_latency_ns = of->told[source].figures[TOPO_WRITE_LATENCY];
	pair->spread_percent = of->told[source].spread_percent;
	source = pick(of->told, topo->bw_base, NULL, bw_in);
	pair->bw_source = source;
	pair->read_bw_mbps = of->told[source].figures[TOPO_READ_BW];
	pair->write_bw_mbps = of->told[source].figures[TOPO_WRITE_BW];
	pair->mixed_bw_mbps = of->told[SLUICE_SOURCE_MEASURED].figures[TOPO_MIXED_BW];
}

static void
remark_disagreement(struct sluice_topology *topo, const struct topo_node *node)
{
	uint32_t measured_ns = latency_in(&node->told[SLUICE_SOURCE_MEASURED]);
	uint32_t told_ns = latency_in(&node->told[teller(node->told, SLUICE_SOURCE_HMAT_CPU)]);

	if (!measured_ns || !told_ns ||
	    (measured_ns < told_ns * TIMES_DISAGREE && told_ns < measured_ns * TIMES_DISAGREE))
		return;
	topo_remark(topo, node->node.id,
		    "Node %u: firmware (HMAT) says %u ns, measured were %u ns; %s.", node->node.id,
		    told_ns, measured_ns,
		    topo->latency_base == SLUICE_SOURCE_MEASURED
			    ? "measurements count here"
			    : "firmware counts, as it knows all nodes and keeps their order");
}

void
topo_choose(struct sluice_topology *topo)
{
	const char *wrong = find_impossible(topo, SLUICE_SOURCE_HMAT_CPU);

	if (!wrong)
		wrong = find_against_measured(topo, SLUICE_SOURCE_HMAT_CPU);
	topo->wrong_latency[SLUICE_SOURCE_HMAT_CPU] = wrong;
	topo->wrong_latency[SLUICE_SOURCE_HMAT_ANY] = wrong;
	topo->latency_base = find_base(topo, topo_latency_of, topo->wrong_latency);
	topo->bw_base = find_base(topo, bw_of, NULL);
	for (size_t i = 0; i < topo->node_count; i++)
		choose_node(topo, &topo->nodes[i]);
	for (size_t i = 0; topo->pairs && i < topo->initiators.count * topo->node_count; i++)
		choose_pair(topo, &topo->pairs[i]);

	if (wrong)
		topo_remark(topo, SLUICE_NO_NODE, "HMAT's latencies are refused as %s; %s.", wrong,
			    topo->latency_base == SLUICE_SOURCE_MEASURED
				    ? "kept measurements are used instead"
				    : "there is no measurement to use instead, so latencies are "
				      "unknown ('sluice topology --measure' makes one)");
	else if (topo->latency_base == SLUICE_SOURCE_MEASURED &&
		 count_known(topo, SLUICE_SOURCE_HMAT_CPU, topo_latency_of) > 0)
		topo_remark(
			topo, SLUICE_NO_NODE,
			"Firmware (HMAT) is silent on the latency of some nodes, and figures of "
			"two sources cannot be compared: kept measurements are used for all.");
	for (size_t i = 0; i < topo->node_count; i++)
		remark_disagreement(topo, &topo->nodes[i]);
}
