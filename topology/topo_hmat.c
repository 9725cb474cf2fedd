/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_hmat.c - latencies and bandwidths that firmware tells (ACPI HMAT, CXL CDAT), from sysfs.
 *
 * The kernel shows for each node what its nearest initiators meet, and which they are: access0 from
 * initiators of any sort (which may be accelerators), access1 from CPUs only. It shows nothing on
 * initiators that are farther. A number that is out of its plausible range is unknown: firmware
 * tables are often wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

static const struct {
	enum topo_figure figure;
	const char *name;
	uint64_t max;
} files[] = {
	{TOPO_READ_LATENCY, "read_latency", TOPO_LATENCY_MAX_NS},
	{TOPO_WRITE_LATENCY, "write_latency", TOPO_LATENCY_MAX_NS},
	{TOPO_READ_BW, "read_bandwidth", TOPO_BW_MAX_MBPS},
	{TOPO_WRITE_BW, "write_bandwidth", TOPO_BW_MAX_MBPS},
};

static int
add_initiator(const char *name, void *userdata)
{
	uint32_t id;

	if (sysroot_numbered(name, "node", SLUICE_NODES_MAX - 1, &id))
		nodeset_add(userdata, id);
	return 0;
}

static void
read_class(struct sluice_topology *topo, struct topo_node *node, int access)
{
	enum sluice_source source = access ? SLUICE_SOURCE_HMAT_CPU : SLUICE_SOURCE_HMAT_ANY;
	uint32_t id = node->node.id;
	struct nodeset initiators = {0};
	char folder[96], path[160], text[64], list[256];
	bool any = false;

	snprintf(folder, sizeof(folder), TOPO_NODE_DIR "/node%u/access%d/initiators", id, access);
	if (sysroot_list(topo->root, folder, add_initiator, &initiators) < 0)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *p = text;
		uint64_t value;
		int r;

		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		r = sysroot_read(topo->root, text, sizeof(text), "%s", path);
		if (r == -ENOENT)
			continue;
		if (r < 0) {
			topo_refuse(topo, source, id, topo_figure_key(files[i].figure), "",
				    r == -EFBIG ? "far too long for a number"
						: "cannot be read as a file",
				    "%s", path);
			continue;
		}
		if (!sysroot_number(&p, UINT64_MAX, &value) || p != text + r) {
			topo_refuse(topo, source, id, topo_figure_key(files[i].figure), text,
				    "not a number", "%s", path);
			continue;
		}
		if (value == 0 || value > files[i].max) {
			topo_refuse(topo, source, id, topo_figure_key(files[i].figure), text,
				    value ? "too large to be true" : "0 means that it is not known",
				    "%s", path);
			continue;
		}
		topo_tell(topo, source, SLUICE_NO_NODE, id, files[i].figure, (uint32_t)value, path);
		any = true;
	}
	nodeset_format(&initiators, list, sizeof(list));
	if (!list[0])
		return;
	topo_fact(topo, source, id, "initiators", list, "%s", folder);
	/* Links without figures tell which CPUs are near all the same. access1 is read first. */
	for (size_t i = 0; i < topo->initiators.count; i++) {
		const struct sluice_initiator *initiator = topo->initiators.items[i];
		struct topo_pair *pair = topo_pair_find(topo, initiator->node, id);

		if (!nodeset_has(&initiators, initiator->node))
			continue;
		if (any && pair)
			pair->told[source] = node->told[source];
		if (access == 1 || node->initiators_from != SLUICE_SOURCE_HMAT_CPU) {
			nodeset_add(&node->initiators, initiator->node);
			node->initiators_from = source;
		}
	}
}

void
topo_read_hmat(struct sluice_topology *topo)
{
	for (size_t i = 0; i < topo->node_count; i++) {
		read_class(topo, &topo->nodes[i], 1);
		read_class(topo, &topo->nodes[i], 0);
	}
}
