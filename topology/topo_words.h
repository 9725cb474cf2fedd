/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_words.h - words of the small languages for users' corrections (topo_override.c) and made-up
 * machines (topo_synthetic.c).
 */
#ifndef TOPO_WORDS_H
#define TOPO_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topo.h"

/* A word: text[0, length). */
struct topo_word {
	const char *text;
	size_t length;
};

/* "hbm" ... "swap". */
bool topo_word_kind(struct topo_word word, uint32_t *ret);

/* "250ns", "1.5us". */
bool topo_word_latency(struct topo_word word, uint32_t *ret_ns);

/* "30GB/s", "900MB/s". */
bool topo_word_bw(struct topo_word word, uint32_t *ret_mbps);

/* "8G", "512M", "1.5T": powers of 1024. */
bool topo_word_bytes(struct topo_word word, uint64_t *ret);

/* "2" or "2-5", of node ids. */
bool topo_word_nodes(struct topo_word word, uint32_t *ret_first, uint32_t *ret_last);

/* Fail with -EINVAL and a sentence that shows the place: `what`, character N, the rest. */
int topo_word_fail(struct sluice_err *reterr, const char *what, const char *whole, const char *at,
		   const char *reason);

#endif
