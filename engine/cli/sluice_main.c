/* SPDX-License-Identifier: Apache-2.0 */
/* sluice_main.c - main of sluice; everything is in cli.c and one file a verb. */
#include "cli.h"

int
main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
