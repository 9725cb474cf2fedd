/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_measured.c - measurements that were kept: DIR/measured-IDENTITY.txt, read and written.
 *
 *     sluice-measured 1
 *     machine 0123456789abcdef
 *     node ID TOTAL_BYTES CPUS         CPUS in list format, "-" for none
 *     pair INITIATOR NODE read_latency_ns=N read_bw_mbps=N write_bw_mbps=N mixed_bw_mbps=N
 *          latency_spread_percent=N bw_spread_percent=N     (one line; what is 0 is left out)
 *     end PAIRS                        how many there were: a file that was cut is not believed
 *
 * Lines of other words, and other keys, are skipped, so that later versions can add some. A node
 * line tells what the node was when it was measured: when that is another machine by now (another
 * size, other CPUs), its pairs are not believed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysroot.h"
#include "topo.h"

#define FIGURE_MAX 100000000u
#define SIZE_PERCENT 10 /* MemTotal differs a little from boot to boot */
#define FILE_MAX ((size_t)4 << 20)

static const struct {
	const char *key;
	enum topo_figure figure; /* TOPO_FIGURES: a spread */
	size_t offset;
} keys[] = {
#define KEY(name, figure)                                                                          \
	{                                                                                          \
#name, figure, offsetof(struct sluice_measured, name)                              \
	}
	KEY(read_latency_ns, TOPO_READ_LATENCY),   KEY(read_bw_mbps, TOPO_READ_BW),
	KEY(write_bw_mbps, TOPO_WRITE_BW),         KEY(mixed_bw_mbps, TOPO_MIXED_BW),
	KEY(latency_spread_percent, TOPO_FIGURES), KEY(bw_spread_percent, TOPO_FIGURES),
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static uint32_t *
member(struct sluice_measured *measured, size_t key)
{
	return (uint32_t *)(void *)((char *)measured + keys[key].offset);
}

struct kept {
	struct sluice_topology *topo;
	struct topo_list pairs; /* struct sluice_measured, in the topology's memory */
	bool whole;             /* the end was seen */
	struct nodeset as_then; /* nodes that are what they were */
	struct nodeset changed;
};

static const char *
next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");

	*line = word + strcspn(word, " \t");
	if (**line)
		*(*line)++ = '\0';
	return word;
}

static bool
next_number(char **line, uint64_t max, uint64_t *ret)
{
	const char *word = next_word(line);

	return sysroot_number(&word, max, ret) && !*word;
}

static void
parse_node(struct kept *kept, char *line, const char *origin)
{
	uint64_t id, bytes, now_bytes, difference;
	const struct sluice_initiator *initiator;
	const char *cpus;
	size_t row;
	struct topo_node *node;

	if (!next_number(&line, SLUICE_NODES_MAX - 1, &id) ||
	    !next_number(&line, UINT64_MAX / 100, &bytes))
		return;
	cpus = next_word(&line);
	node = topo_node_find(kept->topo, id);
	row = topo_initiator_index(kept->topo, (uint32_t)id);
	initiator = topo_list_at(&kept->topo->initiators, row);
	now_bytes = node ? node->node.total_bytes : 0;
	difference = now_bytes > bytes ? now_bytes - bytes : bytes - now_bytes;
	if (difference * 100 <= bytes * SIZE_PERCENT &&
	    strcmp(cpus, initiator && initiator->cpus[0] ? initiator->cpus : "-") == 0) {
		nodeset_add(&kept->as_then, (uint32_t)id);
		return;
	}
	nodeset_add(&kept->changed, (uint32_t)id);
	if (node)
		topo_remark(kept->topo, (uint32_t)id,
			    "Node %u is not what it was when it was measured (then %llu MiB, now "
			    "%llu MiB): its measurements are not used (/%s).",
			    (unsigned int)id, (unsigned long long)bytes >> 20,
			    (unsigned long long)now_bytes >> 20, origin);
}

static void
parse_pair(struct kept *kept, char *line)
{
	struct sluice_measured found = {0}, *measured;
	uint64_t initiator, node, number;

	if (!next_number(&line, SLUICE_NODES_MAX - 1, &initiator) ||
	    !next_number(&line, SLUICE_NODES_MAX - 1, &node))
		return;
	found.initiator = (uint32_t)initiator;
	found.node = (uint32_t)node;
	for (;;) {
		const char *word = next_word(&line);
		size_t length = strcspn(word, "=");

		if (!*word)
			break;
		if (word[length] != '=')
			continue;
		for (size_t i = 0; i < KEYS; i++) {
			const char *value = word + length + 1;

			if (strncmp(word, keys[i].key, length) == 0 && !keys[i].key[length] &&
			    sysroot_number(&value, FIGURE_MAX, &number) && !*value)
				*member(&found, i) = (uint32_t)number;
		}
	}
	measured = topo_list_add(kept->topo, &kept->pairs, sizeof(*measured));
	*measured = found;
}

