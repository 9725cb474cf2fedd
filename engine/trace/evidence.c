/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - see evidence.h. */
#include "evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REGION_SHIFT 21
#define REGION_BYTES (UINT64_C(1) << REGION_SHIFT)
#define PAGE_SHIFT 12
#define SLOTS_FIRST 256u

/* Pages of 2 MiB that are armed. */
struct region {
	uint64_t number; /* of its address */
	int32_t pid;
	int is_used;
	uint64_t armed_ns;
	uint32_t pages, touched;
};

struct evidence {
	void (*tell)(void *ctx, const struct evidence_told *told);
	void *ctx;
	struct region *regions; /* by hash */
	size_t slots, used;
};

struct evidence *
evidence_new(void (*tell)(void *ctx, const struct evidence_told *told), void *ctx)
{
	struct evidence *evidence = calloc(1, sizeof(*evidence));

	if (!evidence)
		return NULL;
	evidence->tell = tell;
	evidence->ctx = ctx;
	evidence->slots = SLOTS_FIRST;
	evidence->regions = calloc(evidence->slots, sizeof(*evidence->regions));
	if (evidence->regions)
		return evidence;
	free(evidence);
	return NULL;
}

void
evidence_free(struct evidence *evidence)
{
	if (!evidence)
		return;
	free(evidence->regions);
	free(evidence);
}

static struct region *
find(struct region *regions, size_t slots, int32_t pid, uint64_t number)
{
	uint64_t hash = (number ^ (uint64_t)(uint32_t)pid << 40) * 0x9e3779b97f4a7c15u;
	size_t at = (hash >> 20) & (slots - 1);

	while (regions[at].is_used && (regions[at].number != number || regions[at].pid != pid))
		at = (at + 1) & (slots - 1);
	return &regions[at];
}

/* NULL: no memory. */
static struct region *
find_or_add(struct evidence *evidence, int32_t pid, uint64_t number)
{
	struct region *region;

	if (evidence->used * 4 >= evidence->slots * 3) {
		size_t slots = evidence->slots * 2;
		struct region *grown = calloc(slots, sizeof(*grown));

		if (!grown)
			return NULL;
		for (size_t i = 0; i < evidence->slots; i++) {
			const struct region *old = &evidence->regions[i];

			if (old->is_used)
				*find(grown, slots, old->pid, old->number) = *old;
		}
		free(evidence->regions);
		evidence->regions = grown;
		evidence->slots = slots;
	}
	region = find(evidence->regions, evidence->slots, pid, number);
	if (!region->is_used) {
		*region = (struct region){.number = number, .pid = pid, .is_used = 1};
		evidence->used++;
	}
	return region;
}

static double
seconds(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 0;
}

/* The pages of a region that were armed and not accessed until now; which ones is not known, so it
 * is told as a share of all. */
static void
tell_untouched(const struct evidence *evidence, const struct region *region, uint64_t now_ns)
{
	uint32_t all = (uint32_t)(REGION_BYTES >> PAGE_SHIFT);

	if (region->touched >= region->pages || now_ns <= region->armed_ns)
		return;
	evidence->tell(evidence->ctx, &(struct evidence_told){
					      .pid = region->pid,
					      .addr = region->number << REGION_SHIFT,
					      .len_bytes = REGION_BYTES,
					      .from_ns = region->armed_ns,
					      .to_ns = now_ns,
					      .watched_s = seconds(region->armed_ns, now_ns) *
							   (region->pages - region->touched) / all,
				      });
}

static int
take_armed(struct evidence *evidence, const struct sluice_trace_sample *sample)
{
	uint64_t at = sample->addr, end = sample->addr + sample->len_bytes;

	while (at < end) {
		uint64_t number = at >> REGION_SHIFT;
		uint64_t stop = (number + 1) << REGION_SHIFT;
		struct region *region = find_or_add(evidence, sample->pid, number);
		uint32_t pages;

		if (!region)
			return -ENOMEM;
		if (stop > end || stop <= at)
			stop = end;
		pages = (uint32_t)((stop - at) >> PAGE_SHIFT);
		if (region->armed_ns != sample->time_ns) {
			tell_untouched(evidence, region, sample->time_ns);
			region->armed_ns = sample->time_ns;
			region->pages = region->touched = 0;
		}
		region->pages += pages;
		at = stop;
	}
	return 0;
}

