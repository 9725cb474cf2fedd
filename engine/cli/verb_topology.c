/* SPDX-License-Identifier: Apache-2.0 */
/* verb_topology.c - sluice topology: the machine's tiers and nodes, and why they rank so. */
#include <errno.h>
#include <stdio.h>

#include "cli.h"
#include "text.h"
#include "topology_measure.h"

enum { TOPOLOGY_MEASURE, TOPOLOGY_SECONDS, TOPOLOGY_MEMORY, TOPOLOGY_PAIR };
static const struct verb_option topology_options[] = {
	[TOPOLOGY_MEASURE] = {"measure", NULL,
			      "measure latency and bandwidth, and keep the figures"},
	[TOPOLOGY_SECONDS] = {"seconds", "S", "with --measure: time for all (3 a pair of nodes)"},
	[TOPOLOGY_MEMORY] = {"memory", "SIZE",
			     "with --measure: most memory to use on a node (512M)"},
	[TOPOLOGY_PAIR] = {"pair", "CPU:MEM",
			   "with --measure: this pair of nodes only; may be repeated"},
	{NULL, NULL, NULL},
};

static void
print_tiers(const json_t *tiers)
{
	const json_t *tier;
	size_t i, k;

	json_array_foreach (tiers, i, tier) {
		const json_t *ids = json_object_get(tier, "nodes"), *id;
		char size[32], unused[32];

		printf("%stier %zu  %s%s  %s, %s free, node%s", text_style(stdout, TEXT_BOLD), i,
		       text_of(tier, "kind"), text_reset(stdout),
		       text_bytes(json_object_get(tier, "total_bytes"), size, sizeof(size)),
		       text_bytes(json_object_get(tier, "free_bytes"), unused, sizeof(unused)),
		       json_array_size(ids) == 1 ? "" : "s");
		json_array_foreach (ids, k, id)
			printf("%s%lld", k ? "," : " ", (long long)json_integer_value(id));
		printf("\n        %s%s%s\n", text_style(stdout, TEXT_DIM), text_of(tier, "reason"),
		       text_reset(stdout));
	}
}

static const char *
figure(const json_t *node, const char *key, const char *unit, char *buffer, size_t size)
{
	const json_t *value = json_object_get(node, key);

	if (json_is_number(value))
		snprintf(buffer, size, "%.0f%s", json_number_value(value), unit);
	else
		snprintf(buffer, size, "unknown");
	return buffer;
}

static void
print_nodes(const json_t *nodes)
{
	static const char *const headings[] = {"NODE",  "TIER",     "<KIND",   "SIZE",
					       "FREE",  "DISTANCE", "LATENCY", "READ",
					       "<CPUS", "<WHY",     NULL};
	struct text_table *table = text_table_new(headings);
	const json_t *node;
	size_t i;

	json_array_foreach (nodes, i, node) {
		char id[16], tier[16], size[32], unused[32], distance[16], latency[24], read[24];
		const char *cpus = text_of(node, "cpus");

		text_table_row(
			table,
			(const char *[]){
				figure(node, "id", "", id, sizeof(id)),
				figure(node, "tier", "", tier, sizeof(tier)), text_of(node, "kind"),
				text_bytes(json_object_get(node, "total_bytes"), size,
					   sizeof(size)),
				text_bytes(json_object_get(node, "free_bytes"), unused,
					   sizeof(unused)),
				figure(node, "distance", "", distance, sizeof(distance)),
				figure(node, "read_latency_ns", " ns", latency, sizeof(latency)),
				figure(node, "read_bw_mbps", " MB/s", read, sizeof(read)),
				cpus[0] ? cpus : "none", text_of(node, "reason")});
	}
	text_table_print(table, stdout);
}

static int
read_words(struct cli *cli, int argc, char **argv, struct topology_measure *measure)
{
	struct sluice_err err = {0, ""};

	for (int i = 0; i < argc; i++) {
		const char *value;
		int option = cli_own_option(cli, &verb_topology, argc, argv, &i, &value), r = 0;

		switch (option) {
		case TOPOLOGY_MEASURE:
			measure->wanted = true;
			break;
		case TOPOLOGY_SECONDS:
			r = topology_measure_seconds(measure, value, &err);
			break;
		case TOPOLOGY_MEMORY:
			r = topology_measure_memory(measure, value, &err);
			break;
		case TOPOLOGY_PAIR:
			r = topology_measure_pair(measure, value, &err);
			break;
		case -EINVAL:
			return EXIT_USAGE;
		default:
			return cli_unexpected(cli, &verb_topology, argv[i]);
		}
		if (r < 0)
			return cli_fail(cli, EXIT_USAGE, r, "%s", err.msg);
		if (option != TOPOLOGY_MEASURE && !measure->dependent)
			measure->dependent = topology_options[option].name;
	}
	if (measure->dependent && !measure->wanted)
		return cli_fail(cli, EXIT_USAGE, -EINVAL, "--%s needs --measure",
				measure->dependent);
	return EXIT_OK;
}

static int
show_topology(struct cli *cli)
{
	json_t *answer = NULL;
	int status = cli_ask(cli, REACH_EITHER, "topology", &answer);

	if (status == EXIT_OK && !cli->json) {
		print_tiers(json_object_get(answer, "tiers"));
		printf("\n");
		print_nodes(json_object_get(answer, "nodes"));
	}
	json_decref(answer);
	return status;
}

static int
topology_main(struct cli *cli, int argc, char **argv)
{
	struct topology_measure measure = {0};
	int status = read_words(cli, argc, argv, &measure);

	if (status == EXIT_OK)
		status = measure.wanted ? topology_measure_run(cli, &measure) : show_topology(cli);
	topology_measure_clear(&measure);
	return status;
}

const struct verb verb_topology = {
	.name = "topology",
	.arguments = "[--measure [OPTION]...]",
	.summary = "show the machine's memory tiers and nodes, and why they rank so",
	.reach = REACH_EITHER,
	.options = topology_options,
	.run = topology_main,
};
