/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - from page estimates to what a policy sees.
 *
 * Empirical Bayes in two levels. A page's few noisy gaps are pulled towards its region's mean, by as
 * much as pages within regions are found to be alike; regions are pulled towards the overall mean
 * likewise. Both spreads are measured, by taking the noise that gaps are known to have (see
 * estimate.h) off the variance that is seen. Pages of a region that end up in the same half octave,
 * tier and state become one entry.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimate.h"
#include "table.h"

#define PRIOR_PAGES 32.0f   /* weight of all regions' common spread against a region's own */
#define SILENT_OCTAVES 3.0f  /* how far off a mean may be while none of its pages was touched yet */
#define MATURE_TICKS 40000u  /* after that long, silence is nearly as good as a gap */
#define MODEL_VAR 0.1f      /* accesses are never quite random: a region's mean is not exact */
#define RATE_FLOOR_VAR 0.25f /* SAMPLE_RATE is never trusted better than half an octave */
#define CENSOR_TICKS 2500u  /* a quarter of a second untouched begins to say something */
#define BOUND_SIGMAS 0.5f    /* what policy.h calls 69 %; with 1.0 a scattered Zipf workload stays 2
                              * points below its best, and nothing else gets better */
#define BINS 64u            /* half octaves from RATE_LOWEST */
#define NEVER_MOVED_MS 3600000u

/* What a region's pages are measured against while a view is made. */
struct prior {
	float mean, var;
	float weight[16], sigma[16]; /* by number of samples */
	float log2_speed;
	uint32_t untouched, untouched_carried; /* ticks since armed, and since armed before */
};

struct belief {
	float mean, sigma; /* log2 of the rate */
	unsigned int samples;
};

/* log2 rate and number of samples of a page, with what its silence says; 0 when nothing is known. */
static unsigned int
page_evidence(const struct page_heat *page, const struct prior *prior, float *ret_rate)
{
	uint32_t silent = !page->watched ? 0
	                  : page->carried ? prior->untouched_carried
	                                  : prior->untouched;
	float rate = rate_decode(page->rate) + prior->log2_speed;
	unsigned int samples = page->samples;

	if (silent >= CENSOR_TICKS) {
		float most = log2f(TICKS_PER_S / (float)silent) - GAP_BIAS;

		if (!samples || rate > most) {
			rate = most;
			samples = samples ? samples : 1;
		}
	}
	*ret_rate = rate;
	return samples;
}

static struct belief
page_belief(const struct page_heat *page, const struct prior *prior)
{
	float rate;
	unsigned int samples = page_evidence(page, prior, &rate);
	struct belief belief = {prior->mean, prior->sigma[samples], samples};

	if (samples)
		belief.mean += prior->weight[samples] * (rate - prior->mean);
	return belief;
}

static void
prior_set(struct prior *prior, const struct region *region)
{
	float var = fabsf(region->prior_var);

	prior->mean = region->prior_mean;
	prior->var = var;
	for (int n = 0; n < 16; n++) {
		float noise = n ? GAP_VARIANCE / (float)n : INFINITY;
		float weight = n ? var / (var + noise) : 0;

		prior->weight[n] = weight;
		prior->sigma[n] = sqrtf(var * (1.0f - weight));
	}
}

static void
prior_set_silence(struct prior *prior, struct heat *heat, const struct region *region)
{
	prior->log2_speed = table_tempo(heat, region->pid)->log2_speed;
	prior->untouched = region->armed ? heat->view_tick - region->armed : 0;
	prior->untouched_carried =
		region->armed_before ? heat->view_tick - region->armed_before : prior->untouched;
}

/* Which pages go into one entry: same tier, half octave, number of samples and age, roughly. */
static uint16_t
page_key(const struct heat *heat, const struct page_heat *page, const struct belief *belief)
{
	int bin = (int)((belief->mean - RATE_LOWEST) * 2.0f);
	unsigned int certainty = belief->samples == 0 ? 0 : belief->samples <= 2 ? 1 : 2;
	unsigned int age = 0;

	if (page->moved) {
		unsigned int epochs = (heat->view_epoch + 255u - page->moved) % 255u;

		age = epochs <= 1 ? 2 : epochs <= 15 ? 1 : 0;
	}
	bin = bin < 0 ? 0 : bin >= (int)BINS ? (int)BINS - 1 : bin;
	return (uint16_t)((unsigned int)bin | certainty << 6 | age << 8 | (page->tier & 7u) << 10);
}

