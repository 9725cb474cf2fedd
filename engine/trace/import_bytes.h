/* SPDX-License-Identifier: Apache-2.0 */
/* import_bytes.h - the bytes of a recording, decompressed where it is zlib's or gzip's. One thread.
 */
#ifndef TRACE_IMPORT_BYTES_H
#define TRACE_IMPORT_BYTES_H

#include <stdint.h>
#include <stdio.h>

struct import_bytes;

/* Reads on where the stream is, which is borrowed. is_compressed: it is. NULL: no memory. */
struct import_bytes *import_bytes_new(FILE *in, int is_compressed);
void import_bytes_free(struct import_bytes *bytes); /* NULL is fine */
/* The next byte, or -1 at the end, also when what follows cannot be read. */
int import_bytes_next(void *bytes);
/* Why there is no more: NULL, it has ended; else the end of a sentence. */
const char *import_bytes_problem(const struct import_bytes *bytes);

#endif
