/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_topo_views.c - what the views of `sluice topology` are drawn from: whom a node belongs to,
 * and what is drawn together; and how bars and lines of text come out. Whole pictures are compared
 * in tests/integration/cli_topology.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "topo_draw.h"
#include "topo_groups.h"
#include "topo_order.h"
#include "topo_views.h"

static json_t *
node_json(int id, int tier, const char *kind, json_int_t mib)
{
	return json_pack("{s:i, s:i, s:s, s:I, s:I}", "id", id, "tier", tier, "kind", kind,
			 "total_bytes", mib << 20, "free_bytes", mib << 19);
}

static json_t *
place_json(int node, int rank, int distance, int latency_ns)
{
	return json_pack("{s:i, s:i, s:i, s:i}", "node", node, "rank", rank, "distance", distance,
			 "read_latency_ns", latency_ns);
}

/* CPUs of nodes 0 to count-1, each with DRAM of its own, and expanders after those; far(i, n) is
 * the distance from the CPUs of node i to node n. */
static struct topo_model *
machine(int count, int expanders, int (*far)(int initiator, int node))
{
	json_t *nodes = json_array(), *initiators = json_array(), *document;
	struct topo_model *model;

	for (int n = 0; n < count + expanders; n++)
		json_array_append_new(nodes, n < count ? node_json(n, 0, "dram", 1024)
						       : node_json(n, 1, "cxl", 4096));
	for (int i = 0; i < count; i++) {
		json_t *places = json_array();
		char cpus[32];

		snprintf(cpus, sizeof(cpus), "%d-%d", 2 * i, 2 * i + 1);
		for (int n = 0; n < count + expanders; n++)
			json_array_append_new(places, place_json(n, n, far(i, n), 0));
		json_array_append_new(initiators,
				      json_pack("{s:i, s:s, s:b, s:o}", "node", i, "cpus", cpus,
						"has_memory", 1, "near_to_far", places));
	}
	document = json_pack("{s:o, s:o, s:[], s:n}", "nodes", nodes, "initiators", initiators,
			     "tiers", "swap");
	model = topo_model_new(document);
	json_decref(document);
	assert_non_null(model);
	return model;
}

/* Two sockets of two nodes each: nodes 0 and 2, 1 and 3. Expander 4 is on the first, 5 on the
 * second, 6 in the middle. */
static int
sub_numa(int initiator, int node)
{
	if (node < 4)
		return node == initiator ? 10 : node % 2 == initiator % 2 ? 12 : 21;
	if (node == 6)
		return 30;
	return node - 4 == initiator % 2 ? 20 : 30;
}

static void
group_names(const struct topo_model *model, char *text, size_t size)
{
	struct topo_groups *groups = topo_groups_new(model);
	size_t used = 0;

	assert_non_null(groups);
	for (size_t g = 0; g < groups->count; g++) {
		used += (size_t)snprintf(text + used, size - used, "%s%s:", g ? "; " : "",
					 groups->groups[g].name);
		for (size_t r = 0; r < groups->groups[g].row_count; r++)
			used += (size_t)snprintf(text + used, size - used, " %s",
						 groups->groups[g].rows[r].name);
	}
	topo_groups_free(groups);
}

/* What a socket shares stands below that socket's CPUs, not below all. */
static void
test_shared_by_a_socket(void **state)
{
	struct topo_model *model = machine(4, 3, sub_numa);
	char text[1024];

	(void)state;
	group_names(model, text, sizeof(text));
	assert_string_equal(text, "CPUs 0-1 of node 0: node 0; CPUs 4-5 of node 2: node 2; "
				  "CPUs of nodes 0,2: node 4; CPUs 2-3 of node 1: node 1; "
				  "CPUs 6-7 of node 3: node 3; CPUs of nodes 1,3: node 5; "
				  "all CPUs: node 6");
	topo_model_free(model);
}

static int
flat(int initiator, int node)
{
	return node == initiator ? 10 : 20;
}

