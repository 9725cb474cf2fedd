/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.c - the public face: load, refresh, free. Looking things up is in topo_look.c.
 */
#include "sluice/topology.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysroot.h"
#include "topo.h"
#include "topo_root.h"

static int
read_facts(struct sluice_topology *topo, const struct sluice_topology_options *options,
	   struct sluice_err *reterr)
{
	int r;

	if (options->synthetic && *options->synthetic) {
		r = topo_make_synthetic(topo, options->synthetic, reterr);
		if (r == 0)
			r = topo_read_overrides(topo, options->overrides, reterr);
		topo_read_swap(topo);
		return r;
	}
	topo_read_accelerators(topo);
	r = topo_read_nodes(topo, options->overrides, reterr);
	if (r == 0)
		r = topo_pairs_new(topo, reterr);
	if (r < 0)
		return r;
	topo_read_distances(topo);
	topo_read_hmat(topo);
	topo_read_kernel_tiers(topo);
	topo_read_dax(topo);
	topo_read_cxl(topo);
	topo_read_attached(topo);
	topo_read_nvdimm(topo);
	topo_read_processor(topo);
	topo_read_pools(topo);
	topo_read_identity(topo);
	topo_read_measured(topo, options->measured_dir);
	topo_read_swap(topo);
	return topo_read_overrides(topo, options->overrides, reterr);
}

/* Members that the caller does not know are as if it had left them out; those that we do not know
 * must be. */
static int
take_options(const struct sluice_topology_options *given, size_t size,
	     struct sluice_topology_options *ret, struct sluice_err *reterr)
{
	const char *bytes = (const char *)given;

	memset(ret, 0, sizeof(*ret));
	if (!given)
		return 0;
	for (size_t i = sizeof(*ret); i < size; i++)
		if (bytes[i])
			return sluice_fail(reterr, -E2BIG,
					   "the program asks for options of a newer libsluice");
	memcpy(ret, given, size < sizeof(*ret) ? size : sizeof(*ret));
	return 0;
}

int
sluice_topology_load_sized(const struct sluice_topology_options *given, size_t options_size,
			   struct sluice_topology **ret, struct sluice_err *reterr)
{
	struct sluice_topology_options options;
	struct sluice_topology *topo;
	struct topo_root root = {.fd = -1, .lock = -1};
	int r = take_options(given, options_size, &options, reterr);

	if (r < 0)
		return r;
	topo = calloc(1, sizeof(*topo));
	if (!topo)
		return sluice_fail(reterr, -ENOMEM, "no memory for the topology");
	if (!options.synthetic || !*options.synthetic)
		r = topo_root_open(options.sysroot, &root, reterr);
	topo->root = root.fd;
	if (r == 0)
		r = read_facts(topo, &options, reterr);
	if (r == 0) {
		topo_find_nearest(topo);
		topo_choose(topo);
		topo_find_kinds(topo);
		topo_rank(topo);
		topo_order(topo);
		topo_finish_devices(topo);
		topo_verdicts(topo);
		if (topo->out_of_memory)
			r = sluice_fail(reterr, -ENOMEM, "no memory for the topology");
	}
	if (root.unpacked[0]) {
		topo->root = -1; /* a capture does not change: nothing is read again */
		topo_root_close(&root);
	}
	if (r < 0) {
		sluice_topology_free(topo);
		return r;
	}
	*ret = topo;
	return 0;
}

static void
list_free(struct topo_list *list)
{
	free(list->items);
}

void
sluice_topology_free(struct sluice_topology *topology)
{
	if (!topology)
		return;
	if (topology->root >= 0)
		close(topology->root);
	for (size_t i = 0; i < topology->blocks.count; i++)
		free(topology->blocks.items[i]);
	list_free(&topology->blocks);
	list_free(&topology->initiators);
	list_free(&topology->bare_nodes);
	list_free(&topology->devices);
	list_free(&topology->swap_devices);
	list_free(&topology->hugepages);
	list_free(&topology->caches);
	list_free(&topology->facts);
	list_free(&topology->remarks);
	free(topology->pairs);
	free(topology->places);
	free(topology->nodes);
	free(topology);
}

int
sluice_topology_refresh(struct sluice_topology *topology, struct sluice_err *reterr)
{
	int first = 0;

	if (topology->root < 0)
		return 0; /* a machine that is made up does not change */
	for (size_t i = 0; i < topology->tier_count; i++)
		topology->tiers[i].free_bytes = 0;
	for (size_t i = 0; i < topology->node_count; i++) {
		struct sluice_node *node = &topology->nodes[i].node;
		int r = topo_read_meminfo(topology->root,
					  topology->without_numa ? SLUICE_NO_NODE : node->id, NULL,
					  &node->free_bytes);

		if (r < 0) {
			node->free_bytes = 0;
			if (first == 0)
				first = sluice_fail(
					reterr, r,
					"cannot read the free memory of node %u: %s; it "
					"counts as full (was the node taken offline?)",
					node->id, strerror(-r));
		}
		topology->tiers[node->tier].free_bytes += node->free_bytes;
	}
	return first;
}

int
sluice_topology_is_stale(const struct sluice_topology *topology)
{
	struct nodeset online, with_memory, with_cpus;

	if (topology->root < 0 ||
	    topo_read_sets(topology->root, &online, &with_memory, &with_cpus) < 0)
		return 0;
	if (memcmp(&with_memory, &topology->with_memory, sizeof(with_memory)) != 0)
		return 1;
	for (size_t i = 0; i < topology->node_count; i++) {
		const struct sluice_node *node = &topology->nodes[i].node;
		uint64_t total_bytes;

		if (topo_read_meminfo(topology->root, node->id, &total_bytes, NULL) == 0 &&
		    total_bytes != node->total_bytes)
			return 1;
	}
	return 0;
}
