/* SPDX-License-Identifier: Apache-2.0 */
/* tracker_common.c - see tracker_common.h. */
#include "tracker_common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_FIRST 4096u

void
tracker_push(struct tracker_common *common, const struct sample *sample)
{
	if (common->next == common->count)
		common->next = common->count = 0;
	if (common->count == common->capacity) {
		size_t capacity = common->capacity ? 2 * common->capacity : QUEUE_FIRST;
		struct sample *queue = realloc(common->queue, capacity * sizeof(*queue));

		if (!queue) {
			common->stats.lost++;
			return;
		}
		common->queue = queue;
		common->capacity = capacity;
	}
	common->queue[common->count++] = *sample;
}

void
tracker_common_destroy(struct tracker_common *common)
{
	free(common->queue);
}

int
tracker_probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	(void)env;
	sentence[0] = '\0';
	return 0;
}

int
tracker_start_live(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	(void)env;
	(void)ret_self;
	return sluice_fail(reterr, -ENOTSUP, "the trackers of a replay are started by the replay");
}

/* All processes of the workload are watched. */
int
tracker_add(void *self, int32_t pid, struct sluice_err *reterr)
{
	(void)self;
	(void)pid;
	(void)reterr;
	return 0;
}

void
tracker_remove(void *self, int32_t pid)
{
	(void)self;
	(void)pid;
}

int
tracker_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct tracker_common *common = self;
	size_t count = common->count - common->next;

	(void)now_ns;
	(void)reterr;
	if (count > capacity)
		count = capacity;
	if (count)
		memcpy(samples, common->queue + common->next, count * sizeof(*samples));
	common->next += count;
	common->stats.samples += count;
	*ret_count = count;
	return 0;
}

void
tracker_set_effort(void *self, double cpu_share)
{
	((struct tracker_common *)self)->effort = cpu_share;
}

void
tracker_get_stats(void *self, struct sampler_stats *ret)
{
	*ret = ((struct tracker_common *)self)->stats;
}

size_t
tracker_unit_of(const struct world *world, uint64_t page)
{
	size_t low = 0, high = world->info->unit_count;

	/* Most workloads have units of one size. */
	size_t guess = (size_t)(page / world->info->units[0].pages);

	if (guess < high && world->first_page[guess] <= page && page < world->first_page[guess + 1])
		return guess;
	while (low + 1 < high) {
		size_t middle = (low + high) / 2;

		if (world->first_page[middle] <= page)
			low = middle;
		else
			high = middle;
	}
	return low;
}
