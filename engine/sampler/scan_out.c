/* SPDX-License-Identifier: Apache-2.0 */
/* scan_out.c - see scan_out.h. */
#include "scan_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
scan_out_init(struct scan_out *out, float spread, struct sluice_err *reterr)
{
	*out = (struct scan_out){.spread = spread};
	out->pending = calloc(SCAN_OUT_MAX, sizeof(*out->pending));
	return out->pending ? 0 : sluice_fail(reterr, -ENOMEM, "out of memory");
}

void
scan_out_destroy(struct scan_out *out)
{
	free(out->pending);
	out->pending = NULL;
}

int
scan_out_has_room(const struct scan_out *out)
{
	return out->count + SCAN_SLICE_SAMPLES <= SCAN_OUT_MAX;
}

void
scan_out_range(struct scan_out *out, uint32_t kind, int32_t pid, uint64_t addr, uint64_t len_bytes,
	       uint64_t time_ns)
{
	if (out->count == SCAN_OUT_MAX)
		return;
	out->pending[out->count++] = (struct sample){
		.addr = addr,
		.len_bytes = len_bytes,
		.time_ns = time_ns,
		.pid = pid,
		.kind = kind,
		.spread = out->spread,
	};
	out->samples++;
}

void
scan_out_add(struct scan_out *out, const struct sample *samples, size_t count)
{
	if (count > SCAN_OUT_MAX - out->count)
		count = SCAN_OUT_MAX - out->count;
	memcpy(out->pending + out->count, samples, count * sizeof(*samples));
	out->count += count;
	out->samples += count;
}

uint32_t
scan_out_seen(struct scan_out *out, const struct scan_slice *slice, const uint64_t bits[SCAN_WORDS],
	      uint64_t time_ns)
{
	uint32_t pages = 0;

	for (uint32_t p = 0; p < slice->pages;) {
		uint32_t first = p;

		while (p < slice->pages && scan_bit(bits, p))
			p++;
		if (p > first)
			scan_out_range(out, SAMPLE_SEEN, slice->pid,
				       slice->addr + (uint64_t)first * HEAT_PAGE_BYTES,
				       (uint64_t)(p - first) * HEAT_PAGE_BYTES, time_ns);
		pages += p - first;
		p += p < slice->pages && p == first;
		while (p < slice->pages && !scan_bit(bits, p))
			p++;
	}
	return pages;
}

size_t
scan_out_take(struct scan_out *out, struct sample *samples, size_t capacity)
{
	size_t count = out->count - out->next;

	if (count > capacity)
		count = capacity;
	memcpy(samples, out->pending + out->next, count * sizeof(*samples));
	out->next += count;
	if (out->next == out->count)
		out->next = out->count = 0;
	return count;
}
