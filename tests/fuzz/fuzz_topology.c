/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_topology.c - captured machines: topology/. An input has four parts, told apart by lines
 * "==": corrections of nodes, a made-up machine (when it is empty, the captured one is read), a
 * file of kept measurements, and the capture, a line a file:
 *
 *     PATH = TEXT      \n is a line end, \0 a NUL
 *     PATH -> TARGET   a link, which may loop or lead anywhere
 *     PATH * N         N bytes of digits, up to a MiB
 *     PATH /           a folder where a file should be
 *     PATH |           a pipe
 *
 * Either a topology comes out that is whole, or a sentence.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "sluice/topology.h"

#define LINES_MAX 400
#define BIG_MAX (1 << 20)

static char root[128], kept[128];

static int
remove_below(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	if (where->level > 0)
		remove(path);
	return 0;
}

static void
empty(const char *folder)
{
	mkdir(folder, 0700);
	nftw(folder, remove_below, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path below the root, its folders made; NULL for one that would lead elsewhere. */
static const char *
make_path(const char *name)
{
	static char path[512];
	struct stat st;

	if (strlen(name) > 300 || strstr(name, "..") || !*name || *name == '/')
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		/* Never through a link: what we write stays below the root. */
		if ((mkdir(path, 0700) < 0 && errno != EEXIST) || lstat(path, &st) < 0 ||
		    !S_ISDIR(st.st_mode))
			return NULL;
		*slash = '/';
	}
	return lstat(path, &st) == 0 ? NULL : path;
}

static void
put(const char *name, const char *bytes, size_t size)
{
	const char *path = make_path(name);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	FUZZ_REQUIRE(write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

static void
put_text(const char *name, char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		if (p[0] == '\\' && (p[1] == 'n' || p[1] == '0'))
			*out++ = *++p == 'n' ? '\n' : '\0';
		else
			*out++ = *p;
	}
	put(name, text, (size_t)(out - text));
}

static void
put_big(const char *name, const char *count)
{
	size_t size = strtoul(count, NULL, 10) % BIG_MAX;
	char *bytes = malloc(size + 1);

	if (!bytes)
		return;
	memset(bytes, '7', size);
	put(name, bytes, size);
	free(bytes);
}

static void
put_line(char *line)
{
	static const char *const marks[] = {" = ", " -> ", " * ", " /", " |"};
	char *mark = NULL;
	size_t kind = 0;

	for (; kind < sizeof(marks) / sizeof(*marks); kind++)
		if ((mark = strstr(line, marks[kind])))
			break;
	if (!mark)
		return;
	*mark = '\0';
	mark += strlen(marks[kind]);
	if (kind == 0) {
		put_text(line, mark);
	} else if (kind == 2) {
		put_big(line, mark);
	} else {
		const char *path = make_path(line);
		int r = !path       ? 0
			: kind == 1 ? symlink(mark, path)
			: kind == 3 ? mkdir(path, 0700)
				    : mkfifo(path, 0600);

		(void)r; /* a link without a target, and others */
	}
}

static void
check_text(const char *text)
{
	FUZZ_REQUIRE(text != NULL);
	for (; *text; text++)
		FUZZ_REQUIRE(*text >= ' ' && *text <= '~');
}

static void
check_nodes(const struct sluice_topology *t)
{
	size_t tiers = sluice_topology_tier_count(t), nodes = sluice_topology_node_count(t),
	       sum = 0;
	const struct sluice_tier_info *tier;
	const struct sluice_node *node;

	FUZZ_REQUIRE(tiers >= 1 && tiers < SLUICE_TIERS_MAX && nodes >= tiers);
	for (size_t i = 0; (tier = sluice_topology_tier(t, i)); i++) {
		FUZZ_REQUIRE(tier->node_count > 0 && tier->free_bytes <= tier->total_bytes);
		check_text(tier->reason);
		FUZZ_REQUIRE(tier->reason[0] && tier->kind < SLUICE_TIER_SWAP);
		sum += tier->node_count;
	}
	FUZZ_REQUIRE(sum == nodes);
	for (size_t i = 0; (node = sluice_topology_node(t, i)); i++) {
		FUZZ_REQUIRE(node->id < SLUICE_NODES_MAX && node->tier < tiers);
		FUZZ_REQUIRE(node->total_bytes > 0 && node->free_bytes <= node->total_bytes);
		FUZZ_REQUIRE(node->kind < SLUICE_TIER_SWAP && node->reason[0]);
		FUZZ_REQUIRE(node->read_latency_ns <= 60000 && node->distance < 255);
		FUZZ_REQUIRE(sluice_topology_node_by_id(t, node->id) == node);
		check_text(node->reason);
		check_text(node->cpus);
		check_text(node->device);
	}
}

static void
check_orders(const struct sluice_topology *t)
{
	const struct sluice_initiator *initiator;
	const struct sluice_place *place;

	for (size_t i = 0; (initiator = sluice_topology_initiator(t, i)); i++) {
		size_t count = 0;
		uint32_t rank = 0;

		for (; (place = sluice_topology_place(t, initiator->node, count)); count++) {
			const struct sluice_pair *pair =
				sluice_topology_pair(t, initiator->node, place->node);

			FUZZ_REQUIRE(place->rank >= rank && place->rank <= rank + 1);
			FUZZ_REQUIRE(pair && pair->node == place->node);
			FUZZ_REQUIRE(sluice_topology_node_by_id(t, place->node) != NULL);
			check_text(place->reason);
			rank = place->rank;
		}
		FUZZ_REQUIRE(count == sluice_topology_node_count(t));
	}
}

static void
check_others(const struct sluice_topology *t)
{
	const struct sluice_swap *swap = sluice_topology_swap(t);
	const struct sluice_swap_device *device;
	const struct sluice_bare_node *bare;
	const struct sluice_device *memory;
	const struct sluice_fact *fact;
	const char *text;
	uint32_t node;

	if (swap) {
		FUZZ_REQUIRE(swap->free_bytes <= swap->total_bytes && swap->device_count > 0);
		check_text(swap->reason);
	}
	for (size_t i = 0; (device = sluice_topology_swap_device(t, i)); i++) {
		FUZZ_REQUIRE(device->used_bytes <= device->total_bytes);
		check_text(device->name);
		check_text(device->detail);
	}
	for (size_t i = 0; (bare = sluice_topology_bare_node(t, i)); i++) {
		FUZZ_REQUIRE(!sluice_topology_node_by_id(t, bare->id));
		check_text(bare->reason);
	}
	for (size_t i = 0; (memory = sluice_topology_device(t, i)); i++) {
		check_text(memory->name);
		check_text(memory->parent);
		check_text(memory->detail);
	}
	for (size_t i = 0; (fact = sluice_topology_fact(t, i)); i++) {
		FUZZ_REQUIRE(fact->source > SLUICE_SOURCE_NONE &&
			     fact->source < SLUICE_SOURCE_COUNT);
		FUZZ_REQUIRE(fact->verdict <= SLUICE_FACT_REFUSED);
		FUZZ_REQUIRE(fact->verdict != SLUICE_FACT_REFUSED || fact->note[0]);
		check_text(fact->key);
		check_text(fact->value);
		check_text(fact->origin);
		check_text(fact->note);
	}
	for (size_t i = 0; (text = sluice_topology_remark(t, i, &node)); i++)
		check_text(text);
	for (size_t i = 0; sluice_topology_hugepages(t, i); i++)
		;
	for (size_t i = 0; sluice_topology_cache(t, i); i++)
		;
}

/* Whether it loads. */
static int
try(const struct sluice_topology_options *options, char identity[32])
{
	struct sluice_topology *t = NULL;
	struct sluice_err err = {0, ""};
	int r = sluice_topology_load(options, &t, &err);

	if (r < 0) {
		FUZZ_REQUIRE(!t && err.code == r && err.msg[0]);
		check_text(err.msg);
		return 0;
	}
	check_nodes(t);
	check_orders(t);
	check_others(t);
	sluice_topology_refresh(t, NULL);
	sluice_topology_is_stale(t);
	snprintf(identity, 32, "%s", sluice_topology_identity(t));
	sluice_topology_free(t);
	return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sluice_topology_options options = {.sysroot = root};
	char *parts[4], *save = NULL, identity[32], path[256];
	size_t lengths[4];

	for (int i = 0; i < 4; i++) {
		const uint8_t *part = fuzz_part(&data, &size, &lengths[i]);

		parts[i] = fuzz_text(part, lengths[i]);
	}
	parts[0][strcspn(parts[0], "\n")] = '\0';
	parts[1][strcspn(parts[1], "\n")] = '\0';
	snprintf(root, sizeof(root), "%s/root", fuzz_folder());
	snprintf(kept, sizeof(kept), "%s/kept", fuzz_folder());
	empty(root);
	empty(kept);
	for (int i = 0; i < LINES_MAX; i++) {
		char *line = strtok_r(i ? NULL : parts[3], "\n", &save);

		if (!line)
			break;
		put_line(line);
	}
	if (try(&options, identity)) {
		snprintf(path, sizeof(path), "kept/measured-%s.txt", identity);
		fuzz_write(path, parts[2], lengths[2]);
	}
	options.measured_dir = kept;
	options.overrides = parts[0];
	try(&options, identity);
	options.synthetic = parts[1];
	try(&options, identity);
	for (int i = 0; i < 4; i++)
		free(parts[i]);
	return 0;
}
