/* SPDX-License-Identifier: Apache-2.0 */
/* record_wish.h - recording processes for another verb. */
#ifndef CLI_RECORD_WISH_H
#define CLI_RECORD_WISH_H

#include "cli.h"

/* As `sluice record PROCESS -o OUTPUT --seconds S`, and says nothing but what goes wrong. In
 * verb_record.c. Returns the exit status. */
int record_wished(struct cli *cli, const char *process, const char *output, double seconds);

#endif
