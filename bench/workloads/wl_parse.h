/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What options of the workloads are made of: sizes, numbers, lists of nodes. Each function reads
 * all of @text, returns 0, -EINVAL (not such a thing) or -ERANGE (too large or too small), and
 * leaves its result untouched on failure. Any thread.
 */
#ifndef WL_PARSE_H
#define WL_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#define NODES_MAX 1024

/* A set of memory nodes, by number. */
struct nodeset {
	uint64_t bits[NODES_MAX / 64];
};

static inline bool
nodeset_has(const struct nodeset *set, unsigned node)
{
	return node < NODES_MAX && (set->bits[node / 64] >> (node % 64) & 1);
}

/* Bytes: "4096", "700M", "1.5GiB"; K, M, G, T are powers of 1024, with or without "B" or "iB". */
int wl_parse_size(const char *text, uint64_t *ret_bytes);

/* A whole number from @min to @max. */
int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret_count);

/* A decimal number from @min to @max. */
int parse_number(const char *text, double min, double max, double *ret_number);

/* "0", "0,2-3": a list as the kernel prints it, a line feed at its end allowed. Not empty. */
int parse_nodes(const char *text, struct nodeset *ret_nodes);

/* A name that needs no escaping in JSON: letters, digits and "._:+-", at most 63 of them. */
int parse_name(const char *text, const char **ret_name);

#endif
