/* SPDX-License-Identifier: Apache-2.0 */
/* mutate.h - making wrong inputs out of right ones. One thread. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#define MUTATE_BYTES_MAX 65536

struct bytes {
	uint8_t *data;
	size_t size;
};

/* The same seed gives the same inputs. */
void mutate_seed(uint64_t seed);
/* Into out (MUTATE_BYTES_MAX bytes): one of the seeds after a few changes, of bytes, numbers, words
 * and lines, or parts of several. There is at least one seed. Returns the size. */
size_t mutate_make(const struct bytes *seeds, size_t count, uint8_t *out);

#endif
