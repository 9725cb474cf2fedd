/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams.h - bandwidth: the loops that read and write memory as fast as one CPU can, and what
 * keeps caches out of it. Compiled for speed and without sanitizers, in every build.
 *
 * Addresses and sizes are multiples of STREAMS_UNIT_BYTES. Any thread.
 */
#ifndef MEASURE_STREAMS_H
#define MEASURE_STREAMS_H

#include <stddef.h>

#define STREAMS_LINE_BYTES 64u
#define STREAMS_UNIT_BYTES 256u

void streams_read(const void *from, size_t bytes);
/* Done when the stores have left the CPU. */
void streams_write(void *to, size_t bytes);
/* to = a + b: two bytes are read for each that is written. */
void streams_mixed(void *to, const void *a, const void *b, size_t bytes);

/* How write and mixed store: "non-temporal" goes past the caches; "plain" stores make the caches
 * read each line first, which is traffic that is not counted. */
const char *streams_stores(void);

/* Drops the lines from all caches, so that the next access is memory's. Without an instruction for
 * it on this architecture streams_can_flush() is 0, and memory must be larger than the caches. */
int streams_can_flush(void);
void streams_flush(const void *from, size_t bytes);
void streams_fence(void); /* wait until what was flushed is gone */

#endif
