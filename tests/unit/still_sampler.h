/* SPDX-License-Identifier: Apache-2.0 */
/* still_sampler.h - callbacks of a sampler that sees nothing, for tests of rounds that need one. */
#ifndef TESTS_STILL_SAMPLER_H
#define TESTS_STILL_SAMPLER_H

#include "ops.h"

static inline int
still_add(void *self, int32_t pid, struct sluice_err *reterr)
{
	(void)self, (void)pid, (void)reterr;
	return 0;
}

static inline void
still_remove(void *self, int32_t pid)
{
	(void)self, (void)pid;
}

static inline int
still_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity, size_t *ret_count,
	   struct sluice_err *reterr)
{
	(void)self, (void)now_ns, (void)samples, (void)capacity, (void)reterr;
	*ret_count = 0;
	return 0;
}

static inline void
still_get_stats(void *self, struct sampler_stats *ret)
{
	(void)self;
	*ret = (struct sampler_stats){0};
}

#endif