/* Accessed once since they were armed; when that was is known of armed regions only. */
static void
take_touched(struct evidence *evidence, const struct sluice_trace_sample *sample)
{
	uint64_t len = sample->len_bytes ? sample->len_bytes : SLUICE_TRACE_PAGE_BYTES;
	struct region *region =
		find(evidence->regions, evidence->slots, sample->pid, sample->addr >> REGION_SHIFT);
	uint64_t from_ns = sample->time_ns;

	if (region->is_used && region->armed_ns <= sample->time_ns) {
		from_ns = region->armed_ns;
		region->touched += (uint32_t)(len >> PAGE_SHIFT);
	}
	evidence->tell(evidence->ctx, &(struct evidence_told){
					      .pid = sample->pid,
					      .addr = sample->addr,
					      .len_bytes = len,
					      .from_ns = from_ns,
					      .to_ns = sample->time_ns,
					      .events = 1,
					      .is_moment = 1,
					      .watched_s = seconds(from_ns, sample->time_ns),
				      });
}

static int
take_sample(struct evidence *evidence, const struct sluice_trace_sample *sample)
{
	struct evidence_told told = {
		.pid = sample->pid,
		.addr = sample->addr & ~(uint64_t)(SLUICE_TRACE_PAGE_BYTES - 1),
		.len_bytes = sample->len_bytes,
		.from_ns = sample->time_ns,
		.to_ns = sample->time_ns,
		.events = (double)sample->events,
	};
	uint64_t watched_ns;

	switch (sample->kind) {
	case SLUICE_TRACE_ARMED:
		return take_armed(evidence, sample);
	case SLUICE_TRACE_TOUCH:
	case SLUICE_TRACE_SEEN:
		take_touched(evidence, sample);
		return 0;
	case SLUICE_TRACE_RATE:
	case SLUICE_TRACE_EXACT:
		told.watched_s = (double)sample->exposure_s;
		if (told.watched_s > 1e9)
			return 0; /* nobody watches for so long */
		watched_ns = (uint64_t)(told.watched_s * 1e9);
		told.from_ns = sample->time_ns > watched_ns ? sample->time_ns - watched_ns : 0;
		break;
	case SLUICE_TRACE_COUNT:
		told.len_bytes = SLUICE_TRACE_PAGE_BYTES;
		told.is_drawn = 1;
		break;
	default:
		return 0;
	}
	if (told.len_bytes && told.addr + told.len_bytes > told.addr)
		evidence->tell(evidence->ctx, &told);
	return 0;
}

/* Of one process, or with pid NULL of all. */
static void
end_regions(struct evidence *evidence, const int32_t *pid, uint64_t now_ns)
{
	for (size_t i = 0; i < evidence->slots; i++) {
		struct region *region = &evidence->regions[i];

		if (!region->is_used || (pid && region->pid != *pid))
			continue;
		tell_untouched(evidence, region, now_ns);
		region->pages = region->touched = 0;
	}
}

int
evidence_take(struct evidence *evidence, const struct sluice_trace_item *item)
{
	int r = 0;

	if (item->kind == SLUICE_TRACE_EXIT)
		end_regions(evidence, &item->pid, item->time_ns);
	if (item->kind != SLUICE_TRACE_SAMPLES)
		return 0;
	for (size_t i = 0; i < item->count && r == 0; i++)
		r = take_sample(evidence, &item->samples[i]);
	return r;
}

void
evidence_end(struct evidence *evidence, uint64_t now_ns)
{
	end_regions(evidence, NULL, now_ns);
}
