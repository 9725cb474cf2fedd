/* SPDX-License-Identifier: Apache-2.0 */
/* How the workloads complain about their options: one sentence on stderr, exit status 2. */
#ifndef WL_ARGS_H
#define WL_ARGS_H

#include <errno.h>
#include <stdio.h>

#define EXIT_USAGE 2

/*
 * For a parser's result @r on @text given to --@option: prints why it was not taken, with what is
 * @wanted, and returns EXIT_USAGE; returns 0 where the parser succeeded.
 */
static inline int
args_check(const char *program, const char *option, const char *text, int r, const char *wanted)
{
	if (r == 0)
		return 0;
	fprintf(stderr, "%s: --%s: '%s' is %s; give %s\n", program, option, text,
		r == -ERANGE ? "out of range" : "not understood", wanted);
	return EXIT_USAGE;
}

#endif
