/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_topology_hostile.c - captured machines in which one file, or all of them, are not what they
 * should be: missing, empty, huge, negative, binary, links that loop or lead outside, folders,
 * pipes. Never a crash, always a sentence: either the machine is refused with one, or every
 * conclusion has its reason, and every figure that was not believed its note.
 */
#include "topology_tree.h"

#define HUGE_BYTES (1 << 20)

static char huge[HUGE_BYTES + 1];

static void
put_missing(const char *path)
{
	(void)path;
}

static void
put_empty(const char *path)
{
	tree_put(path, "");
}

static void
put_huge(const char *path)
{
	tree_put(path, huge);
}

static void
put_huge_number(const char *path)
{
	tree_put(path, "99999999999999999999999999999999\n");
}

static void
put_negative(const char *path)
{
	tree_put(path, "-1\n");
}

static void
put_binary(const char *path)
{
	static const char bytes[] = "\x7f\x45LF\0\x01\xff\xfe\n0-3\0\x80";

	tree_put_bytes(path, bytes, sizeof(bytes));
}

static void
put_loop(const char *path)
{
	const char *name = strrchr(path, '/');

	tree_link(path, name ? name + 1 : path);
}

static void
put_outside(const char *path)
{
	tree_link(path, "../../../../../../../../../../../../etc/passwd");
}

static void
put_folder(const char *path)
{
	tree_putf("", "%s/x", path);
}

static void
put_pipe(const char *path)
{
	char full[PATH_MAX];

	tree_path(full, path);
	assert_int_equal(mkfifo(full, 0600), 0);
}

