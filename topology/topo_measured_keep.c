/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_measured_keep.c - keeping measurements: the file of topo_measured.c, written. What was kept
 * of other pairs is carried on; the new file is there whole or not at all.
 */
#include "topo_measured.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
print_pair(FILE *file, const struct sluice_measured *measured)
{
	struct sluice_measured copy = *measured;

	fprintf(file, "pair %u %u", copy.initiator, copy.node);
	for (size_t i = 0; i < measured_key_count; i++)
		if (*measured_member(&copy, i))
			fprintf(file, " %s=%u", measured_keys[i].key, *measured_member(&copy, i));
	fprintf(file, "\n");
}

static void
print_nodes(FILE *file, const struct sluice_topology *topo)
{
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++) {
		const struct sluice_node *node = sluice_topology_node_by_id(topo, id);
		const struct sluice_initiator *initiator =
			topo_list_at(&topo->initiators, topo_initiator_index(topo, id));

		if (node || initiator)
			fprintf(file, "node %u %llu %s\n", id,
				(unsigned long long)(node ? node->total_bytes : 0),
				initiator && initiator->cpus[0] ? initiator->cpus : "-");
	}
}

static bool
is_among(const char *figures, size_t count, size_t stride, const struct sluice_measured *one)
{
	for (size_t i = 0; i < count; i++) {
		struct sluice_measured other = {0};

		memcpy(&other, figures + i * stride,
		       stride < sizeof(other) ? stride : sizeof(other));
		if (other.initiator == one->initiator && other.node == one->node)
			return true;
	}
	return false;
}

static int
write_file(FILE *file, const struct sluice_topology *topo, const struct measured_kept *old,
	   const char *figures, size_t count, size_t stride)
{
	size_t pairs = count;

	fprintf(file, "sluice-measured 1\nmachine %s\n", topo->identity);
	print_nodes(file, topo);
	for (size_t i = 0; i < old->pairs.count; i++) {
		const struct sluice_measured *measured = old->pairs.items[i];

		if (measured_is_valid(old, measured) &&
		    !is_among(figures, count, stride, measured)) {
			print_pair(file, measured);
			pairs++;
		}
	}
	for (size_t i = 0; i < count; i++) {
		struct sluice_measured measured = {0};

		memcpy(&measured, figures + i * stride,
		       stride < sizeof(measured) ? stride : sizeof(measured));
		print_pair(file, &measured);
	}
	fprintf(file, "end %zu\n", pairs);
	if (fflush(file) != 0 || ferror(file) || fsync(fileno(file)) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

int
sluice_topology_keep_measured_sized(const struct sluice_topology *topology, const char *dir,
				    const struct sluice_measured *figures, size_t count,
				    size_t figure_size, struct sluice_err *reterr)
{
	/* What was kept before is parsed into a topology of its own: this one may be in use by
	 * other threads. */
	struct sluice_topology parsing = *topology;
	struct measured_kept old = {.topo = &parsing};
	char path[4096], temporary[4096 + 16];
	const char *ignored;
	FILE *file = NULL;
	int fd, r = 0;

	for (size_t i = 0; i < count; i++) {
		struct sluice_measured one = {0};

		memcpy(&one, (const char *)figures + i * figure_size, 2 * sizeof(uint32_t));
		if (!topo_pair_find(topology, one.initiator, one.node))
			return sluice_fail(reterr, -EINVAL,
					   "there is no pair of CPU node %u and memory node %u",
					   one.initiator, one.node);
	}
	parsing.blocks = (struct topo_list){0};
	parsing.remarks = (struct topo_list){0};
	parsing.block_left = 0;
	parsing.out_of_memory = false;
	if (!measured_parse(&parsing, dir, &old, &ignored))
		old.pairs.count = 0; /* nothing of a damaged file is carried on */

	measured_path(topology, dir, path, sizeof(path));
	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	fd = parsing.out_of_memory ? -1 : mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		r = parsing.out_of_memory ? -ENOMEM : -errno;
	} else {
		file = fdopen(fd, "w");
		r = file ? write_file(file, topology, &old, (const char *)figures, count,
				      figure_size)
			 : -errno;
		if (r == 0 && fchmod(fd, 0644) < 0)
			r = -errno;
		if (file)
			fclose(file);
		else
			close(fd);
		if (r == 0 && rename(temporary, path) < 0)
			r = -errno;
		if (r < 0)
			unlink(temporary);
	}
	for (size_t i = 0; i < parsing.blocks.count; i++)
		free(parsing.blocks.items[i]);
	free(parsing.blocks.items);
	free(parsing.remarks.items);
	free(old.pairs.items);
	if (r < 0)
		return sluice_fail(reterr, r, "cannot keep the measurements in %s: %s", path,
				   strerror(-r));
	return 0;
}
