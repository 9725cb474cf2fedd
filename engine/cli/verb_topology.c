/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_topology.c - sluice topology: asks for the machine's memory, and shows it in the view that
 * was asked for. The views are in topo_*.c, one file each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "parse.h"
#include "sluice/topology.h"
#include "topo_capture.h"
#include "topo_views.h"
#include "topology_measure.h"

enum topology_view { VIEW_EXPLAIN, VIEW_SVG, VIEW_XML, VIEW_CAPTURE, VIEW_MEASURE, VIEW_TREE };
enum { TOPOLOGY_SECONDS = VIEW_TREE, TOPOLOGY_MEMORY, TOPOLOGY_PAIR };

static const struct verb_option topology_options[] = {
	[VIEW_EXPLAIN] = {"explain", "NODE|all", "tell who said what of a node, and why"},
	[VIEW_SVG] = {"svg", NULL, "print a picture as SVG"},
	[VIEW_XML] = {"xml", NULL, "print XML for hwloc's tools"},
	[VIEW_CAPTURE] = {"capture", "FILE",
			  "write this machine's files into FILE, for --sysroot; - prints them"},
	[VIEW_MEASURE] = {"measure", NULL, "measure latency and bandwidth, and keep the figures"},
	[TOPOLOGY_SECONDS] = {"seconds", "S", "with --measure: time for all (3 a pair of nodes)"},
	[TOPOLOGY_MEMORY] = {"memory", "SIZE",
			     "with --measure: most memory to use on a node (512M)"},
	[TOPOLOGY_PAIR] = {"pair", "CPU:MEM",
			   "with --measure: this pair of nodes only; may be repeated"},
	{NULL, NULL, NULL},
};

struct topology_request {
	enum topology_view view;
	const char *value; /* of the view's option */
	struct topology_measure measure;
};

/* An option of --measure. 0, or -errno with the sentence. */
static int
read_measure(struct topology_measure *measure, int id, const char *value, struct sluice_err *reterr)
{
	if (!measure->dependent)
		measure->dependent = topology_options[id].name;
	return id == TOPOLOGY_SECONDS  ? topology_measure_seconds(measure, value, reterr)
	       : id == TOPOLOGY_MEMORY ? topology_measure_memory(measure, value, reterr)
				       : topology_measure_pair(measure, value, reterr);
}

/* Which view? EXIT_OK, or what was wrong, which is said. */
static int
read_arguments(const struct cli *cli, int argc, char **argv, struct topology_request *ret)
{
	*ret = (struct topology_request){.view = VIEW_TREE};
	for (int i = 0; i < argc; i++) {
		const char *value = NULL;
		struct sluice_err err;
		int id;

		/* --explain alone explains everything. */
		if (strcmp(argv[i], "--explain") == 0 &&
		    (i + 1 == argc || strncmp(argv[i + 1], "--", 2) == 0)) {
			id = VIEW_EXPLAIN;
			value = "all";
		} else {
			id = cli_own_option(cli, &verb_topology, argc, argv, &i, &value);
		}
		if (id == -EINVAL)
			return EXIT_USAGE;
		if (id < 0)
			return cli_unexpected(cli, &verb_topology, argv[i]);
		if (id >= TOPOLOGY_SECONDS) {
			int r = read_measure(&ret->measure, id, value, &err);

			if (r < 0)
				return cli_fail(cli, EXIT_USAGE, r, "%s", err.msg);
			continue;
		}
		if (ret->view != VIEW_TREE)
			return cli_fail(cli, EXIT_USAGE, -EINVAL,
					"--%s and --%s are two views; ask for one",
					topology_options[ret->view].name,
					topology_options[id].name);
		ret->view = (enum topology_view)id;
		ret->value = value;
	}
	if (ret->measure.dependent && ret->view != VIEW_MEASURE)
		return cli_fail(cli, EXIT_USAGE, -EINVAL, "--%s needs --measure",
				ret->measure.dependent);
	if (cli->json && ret->view != VIEW_TREE && ret->view != VIEW_EXPLAIN &&
	    ret->view != VIEW_MEASURE)
		return cli_fail(cli, EXIT_USAGE, -EINVAL,
				"--%s and --json are two views; ask for one",
				topology_options[ret->view].name);
	return EXIT_OK;
}

