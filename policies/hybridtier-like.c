/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hybridtier-like.c - imitates HybridTier (ASPLOS '25): two sketches, of frequency and of momentum.
 *
 * Sampled accesses are counted in count-min sketches of 4-bit counters, the four of a page within
 * one cache line: one that fades slowly (halved after 160 samples a fast page) and one that fades
 * fast (after 1.1 million). A sampled slow page with a frequency of 5, or a momentum of 3, is
 * promoted if there is room. While less than 1.25 % of fast memory is free, a walk over it demotes
 * up to 5 % free: what has neither; what has frequency but no momentum gets a second chance, and
 * goes when its frequency has not grown after 60 s. Demotion is throttled to 100 MB/s. When 20
 * batches of samples bring few promotions and the hot set fills less than 80 % of fast memory, the
 * frequency asked for is lowered, down to 3.
 *
 * Different: samples are drawn from heat (draw.h) for one page of each entry, which stands for the
 * others; few promotions are a quarter of fast memory's room for change, 1 %, in place of 25,000
 * pages; the sketch's size is a parameter, as policies allocate before they see a machine; second
 * chances are in a table of 16,384 slots instead of a queue of 10,000. Switching sampling off when
 * it brings nothing saves costs that are not a policy's here. Percentages free are beyond the
 * engine's own watermark.
 */
#include "draw.h"
#include "exchange.h"
#include "param.h"

#define LINE_COUNTERS 128 /* of 4 bits, in 64 bytes */
#define CHANCES 16384

enum {
	SAMPLES_PER_S,
	FREQUENCY,
	MOMENTUM,
	FREE_LOW_PERCENT,
	FREE_HIGH_PERCENT,
	DEMOTE_MIB_PER_S,
	SECOND_CHANCE_S,
	SKETCH_MIB,
	REGIONS_MAX,
	PARAMS
};

struct sketch {
	uint8_t *lines; /* of 64 bytes */
	uint64_t count;
	double until_halved; /* samples */
};

struct chance {
	uint64_t key, due_ms;
	int frequency;
};

struct hybrid {
	struct planner planner;
	struct order in, out;
	double set[PARAMS];
	struct sketch frequency, momentum;
	struct chance chances[CHANCES];
	double until_review; /* samples */
	double promoted_bytes, throttle_bytes;
	int threshold;
	uint64_t next_addr; /* where the walk goes on */
	int32_t next_pid;
};

static const struct sluice_param params[] = {
	[SAMPLES_PER_S] = {"samples_per_s", "100000", "samples taken of all accesses"},
	[FREQUENCY] = {"frequency", "5", "promote what was sampled so often, 3 at least"},
	[MOMENTUM] = {"momentum", "3", "or so often lately"},
	[FREE_LOW_PERCENT] = {"free_low_percent", "1.25",
			      "demote when less of fast memory is free"},
	[FREE_HIGH_PERCENT] = {"free_high_percent", "5", "and until so much is"},
	[DEMOTE_MIB_PER_S] = {"demote_mib_per_s", "95.4", "demote no more; 95.4 are 100 MB"},
	[SECOND_CHANCE_S] = {"second_chance_s", "60",
			     "what is frequent but not lately stays for so long"},
	[SKETCH_MIB] = {"sketch_mib", "16", "size of the sketch of frequencies"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be sorted, at 16 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[SAMPLES_PER_S] = {1, 1e9},     [FREQUENCY] = {3, 15},
	[MOMENTUM] = {1, 15},           [FREE_LOW_PERCENT] = {0, 50},
	[FREE_HIGH_PERCENT] = {0, 50},  [DEMOTE_MIB_PER_S] = {0.001, 1e9},
	[SECOND_CHANCE_S] = {0.1, 1e6}, [SKETCH_MIB] = {0.01, 65536},
	[REGIONS_MAX] = {1, 1e9},
};

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	return x ^ (x >> 32);
}

static int
is_same(const struct sluice_region *one, const struct sluice_region *other)
{
	return one->addr == other->addr && one->pid == other->pid;
}

/* Entries of a region in 4 KiB detail are told apart by the octave of their heat. */
static uint64_t
key_of(const struct sluice_view *view, uint64_t i)
{
	const struct sluice_region *r = sluice_view_region(view, i);
	int octave = 0;

	if ((i > 0 && is_same(sluice_view_region(view, i - 1), r)) ||
	    (i + 1 < view->region_count && is_same(sluice_view_region(view, i + 1), r)))
		octave = ilogb(planner_heat(r) + 1e-6) + 64;
	return mix(r->addr ^ (uint64_t)(uint32_t)r->pid << 40 ^ (uint64_t)octave << 1);
}

/* The k-th counter of a key: 7 bits choose one of its line. */
static int
counter_get(const uint8_t *line, uint64_t key, int k)
{
	unsigned c = (unsigned)(key >> (k * 7)) % LINE_COUNTERS;

	return line[c / 2] >> (c % 2 * 4) & 15;
}

static uint8_t *
line_of(const struct sketch *sketch, uint64_t key)
{
	return sketch->lines + (key >> 28) % sketch->count * 64;
}

static int
sketch_get(const struct sketch *sketch, uint64_t key)
{
	const uint8_t *line = line_of(sketch, key);
	int least = 15;

	for (int k = 0; k < 4; k++) {
		int value = counter_get(line, key, k);

		least = value < least ? value : least;
	}
	return least;
}

/* Raise the counters that are the least, as far as they go. Returns the new count. */
static int
sketch_add(struct sketch *sketch, uint64_t key, int samples)
{
	uint8_t *line = line_of(sketch, key);
	int to = sketch_get(sketch, key) + samples;

	to = to < 15 ? to : 15;
	for (int k = 0; k < 4; k++) {
		unsigned c = (unsigned)(key >> (k * 7)) % LINE_COUNTERS;

		if (counter_get(line, key, k) < to)
			line[c / 2] = (uint8_t)((line[c / 2] & (c % 2 ? 0x0f : 0xf0)) |
						to << (c % 2 * 4));
	}
	return to;
}

/* Halve all counters after so many samples. */
static void
sketch_fade(struct sketch *sketch, double samples, double every)
{
	uint64_t halved = 0;

	for (sketch->until_halved -= samples; sketch->until_halved <= 0 && halved < 4; halved++) {
		sketch->until_halved += every;
		for (uint64_t b = 0; b < sketch->count * 64; b++)
			sketch->lines[b] = sketch->lines[b] >> 1 & 0x77;
	}
	if (sketch->until_halved <= 0) /* after four times nothing is left */
		sketch->until_halved = every;
}

/* Take the round's samples; what they show to be hot, in slow memory, is a candidate. */
static double
sample(struct hybrid *h)
{
	const struct sluice_view *view = h->planner.view;
	double rate = 0, period, seconds = h->planner.elapsed_s;

	for (uint64_t i = 0; i < view->region_count; i++)
		rate += planner_heat(sluice_view_region(view, i)) *
			(sluice_view_region(view, i)->bytes / 4096.0);
	period = fmax(1, rate / h->set[SAMPLES_PER_S]);
	h->in.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);
		double expected = planner_heat(r) * seconds / period;
		int samples = (int)fmin(expected + 1 - draw_number(view, i, 0), 15);
		int frequency, momentum;
		uint64_t key;

		if (samples == 0)
			continue;
		key = key_of(view, i);
		frequency = sketch_add(&h->frequency, key, samples);
		momentum = sketch_add(&h->momentum, key, samples);
		if (r->tier > 0 && (frequency >= h->threshold || momentum >= (int)h->set[MOMENTUM]))
			order_add(&h->in, frequency + momentum, i);
	}
	return rate * seconds / period;
}