static const struct {
	const char *name;
	void (*put)(const char *path);
} cases[] = {
	{"missing", put_missing},    {"empty", put_empty},       {"huge", put_huge},
	{"number", put_huge_number}, {"negative", put_negative}, {"binary", put_binary},
	{"loop", put_loop},          {"outside", put_outside},   {"folder", put_folder},
	{"pipe", put_pipe},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* Sentences of a load that went well: remarks, and notes of what was not believed. */
static size_t
sentences_of(const struct sluice_topology *t, const char *what, const char *path)
{
	const struct sluice_tier_info *tier;
	const struct sluice_node *node;
	const struct sluice_fact *fact;
	size_t sentences = 0, remarks = 0;
	uint32_t about;

	for (size_t i = 0; (tier = sluice_topology_tier(t, i)); i++)
		if (!tier->reason[0] || tier->node_count == 0)
			fail_msg("%s of %s: tier %zu has no reason", what, path, i);
	for (size_t i = 0; (node = sluice_topology_node(t, i)); i++)
		if (!node->reason[0] || node->total_bytes == 0)
			fail_msg("%s of %s: node %u has no reason", what, path, node->id);
	for (size_t i = 0; (fact = sluice_topology_fact(t, i)); i++) {
		if (fact->verdict != SLUICE_FACT_REFUSED)
			continue;
		if (!fact->note[0])
			fail_msg("%s of %s: refused without a word", what, path);
		sentences++;
	}
	while (sluice_topology_remark(t, remarks, &about))
		remarks++;
	return sentences + remarks;
}

/* *ret_refused: the machine could not be read at all. */
static size_t
load(const char *what, const char *path, bool *ret_refused)
{
	struct sluice_topology_options options = {.sysroot = tree_root};
	struct sluice_topology *t = NULL;
	struct sluice_err err = {0, ""};
	size_t sentences;
	int r = sluice_topology_load(&options, &t, &err);

	*ret_refused = r < 0;
	if (r < 0) {
		if (t || err.code != r || strlen(err.msg) < 20)
			fail_msg("%s of %s: refused with '%s'", what, path, err.msg);
		return 1;
	}
	sentences = sentences_of(t, what, path);
	sluice_topology_free(t);
	return sentences;
}

static void
parse(const char *name, struct tree *ret)
{
	static char text[1 << 20];
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/topology/%s.tree", TEST_DATA, name);
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(tree_parse(text, ret, NULL), 0);
}

static void
put_back(const struct tree_entry *entry)
{
	if (entry->type == TREE_LINK)
		tree_link(entry->path, entry->text);
	else
		tree_put(entry->path, entry->text);
}

static void
take(const char *path)
{
	char full[PATH_MAX];

	tree_path(full, path);
	nftw(full, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *const machines[] = {"single",    "dram-slow",      "dram-cxl",
				       "dram-pmem", "two-socket-cxl", "two-socket-expanders"};

static void
test_one_file(void **state)
{
	size_t loads = 0, files = 0, worded[CASES] = {0};
	bool refused;

	memset(huge, '7', HUGE_BYTES);
	for (size_t m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		struct tree tree = {0};
		size_t before;

		parse(machines[m], &tree);
		tree_load_file(machines[m]);
		before = load("nothing", machines[m], &refused);
		assert_false(refused);
		for (size_t i = 0; i < tree.count; i++) {
			const struct tree_entry *entry = &tree.entries[i];

			if (entry->type == TREE_FOLDER)
				continue;
			files++;
			for (size_t c = 0; c < CASES; c++) {
				take(entry->path);
				cases[c].put(entry->path);
				worded[c] += load(cases[c].name, entry->path, &refused) > before;
				take(entry->path);
				loads++;
			}
			put_back(entry);
		}
		assert_int_equal(load("nothing", machines[m], &refused), before);
		tree_clear(&tree);
		tree_teardown(state);
		assert_int_equal(tree_setup(state), 0);
	}
	print_message("%zu files, %zu loads\n", files, loads);
	assert_true(files > 200);
	/* What is there and makes no sense is told, whatever it is; what is missing is unknown. */
	for (size_t c = 1; c < CASES; c++)
		if (worded[c] == 0)
			fail_msg("%s: nowhere a sentence", cases[c].name);
}

/* A machine of which nothing can be read is refused. */
static void
test_all_files(void **state)
{
	bool refused;

	memset(huge, '7', HUGE_BYTES);
	for (size_t c = 0; c < CASES; c++) {
		struct tree tree = {0};

		parse("two-socket-cxl", &tree);
		tree_load_file("two-socket-cxl");
		for (size_t i = 0; i < tree.count; i++) {
			if (tree.entries[i].type == TREE_FOLDER)
				continue;
			take(tree.entries[i].path);
			/* A MiB a file would be 100 MB of them. */
			if (cases[c].put != put_huge || strstr(tree.entries[i].path, "meminfo"))
				cases[c].put(tree.entries[i].path);
		}
		load(cases[c].name, "all files", &refused);
		if (!refused)
			fail_msg("%s everywhere is a machine", cases[c].name);
		tree_clear(&tree);
		tree_teardown(state);
		assert_int_equal(tree_setup(state), 0);
	}
}

/* A firmware's figure that cannot be read is refused, and says why. */
static void
test_figures(void **state)
{
	static const char path[] = NODES "/node1/access1/initiators/read_latency";

	(void)state;
	memset(huge, '7', HUGE_BYTES);
	for (size_t c = 1; c < CASES; c++) {
		const struct sluice_fact *fact;
		struct sluice_topology *t;
		bool found = false;

		/* Within the captured machine that link leads nowhere: unknown, as missing is. */
		if (cases[c].put == put_outside)
			continue;
		tree_slow_nodes(1);
		tree_hmat(0, 1, 80, 20000);
		tree_hmat(1, 1, 250, 10000);
		take(path);
		cases[c].put(path);
		t = tree_topology();
		assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 0);
		for (size_t i = 0; (fact = sluice_topology_fact(t, i)); i++)
			found = found || (fact->verdict == SLUICE_FACT_REFUSED &&
					  strstr(fact->origin, path) && fact->note[0]);
		if (!found)
			fail_msg("%s: the latency was not refused with a word", cases[c].name);
		sluice_topology_free(t);
		take(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)
		TEST(test_one_file),
		TEST(test_all_files),
		TEST(test_figures),
	};

	return cmocka_run_group_tests_name("topology_hostile", tests, NULL, NULL);
}