static int
ask(struct cli *cli, bool facts, json_t **ret)
{
	struct client *client = NULL;
	int status = cli_reach(cli, REACH_EITHER, &client);

	if (status != EXIT_OK)
		return status;
	status = cli_call(cli, client, json_pack("{s:s, s:b}", "verb", "topology", "facts", facts),
			  ret);
	client_free(client);
	return status;
}

static int
print_view(const struct topology_request *request, const struct topo_model *model, uint64_t id)
{
	switch (request->view) {
	case VIEW_SVG:
		return topo_svg_print(model, stdout);
	case VIEW_XML:
		return topo_xml_print(model, stdout);
	case VIEW_EXPLAIN:
		return strcmp(request->value, "all") == 0
			       ? topo_explain_all_print(model, stdout)
			       : topo_explain_print(model, (uint32_t)id, stdout);
	case VIEW_CAPTURE:
	case VIEW_MEASURE:
	case VIEW_TREE:
		break;
	}
	return topo_tree_print(model, stdout);
}

static int
show(struct cli *cli, const struct topology_request *request)
{
	struct topo_model *model = NULL;
	struct sluice_err err = {0, ""};
	json_t *answer = NULL;
	uint64_t id = 0;
	int status, r = 0;

	if (request->view == VIEW_EXPLAIN && strcmp(request->value, "all") != 0)
		r = parse_u64(request->value, 0, SLUICE_NODES_MAX - 1, &id, &err);
	if (r < 0)
		return cli_fail(cli, EXIT_USAGE, r, "--explain: %s, or all", err.msg);
	status = ask(cli, request->view == VIEW_EXPLAIN, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->json) {
		cli_print_json(answer);
		json_decref(answer);
		return EXIT_OK;
	}
	model = topo_model_new(answer);
	json_decref(answer);
	if (!model)
		return cli_fail(cli, EXIT_GENERAL, -EPROTO,
				"the service's answer is not one of this sluice's, or memory is "
				"short; do 'sluice --version' and 'sluiced --version' agree?");
	r = print_view(request, model, id);
	topo_model_free(model);
	if (r == -ENOENT)
		return cli_fail(cli, EXIT_USAGE, r,
				"--explain: there is no node %s; 'sluice topology' shows all",
				request->value);
	if (r == -ENODATA)
		return cli_fail(cli, EXIT_GENERAL, r,
				"--xml: hwloc needs to know the CPUs, and nothing tells them here");
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return cli_fail(cli, EXIT_GENERAL, -EIO, "cannot write the whole output");
	return r < 0 ? cli_fail(cli, EXIT_GENERAL, r, "out of memory") : EXIT_OK;
}

static int
topology_main(struct cli *cli, int argc, char **argv)
{
	struct topology_request request;
	int status = read_arguments(cli, argc, argv, &request);

	if (status == EXIT_OK)
		status = request.view == VIEW_CAPTURE ? topo_capture(cli, request.value)
			 : request.view == VIEW_MEASURE
				 ? topology_measure_run(cli, &request.measure)
				 : show(cli, &request);
	topology_measure_clear(&request.measure);
	return status;
}

const struct verb verb_topology = {
	.name = "topology",
	.arguments = "[--explain NODE|all | --svg | --xml | --capture FILE | --measure]",
	.summary = "show the machine's memory tiers and nodes, and why they rank so",
	.reach = REACH_EITHER,
	.options = topology_options,
	.minds = VERB_MINDS(OPTION_STATE_DIR) | VERB_MINDS(OPTION_NODES) |
		 VERB_MINDS(OPTION_SYSROOT) | VERB_MINDS(OPTION_SYNTHETIC),
	.run = topology_main,
};
