/* SPDX-License-Identifier: Apache-2.0 */
/* cli_help.h - what `sluice --help` and `sluice VERB --help` print. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli.h"

void help_print(const struct cli *cli);
void help_print_verb(const struct cli *cli, const struct verb *verb);

#endif
