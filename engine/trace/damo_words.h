/* SPDX-License-Identifier: Apache-2.0 */
/* damo_words.h - numbers and times as damo writes them, for people or not. Pure. */
#ifndef TRACE_DAMO_WORDS_H
#define TRACE_DAMO_WORDS_H

#include <stdint.h>

/* "8 m 59.809 s", "104.599 ms", "1,234 d", "0 ns", or a plain number of `unit_ns` each. 1 it is
 * one, of less than 2^62 ns; 0 not. */
int damo_duration(const char *text, double unit_ns, uint64_t *ret_ns);
/* "94,827,419,009,024", "17", "0.5". 1 it is one; 0 not, or it is negative. */
int damo_number(const char *text, double *ret);
/* The same as a whole number, exactly. */
int damo_whole(const char *text, uint64_t *ret);
/* A range of whole pages below 2^57. */
int damo_is_range(uint64_t start, uint64_t end);

#endif
