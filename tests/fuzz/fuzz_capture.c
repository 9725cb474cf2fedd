/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_capture.c - captures that come from anybody: topology/tree.h, and what unpacks them. What is
 * understood is the same when it is written and read again; what a capture makes lies in its
 * folder, which is gone after the load; and a machine that loads can be captured and is the same
 * again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "sluice/topology.h"
#include "topology/tree.h"

static void
read_again(struct tree *tree)
{
	struct tree again = {0};
	char *once, *twice;

	tree_tidy(tree);
	once = tree_format(tree, "# head\n");
	FUZZ_REQUIRE(once && tree_parse(once, &again, NULL) == 0);
	tree_tidy(&again);
	twice = tree_format(&again, "# head\n");
	FUZZ_REQUIRE(twice && strcmp(once, twice) == 0);
	free(once);
	free(twice);
	tree_clear(&again);
}

static void
load(const char *name)
{
	struct sluice_topology_options options = {0};
	struct sluice_topology *topology = NULL;
	struct sluice_err err = {0, ""};
	char path[256], *text = NULL;
	size_t nodes;
	int r;

	snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
	options.sysroot = path;
	r = sluice_topology_load(&options, &topology, &err);
	if (r < 0) {
		FUZZ_REQUIRE(!topology && err.code == r && strlen(err.msg) > 10);
		return;
	}
	nodes = sluice_topology_node_count(topology);
	sluice_topology_free(topology);
	FUZZ_REQUIRE(sluice_topology_capture(path, &text, &err) == 0);
	fuzz_write("again", text, strlen(text));
	free(text);
	snprintf(path, sizeof(path), "%s/again", fuzz_folder());
	FUZZ_REQUIRE(sluice_topology_load(&options, &topology, &err) == 0);
	FUZZ_REQUIRE(sluice_topology_node_count(topology) == nodes);
	sluice_topology_free(topology);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), outside[256];
	struct tree tree = {0};
	struct sluice_err err = {0, ""};
	struct stat st;
	int r = tree_parse(text, &tree, &err);

	FUZZ_REQUIRE(r == 0 || (err.code == r && err.msg[0]));
	if (r == 0 && tree.count < 2000) {
		setenv("TMPDIR", fuzz_folder(), 1);
		fuzz_write("machine", text, strlen(text));
		load("machine");
		/* Names of the corpus that lead out of an unpacked folder. */
		snprintf(outside, sizeof(outside), "%s/out", fuzz_folder());
		FUZZ_REQUIRE(stat(outside, &st) < 0);
		read_again(&tree);
	}
	tree_clear(&tree);
	free(text);
	return 0;
}
