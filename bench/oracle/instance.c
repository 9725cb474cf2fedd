/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.c - problems made of named patterns, to measure the oracle by.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "bench/workloads/wl_rng.h"
#include "bench/workloads/wl_shuffle.h"
#include "instance.h"

#define HUGE_BYTES (2u << 20)
#define HOT_SHARE 0.9
#define ZIPF_EXPONENT 0.99

const char *const pattern_names[PATTERNS] = {
	[PATTERN_HOTSET] = "hotset", [PATTERN_ZIPF] = "zipf", [PATTERN_PHASES] = "phases",
	[PATTERN_DRIFT] = "drift",   [PATTERN_SCAN] = "scan", [PATTERN_UNIFORM] = "uniform",
	[PATTERN_RANDOM] = "random",
};

void
instance_free(struct instance *instance)
{
	if (instance->rows)
		free(instance->rows[0]);
	free(instance->rows);
	free(instance->bytes);
	free(instance->up);
	free(instance->down);
	free(instance->initial);
	*instance = (struct instance){0};
}

int
instance_new(uint32_t item_count, uint32_t epoch_count, struct instance *ret,
	     struct sluice_err *reterr)
{
	struct instance new = {0};
	float *cells = calloc((size_t)item_count * epoch_count, sizeof(float));

	new.rows = calloc(epoch_count, sizeof(*new.rows));
	new.bytes = calloc(item_count, sizeof(*new.bytes));
	new.up = calloc(item_count, sizeof(*new.up));
	new.down = calloc(item_count, sizeof(*new.down));
	new.initial = calloc(oracle_words(item_count), sizeof(*new.initial));
	if (!cells || !new.rows || !new.bytes || !new.up || !new.down || !new.initial) {
		free(cells);
		instance_free(&new);
		sluice_fail(reterr, -ENOMEM, "not enough memory for %u items in %u epochs",
			    item_count, epoch_count);
		return -ENOMEM;
	}
	for (uint32_t t = 0; t < epoch_count; t++)
		new.rows[t] = cells + (size_t)t *item_count;
	new.problem = (struct oracle_problem){
		.item_count = item_count,
		.epoch_count = epoch_count,
		.bytes = new.bytes,
		.saved = (const float *const *)new.rows,
		.up = new.up,
		.down = new.down,
		.initial = new.initial,
	};
	*ret = new;
	return 0;
}

static double
random_share(uint64_t *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

/* Share of the accesses that go to each item in an epoch. */
struct shares {
	const struct pattern *pattern;
	uint32_t period, hot;
	double hot_share, cold_share; /* of one item */
	double zipf_sum;
	uint64_t rng;
};

/* The item's place in the order of the period (or of one of two, in turns). */
static uint64_t
place_of(const struct shares *s, uint32_t item, uint64_t order)
{
	struct shuffle shuffle;

	shuffle_init(&shuffle, s->pattern->item_count, s->pattern->seed + order);
	return shuffle_at(&shuffle, s->pattern->item_count, item);
}

static double
share_of(struct shares *s, uint32_t item, uint32_t epoch)
{
	uint32_t n = s->pattern->item_count, period = epoch / s->period;
	double through = (double)(epoch % s->period) / s->period; /* this period */
	uint64_t place = 0;

	switch (s->pattern->name) {
	case PATTERN_HOTSET:
		place = place_of(s, item, period);
		break;
	case PATTERN_ZIPF:
		return pow((double)place_of(s, item, period) + 1, -ZIPF_EXPONENT) / s->zipf_sum;
	case PATTERN_PHASES:
		place = place_of(s, item, period % 2);
		break;
	case PATTERN_DRIFT:
		place = ((uint64_t)item + n - (uint64_t)(through * n)) % n;
		break;
	case PATTERN_SCAN: {
		double at = ((double)item / n - through) * s->period; /* epochs from now */

		return at >= 0 && at < 1 ? (double)s->period / n : 0;
	}
	case PATTERN_RANDOM:
		return 2 * random_share(&s->rng) / n;
	default:
		return 1.0 / n;
	}
	return place < s->hot ? s->hot_share : s->cold_share;
}

static void
shares_init(struct shares *s, const struct pattern *p)
{
	double hot = p->hot_percent / 100 * p->item_count;

	*s = (struct shares){.pattern = p, .rng = rng_seed(p->seed, 1)};
	s->period = p->period && p->period < p->epoch_count ? p->period : p->epoch_count;
	s->hot = hot < 1 ? 1 : (uint32_t)hot;
	s->hot_share = HOT_SHARE / s->hot;
	s->cold_share = s->hot < p->item_count ? (1 - HOT_SHARE) / (p->item_count - s->hot) : 0;
	for (uint32_t i = 0; i < p->item_count; i++)
		s->zipf_sum += pow((double)i + 1, -ZIPF_EXPONENT);
}

int
instance_make(const struct pattern *p, struct instance *ret, struct sluice_err *reterr)
{
	struct instance made;
	struct shares shares;
	uint64_t total = 0, rng = rng_seed(p->seed, 0);
	int error = instance_new(p->item_count, p->epoch_count, &made, reterr);

	if (error < 0)
		return error;
	shares_init(&shares, p);
	for (uint32_t i = 0; i < made.problem.item_count; i++) {
		made.bytes[i] = p->item_bytes ? p->item_bytes : 4096u << rng_next(&rng) % 10;
		made.up[i] = made.down[i] = (float)(p->move_ns * made.bytes[i] / HUGE_BYTES);
		total += made.bytes[i];
	}
	made.problem.capacity_bytes = (uint64_t)((double)total * p->fast_percent / 100);
	for (uint32_t t = 0; t < made.problem.epoch_count; t++) {
		for (uint32_t i = 0; i < made.problem.item_count; i++) {
			double noise = (2 * random_share(&rng) - 1) * p->noise_percent / 100;

			made.rows[t][i] = (float)(share_of(&shares, i, t) * (1 + noise) *
						  p->accesses * p->delta_ns);
		}
	}
	*ret = made;
	return 0;
}
