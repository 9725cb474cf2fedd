/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spans.h - the mappings of each target whose pages we may move.
 *
 * maps is read at each call: cheap. What the owner placed or locked stands in numa_maps and smaps,
 * which walk all page tables of the process; they are read when there are mappings that nobody has
 * looked at, and now and then, so rarely that it costs below half a per cent of a CPU. A mapping
 * that has not been looked at is not given out. One thread.
 */
#ifndef MOVER_SPANS_H
#define MOVER_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "heat.h"
#include "sluice/err.h"

struct spans;

int spans_new(const char *sysroot, struct spans **ret, struct sluice_err *reterr);
void spans_free(struct spans *spans);

/* As memory_ops.spans. When more than capacity mappings qualify, the smallest are left out.
 * -EINVAL: a kernel thread. */
int spans_get(struct spans *spans, int32_t pid, uint64_t now_ns, struct heat_span *list,
	      size_t capacity, size_t *ret_count, uint64_t *ret_pinned_bytes,
	      struct sluice_err *reterr);

#endif