static void
file_path(const struct sluice_topology *topo, const char *dir, char *path, size_t size)
{
	snprintf(path, size, "%s/measured-%s.txt", dir, topo->identity);
}

static int
is_of_another(const char *name, void *userdata)
{
	(void)userdata;
	return strncmp(name, "measured-", strlen("measured-")) == 0;
}

/* Pairs of nodes that are what they were. False: there is no file, or it is of no use. */
static bool
parse_file(struct sluice_topology *topo, const char *dir, struct kept *kept, const char **ret_path)
{
	char path[4096], *text = malloc(FILE_MAX), *save = NULL;
	const char *kept_path;
	uint64_t count;
	int r, root = -1;
	bool ok = false;

	file_path(topo, dir, path, sizeof(path));
	kept_path = topo_say(topo, "%s", path);
	*ret_path = kept_path;
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!text || root < 0)
		goto out;
	r = sysroot_read(root, text, FILE_MAX, "measured-%s.txt", topo->identity);
	if (r == -ENOENT && sysroot_list(root, ".", is_of_another, NULL) > 0)
		topo_remark(
			topo, SLUICE_NO_NODE,
			"The measurements in %s are of another machine, or of this one before its "
			"board or processor changed, so none are used.",
			dir);
	if (r == -ENOENT)
		goto out;
	if (r < 0) {
		topo_remark(topo, SLUICE_NO_NODE,
			    "Kept measurements cannot be read from %s (%s), so none are used.",
			    kept_path, strerror(-r));
		goto out;
	}
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *word;

		if (!ok) {
			if (strcmp(line, "sluice-measured 1") != 0) {
				topo_remark(topo, SLUICE_NO_NODE,
					    "%s does not begin with 'sluice-measured 1', so no "
					    "measurement is used.",
					    kept_path);
				goto out;
			}
			ok = true;
			continue;
		}
		word = next_word(&line);
		if (strcmp(word, "node") == 0)
			parse_node(kept, line, kept_path + (kept_path[0] == '/'));
		else if (strcmp(word, "pair") == 0)
			parse_pair(kept, line);
		else if (strcmp(word, "end") == 0)
			kept->whole =
				next_number(&line, SIZE_MAX, &count) && count == kept->pairs.count;
	}
	if (!kept->whole) {
		topo_remark(topo, SLUICE_NO_NODE,
			    "%s is cut off or damaged, so no measurement is used.", kept_path);
		ok = false;
	}
out:
	if (root >= 0)
		close(root);
	free(text);
	return ok;
}

static bool
is_valid(const struct kept *kept, const struct sluice_measured *measured)
{
	return nodeset_has(&kept->as_then, measured->initiator) &&
	       nodeset_has(&kept->as_then, measured->node) &&
	       !nodeset_has(&kept->changed, measured->initiator) &&
	       !nodeset_has(&kept->changed, measured->node) &&
	       topo_pair_find(kept->topo, measured->initiator, measured->node);
}

void
topo_read_measured(struct sluice_topology *topo, const char *dir)
{
	struct kept kept = {.topo = topo};
	const char *path;

	if (dir && *dir && parse_file(topo, dir, &kept, &path)) {
		for (size_t i = 0; i < kept.pairs.count; i++) {
			struct sluice_measured *measured = kept.pairs.items[i];

			if (!is_valid(&kept, measured))
				continue;
			for (size_t k = 0; k < KEYS; k++)
				if (keys[k].figure != TOPO_FIGURES && *member(measured, k))
					topo_tell(topo, SLUICE_SOURCE_MEASURED, measured->initiator,
						  measured->node, keys[k].figure,
						  *member(measured, k), path);
			topo_pair_find(topo, measured->initiator, measured->node)
				->told[SLUICE_SOURCE_MEASURED]
				.spread_percent = measured->latency_spread_percent;
		}
	}
	free(kept.pairs.items);
}

/* ---- Writing ---- */

static void
print_pair(FILE *file, const struct sluice_measured *measured)
{
	struct sluice_measured copy = *measured;

	fprintf(file, "pair %u %u", copy.initiator, copy.node);
	for (size_t i = 0; i < KEYS; i++)
		if (*member(&copy, i))
			fprintf(file, " %s=%u", keys[i].key, *member(&copy, i));
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
write_file(FILE *file, const struct sluice_topology *topo, const struct kept *old,
	   const char *figures, size_t count, size_t stride)
{
	size_t pairs = count;

	fprintf(file, "sluice-measured 1\nmachine %s\n", topo->identity);
	print_nodes(file, topo);
	for (size_t i = 0; i < old->pairs.count; i++) {
		const struct sluice_measured *measured = old->pairs.items[i];

		if (is_valid(old, measured) && !is_among(figures, count, stride, measured)) {
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
	struct kept old = {.topo = &parsing};
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
	if (!parse_file(&parsing, dir, &old, &ignored))
		old.pairs.count = 0; /* nothing of a damaged file is carried on */

	file_path(topology, dir, path, sizeof(path));
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