static void
test_many_alike(void **state)
{
	struct topo_model *model = machine(TOPO_ROWS_MAX, 0, flat);
	struct topo_groups *groups = topo_groups_new(model);
	char text[1024];

	(void)state;
	assert_int_equal(groups->count, TOPO_ROWS_MAX);
	topo_groups_free(groups);
	topo_model_free(model);

	model = machine(64, 0, flat);
	group_names(model, text, sizeof(text));
	assert_string_equal(text, "CPUs of nodes 0-63, 64 alike: nodes 0-63");
	groups = topo_groups_new(model);
	assert_int_equal(groups->groups[0].rows[0].count, 64);
	assert_true(groups->groups[0].rows[0].total_bytes == UINT64_C(64) << 30);
	topo_groups_free(groups);
	topo_model_free(model);
}

static void
test_not_of_the_schema(void **state)
{
	static const char *const texts[] = {
		"{}", "{\"nodes\":7,\"initiators\":{},\"tiers\":\"x\",\"swap\":[]}",
		"{\"nodes\":[1,null,{}],\"tiers\":[[]],\"initiators\":[3],\"swap\":{\"devices\":[1]"
		"}}"};
	json_t *json;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct topo_model *model;
		FILE *sink = fopen("/dev/null", "w");

		json = json_loads(texts[i], 0, NULL);
		assert_non_null(json);
		model = topo_model_new(json);
		assert_non_null(model);
		assert_int_equal(topo_tree_print(model, sink), 0);
		assert_int_equal(topo_svg_print(model, sink), 0);
		assert_int_equal(topo_xml_print(model, sink), -ENODATA);
		assert_int_equal(topo_explain_all_print(model, sink), 0);
		assert_int_equal(topo_explain_print(model, 5, sink), -ENOENT);
		topo_model_free(model);
		json_decref(json);
		fclose(sink);
	}
	json = json_loads("{\"initiators\":[{\"near_to_far\":[{\"node\":3}]}]}", 0, NULL);
	assert_null(topo_model_new(json)); /* a place whose node is not there */
	json_decref(json);
	topo_model_free(NULL);
	topo_groups_free(NULL);
}

static char *
drawn(void (*draw)(FILE *stream, const char *text), const char *argument)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	draw(stream, argument);
	fclose(stream);
	return text;
}

static void
bar(FILE *stream, const char *share)
{
	draw_bar(stream, draw_glyphs_utf8(), TEXT_PLAIN, atof(share), 4);
}

static void
wrapped(FILE *stream, const char *text)
{
	draw_wrapped(stream, text, 70, "  ");
}

static void
xml(FILE *stream, const char *text)
{
	topo_xml_text(stream, text);
}

static void
assert_drawn(void (*draw)(FILE *stream, const char *text), const char *argument,
	     const char *expected)
{
	char *text = drawn(draw, argument);

	assert_string_equal(text, expected);
	free(text);
}

static void
test_drawing(void **state)
{
	(void)state;
	assert_drawn(bar, "0", "░░░░");
	assert_drawn(bar, "0.0001", "▏░░░");
	assert_drawn(bar, "0.5", "██░░");
	assert_drawn(bar, "0.97", "███▉");
	assert_drawn(bar, "7", "████");
	assert_drawn(wrapped, "ten more xx in", "ten more\n  xx in\n");
	assert_drawn(wrapped, "ten mor 250 ns",
		     "ten mor\n  250 ns\n"); /* a figure keeps its unit */
	assert_drawn(wrapped, "ten\tmore\txx in", "\n  ten more xx in\n");
	assert_drawn(wrapped, "", "\n");
	assert_drawn(xml, "<a & \"b\">\x01\n", "&lt;a &amp; &quot;b&quot;&gt;  ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_by_a_socket),
		cmocka_unit_test(test_many_alike),
		cmocka_unit_test(test_not_of_the_schema),
		cmocka_unit_test(test_drawing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
