/* SPDX-License-Identifier: Apache-2.0 */
/* heat_clip.c - see heat_clip.h. */
#include "heat_clip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mapped {
	struct sluice_trace_span *spans;
	size_t count;
};

static struct mapped *
find(const struct heat_clip *clip, int32_t pid)
{
	int64_t at = pid_list_find(&clip->list, pid);

	return at < 0 ? NULL : &clip->mapped[at];
}

static int
add(struct heat_clip *clip, int32_t pid)
{
	if (clip->count == clip->capacity) {
		size_t capacity = 2 * clip->capacity + 16;
		struct mapped *grown = realloc(clip->mapped, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		clip->mapped = grown;
		clip->capacity = capacity;
	}
	clip->mapped[clip->count] = (struct mapped){NULL, 0};
	return pid_list_add(&clip->list, pid, (uint32_t)clip->count++);
}

int
heat_clip_spans(struct heat_clip *clip, const struct sluice_trace_item *item)
{
	size_t bytes = item->count * sizeof(*item->spans);
	int r = find(clip, item->pid) ? 0 : add(clip, item->pid);
	struct mapped *mapped = find(clip, item->pid);
	struct sluice_trace_span *spans;

	if (r < 0 || !mapped)
		return r;
	if (clip->span_count - mapped->count + item->count > HEAT_CLIP_SPANS_MAX)
		return -E2BIG;
	spans = malloc(bytes ? bytes : 1);
	if (!spans)
		return -ENOMEM;
	if (bytes)
		memcpy(spans, item->spans, bytes);
	free(mapped->spans);
	clip->span_count += item->count;
	clip->span_count -= mapped->count;
	mapped->spans = spans;
	mapped->count = item->count;
	return 0;
}

void
heat_clip_free(struct heat_clip *clip)
{
	for (size_t i = 0; i < clip->count; i++)
		free(clip->mapped[i].spans);
	free(clip->mapped);
	pid_list_free(&clip->list);
	*clip = (struct heat_clip){0};
}

void
heat_clip(const struct heat_clip *clip, const struct evidence_told *told,
	  void (*take)(void *ctx, const struct evidence_told *told), void *ctx)
{
	const struct mapped *mapped = find(clip, told->pid);
	uint64_t end = told->addr + told->len_bytes;
	size_t low = 0, count = mapped ? mapped->count : 0;

	if (!mapped) {
		take(ctx, told);
		return;
	}
	while (count > 0) { /* the first that ends behind its beginning */
		size_t half = count / 2;

		if (mapped->spans[low + half].end > told->addr) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	for (; low < mapped->count && mapped->spans[low].start < end; low++) {
		const struct sluice_trace_span *span = &mapped->spans[low];
		struct evidence_told part = *told;

		part.addr = span->start > told->addr ? span->start : told->addr;
		part.len_bytes = (span->end < end ? span->end : end) - part.addr;
		take(ctx, &part);
	}
}
