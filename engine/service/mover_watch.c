/* SPDX-License-Identifier: Apache-2.0 */
/* mover_watch.c - see mover_watch.h. */
#include "mover_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

#define REFUSALS_MAX 16 /* processes; the oldest gives way */

struct refusal {
	int32_t pid;
	uint64_t at_ns;
	char sentence[160];
};

struct mover_watch {
	struct mover_ops ops;
	const struct mover_ops *below;
	void *self;
	struct refusal refusals[REFUSALS_MAX];
};

static void
remember(struct mover_watch *watch, int32_t pid, const char *sentence)
{
	struct refusal *place = &watch->refusals[0];

	for (int i = 0; i < REFUSALS_MAX; i++) {
		struct refusal *refusal = &watch->refusals[i];

		if (refusal->at_ns && refusal->pid == pid) {
			place = refusal;
			break;
		}
		if (refusal->at_ns < place->at_ns)
			place = refusal;
	}
	place->pid = pid;
	place->at_ns = clock_now_ns();
	snprintf(place->sentence, sizeof(place->sentence), "%.*s", (int)sizeof(place->sentence) - 1,
		 sentence);
}

static int
move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier, uint8_t *outcomes,
     uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	struct mover_watch *watch = self;
	struct sluice_err err = {0, ""};
	int r = watch->below->move(watch->self, pid, addrs, count, tier, outcomes, bytes, landed,
				   &err);

	if (r < 0 && r != -ESRCH && err.msg[0])
		remember(watch, pid, err.msg);
	if (r < 0 && reterr)
		*reterr = err;
	return r;
}

static void
stop(void *self)
{
	struct mover_watch *watch = self;

	if (!watch)
		return;
	watch->below->stop(watch->self);
	free(watch);
}

struct mover_watch *
mover_watch_new(const struct mover_ops *below, void *self)
{
	struct mover_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->below = below;
	watch->self = self;
	watch->ops = *below;
	watch->ops.move = move;
	watch->ops.stop = stop;
	return watch;
}

const struct mover_ops *
mover_watch_ops(const struct mover_watch *watch)
{
	return &watch->ops;
}

const char *
mover_watch_refusal(const struct mover_watch *watch, int32_t pid, uint64_t now_ns,
		    uint64_t max_age_ns)
{
	for (int i = 0; i < REFUSALS_MAX; i++) {
		const struct refusal *refusal = &watch->refusals[i];

		if (refusal->at_ns && refusal->pid == pid && now_ns - refusal->at_ns <= max_age_ns)
			return refusal->sentence;
	}
	return "";
}
