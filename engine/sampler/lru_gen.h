/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lru_gen.h - understanding the kernel's /sys/kernel/debug/lru_gen: for each memory cgroup and node
 * the generations of its pages, with the age of each and how many pages are in it. Fed line by
 * line. Pure; the text may be anything.
 */
#ifndef SAMPLER_LRU_GEN_H
#define SAMPLER_LRU_GEN_H

#include <stdint.h>

#include "ops.h"

struct lru_gen_line {
	enum { LRU_GEN_OTHER, LRU_GEN_MEMCG, LRU_GEN_NODE, LRU_GEN_GENERATION } kind;
	uint64_t memcg;   /* MEMCG: its number */
	const char *path; /* and path, into the line; "" for none */
	int node;         /* NODE */
	uint64_t number;  /* GENERATION */
	uint64_t age_ms, anon_pages, file_pages;
};

/* What one line says; what is no such line is LRU_GEN_OTHER. */
void lru_gen_parse(char *line, struct lru_gen_line *ret);

#endif