/* Whether to demote a fast entry that has no momentum now. */
static int
is_spent(struct hybrid *h, uint64_t key)
{
	struct chance *chance = &h->chances[key % CHANCES];
	uint64_t now_ms = h->planner.view->now_ms;
	uint64_t stay_ms = (uint64_t)(h->set[SECOND_CHANCE_S] * 1000);
	int frequency = sketch_get(&h->frequency, key);

	if (frequency < h->threshold)
		return 1;
	if (chance->key == key && now_ms >= chance->due_ms) {
		int has_grown = frequency > chance->frequency;

		chance->key = 0;
		return !has_grown;
	}
	if (chance->key == 0 || now_ms > chance->due_ms + stay_ms)
		*chance = (struct chance){key, now_ms + stay_ms, frequency};
	return 0;
}

/* Walk fast memory from where the last walk ended, once around at most. */
static void
demote(struct hybrid *h)
{
	const struct sluice_view *view = h->planner.view;
	uint64_t i = planner_find(&h->planner, h->next_pid, h->next_addr);
	uint64_t most = (uint64_t)(h->set[DEMOTE_MIB_PER_S] * 1048576 * h->planner.elapsed_s);
	uint64_t need = planner_need(&h->planner, 0, h->set[FREE_LOW_PERCENT]);

	if (need == 0)
		return;
	need = planner_need(&h->planner, 0, h->set[FREE_HIGH_PERCENT]);
	for (uint64_t n = 0; n < view->region_count && need > 0 && most > 0; n++, i++) {
		const struct sluice_region *r;
		uint64_t key;

		i = i < view->region_count ? i : 0;
		r = sluice_view_region(view, i);
		if (r->tier > 0)
			continue;
		key = key_of(view, i);
		if (sketch_get(&h->momentum, key) > 0 || !is_spent(h, key) ||
		    !planner_demote(&h->planner, i))
			continue;
		need -= need < r->bytes ? need : r->bytes;
		most -= most < r->bytes ? most : r->bytes;
	}
	i = i < view->region_count ? i : 0;
	h->next_pid = sluice_view_region(view, i)->pid;
	h->next_addr = sluice_view_region(view, i)->addr;
}

