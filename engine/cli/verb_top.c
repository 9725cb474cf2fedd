/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
static int top_main(struct cli *cli, int argc, char **argv) { (void)argc; (void)argv; return cli_fail(cli, 1, -38, "wip"); }
const struct verb verb_top = {.name="top", .arguments="", .summary="x", .reach=REACH_SERVICE, .run=top_main};