static uint32_t
key_age_ms(uint16_t key)
{
	static const uint32_t age_ms[] = {NEVER_MOVED_MS, 30000, 2000, 2000};

	return age_ms[(key >> 8) & 3u];
}

struct spread {
	double pages, regions;
	double mean_sum, mean_square_sum, mean_noise_sum; /* of regions' means, weighted by pages */
	double excess_sum;                                /* of variance within regions */
};

/* The short memory as an observation of a region's mean rate. */
static int
region_rate_evidence(const struct heat *heat, const struct region *region, float *ret_rate,
                     float *ret_var)
{
	float age = (float)(heat->view_tick - region->seen) / TICKS_PER_S;

	if (!region->seen || heat->gaps_known || region->exposure_s <= 0 || age > 60)
		return 0;
	/* Half an event more keeps "never seen" finite. */
	*ret_rate = log2f((region->events + 0.5f) / region->exposure_s);
	*ret_var = RATE_FLOOR_VAR + 2.08f / (region->events + 0.5f);
	return 1;
}

static void
combine(float *mean, float *var, float other_mean, float other_var)
{
	float weight = *var / (*var + other_var);

	*mean += weight * (other_mean - *mean);
	*var *= 1.0f - weight;
}

/* Find the prior of a region's pages, and add to the spreads. prior_var < 0: nothing is known. */
static void
region_prior(struct heat *heat, struct region *region, struct prior *prior, struct spread *spread)
{
	float sum = 0, squares = 0, noise = 0, count = 0, silent = 0, rates = 0;
	float mean = 0, var = -1.0f, within = heat->have_spread ? heat->within_var : 0;
	float rate, rate_var;

	prior_set_silence(prior, heat, region);
	if (region->detail != NO_DETAIL) {
		const struct detail *detail = &heat->details[region->detail];

		for (uint32_t p = 0; p < region_pages(region); p++) {
			unsigned int n;

			if (detail->page[p].tier == HEAT_TIER_ABSENT)
				continue;
			n = page_evidence(&detail->page[p], prior, &rate);
			if (!n)
				continue;
			count += 1;
			silent += !detail->page[p].samples;
			rates += heat->rate_of_code[rate_encode(rate)];
			sum += rate;
			squares += rate * rate;
			noise += GAP_VARIANCE / (float)n;
		}
	} else if (region_is_huge(region)) {
		unsigned int n = page_evidence(&region->whole, prior, &rate);

		if (n) {
			/* The gap of one access to any of its pages. */
			mean = rate - 9.0f;
			var = GAP_VARIANCE / (float)n;
		}
	}
	region->believed = count > 0 ? rates / count : 0;
	if (count > 0) {
		float seen_var, excess, mean_var;

		mean = sum / count;
		seen_var = squares / count - mean * mean;
		excess = seen_var - noise / count;
		within = (fmaxf(excess, 0) * count + within * PRIOR_PAGES) / (count + PRIOR_PAGES);
		mean_var = (within + noise / count) / count + MODEL_VAR;
		silent *= SILENT_OCTAVES / count;
		if (prior->untouched > MATURE_TICKS)
			silent /= 3;
		mean_var += silent * silent;
		spread->pages += count;
		spread->regions += 1;
		spread->mean_sum += mean * count;
		spread->mean_square_sum += mean * mean * count;
		spread->mean_noise_sum += mean_var * count;
		spread->excess_sum += excess * count;
		var = mean_var;
	}
	if (region_rate_evidence(heat, region, &rate, &rate_var)) {
		if (region_is_huge(region))
			rate -= 9.0f;
		mean = rate;
		var = rate_var;
		spread->pages += PRIOR_PAGES;
		spread->mean_sum += mean * PRIOR_PAGES;
		spread->mean_square_sum += mean * mean * PRIOR_PAGES;
		spread->mean_noise_sum += var * PRIOR_PAGES;
	}
	if (var >= 0 && heat->have_spread)
		combine(&mean, &var, heat->overall_mean, fmaxf(heat->between_var, 0.01f));
	/* Before the spreads are known there is no telling noise from heat. */
	if (!heat->have_spread)
		var = -1.0f;
	if (var < 0) {
		/* Never sampled: it may be anything that regions and pages are. */
		region->prior_mean = heat->overall_mean;
		region->prior_var = -(heat->between_var + heat->within_var + GAP_VARIANCE);
	} else {
		region->prior_mean = mean;
		region->prior_var = region_is_huge(region) ? var : var + within;
	}
	prior_set(prior, region);
}