/* After 20 batches: do too few pages reach the threshold to fill fast memory? */
static void
review(struct hybrid *h, double samples)
{
	const struct sluice_view *view = h->planner.view;
	double fast_bytes = (double)sluice_view_tier(view, 0)->total_bytes, hot_bytes = 0;

	h->until_review -= samples;
	if (h->until_review > 0)
		return;
	h->until_review = 2e6;
	if (h->promoted_bytes < 0.01 * fast_bytes && h->threshold > 3) {
		for (uint64_t i = 0; i < view->region_count; i++) {
			if (sketch_get(&h->frequency, key_of(view, i)) >= h->threshold)
				hot_bytes += sluice_view_region(view, i)->bytes;
		}
		h->threshold -= hot_bytes < 0.8 * fast_bytes;
	}
	h->promoted_bytes = 0;
}

static int
hybrid_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	      struct sluice_err *reterr)
{
	struct hybrid *h = self;
	struct exchange exchange = {.planner = &h->planner, .in = &h->in, .out = &h->out};
	int r = planner_begin(&h->planner, view, plan, (uint64_t)h->set[REGIONS_MAX], reterr);
	double samples;

	if (r < 0 || view->tier_count < 2 || view->region_count == 0)
		return r;
	samples = sample(h);
	sketch_fade(&h->frequency, samples,
		    160.0 / 4096 * (double)sluice_view_tier(view, 0)->total_bytes + 1);
	sketch_fade(&h->momentum, samples, 1.1e6);
	demote(h);
	order_sort(&h->in);
	order_sort(&h->out); /* nothing: promotions take free memory only */
	exchange_all(&exchange);
	h->promoted_bytes += (double)exchange.in_bytes;
	review(h, samples);
	return 0;
}

static void
hybrid_fini(void *self)
{
	struct hybrid *h = self;

	if (!h)
		return;
	order_fini(&h->in);
	order_fini(&h->out);
	free(h->frequency.lines);
	free(h->momentum.lines);
	free(h);
}

static int
hybrid_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	    struct sluice_err *reterr)
{
	struct hybrid *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return sluice_fail(reterr, -ENOMEM, "no memory for hybridtier-like");
	h->planner.host = host;
	if ((r = param_numbers(params, bounds, values, h->set, reterr)) < 0 ||
	    (r = order_init(&h->in, h->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&h->out, 1, reterr)) < 0)
		goto fail;
	h->threshold = (int)h->set[FREQUENCY];
	h->frequency.count = (uint64_t)(h->set[SKETCH_MIB] * 1048576 / 64);
	h->momentum.count = 1 + h->frequency.count / 100;
	h->frequency.lines = calloc(h->frequency.count, 64);
	h->momentum.lines = calloc(h->momentum.count, 64);
	if (!h->frequency.lines || !h->momentum.lines) {
		r = sluice_fail(reterr, -ENOMEM,
				"no memory for a sketch of %g MiB; lower sketch_mib",
				h->set[SKETCH_MIB]);
		goto fail;
	}
	h->frequency.until_halved = 1e6; /* until the machine is known, in the first round */
	h->momentum.until_halved = 1.1e6;
	h->until_review = 2e6;
	h->next_pid = INT32_MIN;
	*ret_self = h;
	return 0;
fail:
	hybrid_fini(h);
	return r;
}

SLUICE_POLICY(.name = "hybridtier-like",
	      .summary = "as HybridTier: sketches of frequency and of momentum, second chances",
	      .params = params, .init = hybrid_init, .decide = hybrid_decide, .fini = hybrid_fini);
