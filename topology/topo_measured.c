/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_measured.c - measurements that were kept: DIR/measured-IDENTITY.txt, read.
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
#include "topo_measured.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysroot.h"

#define FIGURE_MAX 100000000u
#define SIZE_PERCENT 10 /* MemTotal differs a little from boot to boot */
#define FILE_MAX ((size_t)4 << 20)

const struct measured_key measured_keys[] = {
#define KEY(name, figure)                                                                          \
	{                                                                                          \
#name, figure, offsetof(struct sluice_measured, name)                              \
	}
	KEY(read_latency_ns, TOPO_READ_LATENCY),   KEY(read_bw_mbps, TOPO_READ_BW),
	KEY(write_bw_mbps, TOPO_WRITE_BW),         KEY(mixed_bw_mbps, TOPO_MIXED_BW),
	KEY(latency_spread_percent, TOPO_FIGURES), KEY(bw_spread_percent, TOPO_FIGURES),
};
const size_t measured_key_count = sizeof(measured_keys) / sizeof(measured_keys[0]);

uint32_t *
measured_member(struct sluice_measured *measured, size_t key)
{
	return (uint32_t *)(void *)((char *)measured + measured_keys[key].offset);
}

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
parse_node(struct measured_kept *kept, char *line, const char *origin)
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
parse_pair(struct measured_kept *kept, char *line)
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
		for (size_t i = 0; i < measured_key_count; i++) {
			const char *value = word + length + 1;

			if (strncmp(word, measured_keys[i].key, length) == 0 &&
			    !measured_keys[i].key[length] &&
			    sysroot_number(&value, FIGURE_MAX, &number) && !*value)
				*measured_member(&found, i) = (uint32_t)number;
		}
	}
	measured = topo_list_add(kept->topo, &kept->pairs, sizeof(*measured));
	*measured = found;
}

void
measured_path(const struct sluice_topology *topo, const char *dir, char *path, size_t size)
{
	snprintf(path, size, "%s/measured-%s.txt", dir, topo->identity);
}

static int
is_of_another(const char *name, void *userdata)
{
	(void)userdata;
	return strncmp(name, "measured-", strlen("measured-")) == 0;
}

bool
measured_parse(struct sluice_topology *topo, const char *dir, struct measured_kept *kept,
	       const char **ret_path)
{
	char path[4096], *text = malloc(FILE_MAX), *save = NULL;
	const char *kept_path;
	uint64_t count;
	int r, root = -1;
	bool ok = false;

	measured_path(topo, dir, path, sizeof(path));
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

bool
measured_is_valid(const struct measured_kept *kept, const struct sluice_measured *measured)
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
	struct measured_kept kept = {.topo = topo};
	const char *path;

	if (dir && *dir && measured_parse(topo, dir, &kept, &path)) {
		for (size_t i = 0; i < kept.pairs.count; i++) {
			struct sluice_measured *measured = kept.pairs.items[i];

			if (!measured_is_valid(&kept, measured))
				continue;
			for (size_t k = 0; k < measured_key_count; k++)
				if (measured_keys[k].figure != TOPO_FIGURES &&
				    *measured_member(measured, k))
					topo_tell(topo, SLUICE_SOURCE_MEASURED, measured->initiator,
						  measured->node, measured_keys[k].figure,
						  *measured_member(measured, k), path);
			topo_pair_find(topo, measured->initiator, measured->node)
				->told[SLUICE_SOURCE_MEASURED]
				.spread_percent = measured->latency_spread_percent;
		}
	}
	free(kept.pairs.items);
}