static void
entry_fill(struct sluice_region *entry, const struct region *region, uint32_t tier, uint32_t pages,
           float mean, float sigma, int known)
{
	*entry = (struct sluice_region){
		.addr = region->addr,
		.span_bytes = region->len_bytes,
		.bytes = pages * HEAT_PAGE_BYTES,
		.pid = region->pid,
		.tier = tier,
		.heat = known ? exp2f(mean + 0.3466f * sigma * sigma) : 0,
		.heat_low = known ? exp2f(mean - BOUND_SIGMAS * sigma) : 0,
		.heat_high = known ? exp2f(mean + BOUND_SIGMAS * sigma) : HUGE_VALF,
		.age_ms = NEVER_MOVED_MS,
	};
}

struct group {
	float mean_sum, sigma_sum;
	uint32_t pages;
	uint16_t key;
};

struct view_out {
	struct sluice_region *entries;
	size_t count, capacity;
};

static void
emit(struct heat *heat, struct view_out *out, uint32_t index, const struct sluice_region *entry,
     uint16_t key)
{
	double pages = entry->bytes / (double)HEAT_PAGE_BYTES;

	if (isinf(entry->heat_high))
		heat->unknown_bytes += entry->bytes;
	if (entry->tier < 8) {
		heat->resident_bytes[entry->tier] += entry->bytes;
		heat->access_rate[entry->tier] += pages * (double)entry->heat;
	}
	if (out->count >= out->capacity || out->count >= heat->ref_max)
		return;
	out->entries[out->count] = *entry;
	heat->refs[out->count] = (struct entry_ref){index, key, (uint8_t)entry->tier, 0};
	out->count++;
}

/* One entry a tier for all of a region. */
static void
emit_whole(struct heat *heat, struct view_out *out, uint32_t index, const struct prior *prior)
{
	const struct region *region = &heat->regions[index];

	for (uint32_t tier = 0; tier < 6; tier++) {
		struct sluice_region entry;

		if (!region->resident[tier])
			continue;
		entry_fill(&entry, region, tier, region->resident[tier], prior->mean, prior->sigma[0],
		           region->prior_var >= 0);
		if (region_is_huge(region)) {
			struct belief belief = {prior->mean, prior->sigma[0], 3};

			entry.age_ms = key_age_ms(page_key(heat, &region->whole, &belief));
		}
		emit(heat, out, index, &entry, WHOLE_REGION);
	}
}

/* A region in detail: one entry for each kind of page in it. */
static void
emit_groups(struct heat *heat, struct view_out *out, uint32_t index, const struct prior *prior,
            size_t left)
{
	uint16_t *group_of_key = heat->group_of_key;
	const struct region *region = &heat->regions[index];
	struct detail *detail = &heat->details[region->detail];
	struct group groups[HEAT_REGION_PAGES];
	size_t count = 0;

	for (uint32_t p = 0; p < region_pages(region); p++) {
		struct page_heat *page = &detail->page[p];
		struct belief belief;
		uint16_t key;

		if (page->tier == HEAT_TIER_ABSENT)
			continue;
		/* Stamps wrap after 17 minutes; forget them well before. */
		if (page->moved && (heat->view_epoch + 255u - page->moved) % 255u > 150)
			page->moved = 0;
		belief = page_belief(page, prior);
		key = page_key(heat, page, &belief);
		if (!group_of_key[key]) {
			groups[count] = (struct group){.key = key};
			group_of_key[key] = (uint16_t)++count;
		}
		struct group *group = &groups[group_of_key[key] - 1];

		group->mean_sum += belief.mean;
		group->sigma_sum += belief.sigma;
		group->pages++;
	}
	for (size_t g = 0; g < count; g++)
		group_of_key[groups[g].key] = 0;
	if (count > 64 || out->count + count + left * 2 > out->capacity) {
		emit_whole(heat, out, index, prior);
		return;
	}
	for (size_t g = 0; g < count; g++) {
		struct sluice_region entry;
		float pages = (float)groups[g].pages;
		int known = heat->have_spread &&
		            (region->prior_var >= 0 || ((groups[g].key >> 6) & 3u) > 0);

		entry_fill(&entry, region, (uint32_t)(groups[g].key >> 10) & 7u, groups[g].pages,
		           groups[g].mean_sum / pages, groups[g].sigma_sum / pages, known);
		entry.age_ms = key_age_ms(groups[g].key);
		emit(heat, out, index, &entry, groups[g].key);
	}
}

