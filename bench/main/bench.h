/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - the verbs of sluice-bench, one file each. To add one: its file, and its row in
 * bench_main.c.
 */
#ifndef BENCH_MAIN_H
#define BENCH_MAIN_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_WRONG_USAGE 2

struct bench_verb {
	const char *name, *summary;
	/* argv[0] is the verb. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

int bench_heat(int argc, char **argv);
int bench_trace(int argc, char **argv);
int bench_league(int argc, char **argv);
int bench_trackers(int argc, char **argv);

/* Says what is wrong and where to read on; returns BENCH_WRONG_USAGE. */
int bench_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A whole number from least to most; 0, or BENCH_WRONG_USAGE having said so. */
int bench_number(const char *verb, const char *option, const char *text, uint64_t least,
		 uint64_t most, uint64_t *ret);
/* CPU time of the calling thread, and time. */
double bench_cpu_s(void);
double bench_now_s(void);
/* What results say of this machine: whether it is emulated, and a description. NULL: no memory. */
json_t *bench_machine(void);
/* Prints and frees it. Returns the exit status: 1 when it cannot be written. */
int bench_print(json_t *json);

#endif
