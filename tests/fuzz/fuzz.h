/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what the targets share. A target is one file, fuzz_NAME.c, that defines
 * LLVMFuzzerTestOneInput() and feeds the bytes to one parser; it ends well, or dies. The same file
 * is built for libFuzzer, and with driver.c, which replays and mutates without it. One thread.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* 0 always. Whatever the bytes are, it leaves nothing behind but what it made under fuzz_folder().
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input; dies with the sentence otherwise. */
#define FUZZ_REQUIRE(condition) fuzz_require((condition) != 0, #condition, __FILE__, __LINE__)
void fuzz_require(int holds, const char *condition, const char *file, int line);

/* A copy that ends with a NUL and nothing behind it, so that reading on is seen. The caller's. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A folder of our own, in memory where there is such; removed with all in it at the end. */
const char *fuzz_folder(void);
/* fuzz_folder()/NAME gets this content; folders in NAME are made. */
void fuzz_write(const char *name, const void *data, size_t size);
/* The content of fuzz_folder()/NAME in a static buffer of 64 KiB, as text; NULL when there is none.
 */
const char *fuzz_read(const char *name);
void fuzz_remove(const char *name);

/* A descriptor from which the bytes can be read as from a file of /proc. The caller closes it. */
int fuzz_open(const uint8_t *data, size_t size);

/* The next of several inputs in one: parts are told apart by a line "==", or the end. Steps over
 * it; *ret_size may be 0. */
const uint8_t *fuzz_part(const uint8_t **data, size_t *size, size_t *ret_size);

#endif
