/* SPDX-License-Identifier: Apache-2.0 */
/* heat_clip.c - see heat_clip.h. */
#include "heat_clip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mapped {
	int32_t pid;
	struct sluice_trace_span *spans;
	size_t count;
};

static struct mapped *
find(const struct heat_clip *clip, int32_t pid)
{
	for (size_t i = 0; i < clip->count; i++) {
		if (clip->mapped[i].pid == pid)
			return &clip->mapped[i];
	}
	return NULL;
}

int
heat_clip_spans(struct heat_clip *clip, const struct sluice_trace_item *item)
{
	size_t bytes = item->count * sizeof(*item->spans);
	struct mapped *mapped = find(clip, item->pid), *grown;
	struct sluice_trace_span *spans = malloc(bytes ? bytes : 1);

	if (!spans)
		return -ENOMEM;
	if (bytes)
		memcpy(spans, item->spans, bytes);
	if (!mapped) {
		grown = realloc(clip->mapped, (clip->count + 1) * sizeof(*grown));
		if (!grown) {
			free(spans);
			return -ENOMEM;
		}
		clip->mapped = grown;
		mapped = &grown[clip->count++];
		*mapped = (struct mapped){.pid = item->pid};
	}
	free(mapped->spans);
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
