/* SPDX-License-Identifier: Apache-2.0 */
/* verb_topology.c - sluice topology: the machine's tiers and nodes, and why they rank so. */
#include <stdio.h>

#include "cli.h"
#include "text.h"

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
topology_main(struct cli *cli, int argc, char **argv)
{
	json_t *answer = NULL;
	int status;

	if (argc > 0)
		return cli_unexpected(cli, &verb_topology, argv[0]);
	status = cli_ask(cli, REACH_EITHER, "topology", &answer);
	if (status == EXIT_OK && !cli->json) {
		print_tiers(json_object_get(answer, "tiers"));
		printf("\n");
		print_nodes(json_object_get(answer, "nodes"));
	}
	json_decref(answer);
	return status;
}

const struct verb verb_topology = {
	.name = "topology",
	.arguments = "",
	.summary = "show the machine's memory tiers and nodes, and why they rank so",
	.reach = REACH_EITHER,
	.run = topology_main,
};
