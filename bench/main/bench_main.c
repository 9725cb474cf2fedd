/* SPDX-License-Identifier: Apache-2.0 */
/* bench_main.c - sluice-bench: what is measured of Sluice itself, one verb each. */
#include "bench.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct bench_verb verbs[] = {
	{"heat", "what knowing the heat of a terabyte costs", bench_heat},
	{"trace", "what recording costs, and how fast a trace is read", bench_trace},
	{"league", "policies against each other and an oracle, in replays", bench_league},
	{"trackers", "how right each tracker is, how soon, and at what price", bench_trackers},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

int
bench_usage(const char *verb, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "sluice-bench%s%s: ", verb[0] ? " " : "", verb);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; see sluice-bench%s%s --help\n", verb[0] ? " " : "", verb);
	return BENCH_WRONG_USAGE;
}

int
bench_number(const char *verb, const char *option, const char *text, uint64_t least, uint64_t most,
	     uint64_t *ret)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value < least || value > most)
		return bench_usage(verb, "%s: '%s' is not a number from %llu to %llu", option, text,
				   (unsigned long long)least, (unsigned long long)most);
	*ret = value;
	return 0;
}

static double
seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double
bench_cpu_s(void)
{
	return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double
bench_now_s(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

int
bench_print(json_t *json)
{
	int r = json ? json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;

	putchar('\n');
	json_decref(json);
	if (r < 0 || fflush(stdout) != 0) {
		fprintf(stderr, "sluice-bench: cannot write the result\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static void
help(void)
{
	printf("Usage: sluice-bench VERB [OPTION]...\n\n"
	       "Measures Sluice itself. Every verb has --help and --json.\n\n");
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].summary);
	printf("\nExit status: 0, 1 something failed, 2 wrong usage.\n");
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return bench_usage("", "which verb?");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("sluice-bench %s\n", SLUICE_VERSION);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	return bench_usage("", "there is no verb '%s'", argv[1]);
}