static void
learn_spread(struct heat *heat, const struct spread *spread)
{
	double mean;

	if (spread->pages < 64)
		return;
	mean = spread->mean_sum / spread->pages;
	heat->overall_mean = (float)mean;
	heat->within_var = (float)fmax(0, spread->excess_sum / spread->pages);
	heat->between_var = (float)fmax(0, spread->mean_square_sum / spread->pages - mean * mean -
	                                           spread->mean_noise_sum / spread->pages);
	heat->have_spread = 1;
}

size_t
heat_view(struct heat *heat, uint64_t now_ns, struct sluice_region *entries, size_t capacity)
{
	struct view_out out = {.entries = entries, .capacity = capacity};
	struct spread spread = {0};

	heat->view_tick = table_tick(heat, now_ns);
	heat->view_epoch = table_epoch(heat->view_tick);
	memset(heat->resident_bytes, 0, sizeof(heat->resident_bytes));
	memset(heat->access_rate, 0, sizeof(heat->access_rate));
	heat->unknown_bytes = 0;
	for (uint32_t i = 0; i < heat->region_count; i++) {
		struct prior prior;

		region_prior(heat, &heat->regions[i], &prior, &spread);
		if (heat->regions[i].detail != NO_DETAIL)
			emit_groups(heat, &out, i, &prior, heat->region_count - i);
		else
			emit_whole(heat, &out, i, &prior);
	}
	learn_spread(heat, &spread);
	heat->ref_count = out.count;
	return out.count;
}

size_t
heat_entry_pages(struct heat *heat, size_t i, uint64_t *addrs, size_t capacity)
{
	const struct entry_ref *ref;
	const struct region *region;
	struct prior prior;
	size_t count = 0;

	if (i >= heat->ref_count)
		return 0;
	ref = &heat->refs[i];
	region = &heat->regions[ref->region];
	if (region_is_huge(region)) {
		if (capacity)
			addrs[count++] = region->addr;
		return count;
	}
	if (region->detail == NO_DETAIL || ref->key == WHOLE_REGION) {
		for (uint32_t p = 0; p < region_pages(region) && count < capacity; p++) {
			if (region->detail == NO_DETAIL ||
			    heat->details[region->detail].page[p].tier == ref->tier)
				addrs[count++] = region->addr + (uint64_t)p * HEAT_PAGE_BYTES;
		}
		return count;
	}
	prior_set_silence(&prior, heat, region);
	prior_set(&prior, region);
	for (uint32_t p = 0; p < region_pages(region) && count < capacity; p++) {
		const struct page_heat *page = &heat->details[region->detail].page[p];
		struct belief belief;

		if (page->tier != ref->tier)
			continue;
		belief = page_belief(page, &prior);
		if (page_key(heat, page, &belief) == ref->key)
			addrs[count++] = region->addr + (uint64_t)p * HEAT_PAGE_BYTES;
	}
	return count;
}

uint64_t
heat_alarms(const struct heat *heat)
{
	return heat->alarms;
}

void
heat_get_stats(const struct heat *heat, struct heat_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->regions = heat->region_count;
	ret->regions_in_detail = heat->detail_max - heat->detail_free_count;
	ret->metadata_bytes = (uint64_t)heat->region_count * sizeof(struct region) * 2 +
	                      (uint64_t)ret->regions_in_detail * sizeof(struct detail) +
	                      heat->ref_count * sizeof(struct entry_ref);
	ret->samples = heat->samples;
	ret->samples_lost = heat->samples_lost;
	ret->alarms = heat->alarms;
	for (uint32_t i = 0; i < heat->region_count; i++)
		ret->tracked_bytes += heat->regions[i].len_bytes;
	memcpy(ret->resident_bytes, heat->resident_bytes, sizeof(ret->resident_bytes));
	ret->unknown_bytes = heat->unknown_bytes;
	memcpy(ret->access_rate, heat->access_rate, sizeof(ret->access_rate));
}
