/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - from page estimates to what a policy sees.
 *
 * Empirical Bayes in two levels. A page's few noisy gaps are pulled towards its region's mean, by
 * as much as pages within regions are found to be alike; regions are pulled towards the overall
 * mean likewise. Both spreads are measured, by taking the noise that gaps are known to have (see
 * estimate.h) off the variance that is seen. Pages of a region that end up in the same half octave,
 * tier and state become one entry.
 */
#include <math.h>
#include <string.h>

#include "estimate.h"
#include "table.h"

#define WHOLE_PAGES                                                                                \
	32.0f /* weight in the spreads of a region of which no single pages are known              \
	       */
/* The variance of n gaps' logs is itself uncertain by sqrt(4.4 / n) of it. */
#define SPREAD_KURTOSIS 4.4f
#define SPREAD_SIGMAS 2.0f
/* How far off a mean may be that rests on silence, since pages differ. */
#define SILENT_OCTAVES 1.0f
/* Trackers differ in what they count as an access: the variance of what that makes, in octaves. */
#define OTHER_SCALE_VAR 1.0f
#define RATE_FLOOR_VAR 0.25f /* SAMPLE_RATE is never trusted better than half an octave */
/* What policy.h calls 69 %; with 1.0 a scattered Zipf workload stays 2 points below its best, and
 * nothing else gets better. */
#define BOUND_SIGMAS 0.5f
#define MEAN_OF_LOG 0.3466f    /* ln(2)/2: a variance in octaves raises the mean by this much */
#define BINS 64u               /* half octaves from RATE_LOWEST */
#define SPREAD_TICKS 30000000u /* 30 s, */
#define SPREAD_SAMPLES 32u     /* or so many samples a region */

struct belief {
	float mean, sigma;      /* log2 of the rate */
	unsigned int certainty; /* 0 nothing known, 1 little, 2 more */
};

/* What a region's pages are measured against while a view is made. */
struct prior {
	float mean, var;                                         /* log2 of rates */
	float weight[TOUCHES_FULL + 1], sigma[TOUCHES_FULL + 1]; /* by touches */
	struct evidence last; /* of the last page that was never touched: many are alike */
	struct belief of_last;
	uint32_t split;
	uint8_t epoch;      /* of the view that it is for, as are */
	uint64_t silent[2]; /* ticks since its pages before, and from, `split` on were marked */
};

static struct evidence
page_evidence(const struct page_heat *page, uint32_t p, const struct prior *prior)
{
	return page->watched ? estimate_watched(page, prior->silent[p >= prior->split])
			     : estimate_evidence(page);
}

static struct belief
page_belief(const struct page_heat *page, uint32_t p, struct prior *prior)
{
	struct evidence evidence = page_evidence(page, p, prior);

	if (evidence.touches) {
		float rate = evidence.rate - touches_bias[evidence.touches];

		return (struct belief){
			prior->mean + prior->weight[evidence.touches] * (rate - prior->mean),
			prior->sigma[evidence.touches], evidence.touches <= 2 ? 1 : 2};
	}
	if (!evidence.known)
		return (struct belief){prior->mean, prior->sigma[0], 0};
	if (!prior->last.known || evidence.rate < prior->last.rate ||
	    evidence.rate > prior->last.rate) {
		prior->last = evidence;
		prior->of_last.certainty = 1;
		estimate_silent(evidence.rate, prior->mean, prior->var, &prior->of_last.mean,
				&prior->of_last.sigma);
	}
	return prior->of_last;
}

static void
prior_set(struct prior *prior, const struct region *region)
{
	prior->mean = region->prior_mean;
	prior->var = fabsf(region->prior_var);
	prior->last.known = 0;
	prior->weight[0] = 0;
	prior->sigma[0] = sqrtf(prior->var);
	for (unsigned int n = 1; n <= TOUCHES_FULL; n++) {
		prior->weight[n] = prior->var / (prior->var + touches_variance[n]);
		prior->sigma[n] = sqrtf(prior->var * (1.0f - prior->weight[n]));
	}
}

static void
prior_set_time(struct prior *prior, const struct region *region, uint64_t tick)
{
	prior->split = region->split;
	prior->epoch = table_epoch(tick);
	for (int part = 0; part < 2; part++)
		prior->silent[part] =
			region->armed[part] ? ticks_since(tick, region->armed[part]) : 0;
}

/* Which pages go into one entry: same tier, half octave, number of samples and age, roughly. */
static uint16_t
page_key(const struct prior *prior, const struct page_heat *page, const struct belief *belief)
{
	int bin = (int)((belief->mean - RATE_LOWEST) * 2.0f);
	unsigned int age = 0;

	if (page->moved) {
		unsigned int epochs = (prior->epoch + 255u - page->moved) % 255u;

		age = epochs <= 1 ? 3 : epochs <= 15 ? 2 : 1;
	}
	bin = bin < 0 ? 0 : bin >= (int)BINS ? (int)BINS - 1 : bin;
	return (uint16_t)((unsigned int)bin | belief->certainty << 6 | age << 8 |
			  (page->tier & 7u) << 10);
}

static uint32_t
key_age_ms(uint16_t key)
{
	static const uint32_t age_ms[] = {HEAT_NEVER_MOVED_MS, 180000, 30000, 2000};

	return age_ms[(key >> 8) & 3u];
}

struct spread {
	double pages;
	double mean_sum, mean_square_sum, mean_noise_sum; /* of regions' means, weighted by pages */
	double excess_sum;                                /* of variance within regions */
};

/* A region's mean, with the variance that it is uncertain by. */
static void
spread_add(struct spread *spread, float mean, float var, float pages)
{
	spread->pages += pages;
	spread->mean_sum += mean * pages;
	spread->mean_square_sum += mean * mean * pages;
	spread->mean_noise_sum += var * pages;
}

/* The short memory as an observation of a region's mean rate. */
static int
region_rate_evidence(const struct heat *heat, const struct region *region, float *ret_rate,
		     float *ret_var)
{
	float age = (float)ticks_since(heat->view_tick, region->seen) / TICKS_PER_S;

	if (!region->seen || region->exposure_s <= 0 || age > 60)
		return 0;
	/* Half an event more keeps "never seen" finite. */
	*ret_rate = log2f((region->events + 0.5f) / region->exposure_s);
	*ret_var = RATE_FLOOR_VAR + 2.08f / (region->events + 0.5f);
	if (heat->gaps_known)
		*ret_var += OTHER_SCALE_VAR;
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
	float sum = 0, squares = 0, noise = 0, count = 0;
	float untouched = 0, silence_s = 0;
	float mean = 0, var = -1.0f, within = heat->have_spread ? heat->within_var : 0;
	float rate, rate_var;

	prior_set_time(prior, region, heat->view_tick);
	if (region->detail != NO_DETAIL) {
		const struct detail *detail = &heat->details[region->detail];

		for (uint32_t p = 0; p < region_pages(region); p++) {
			const struct page_heat *page = &detail->page[p];
			struct evidence evidence;

			if (page->tier == HEAT_TIER_ABSENT || (!page->rate && !page->watched))
				continue;
			evidence = page_evidence(page, p, prior);
			if (!evidence.touches) {
				/* Marked just now: call it a millisecond rather than none at all.
				 */
				untouched += 1;
				silence_s += evidence.known ? exp2f(-evidence.rate) : 0.001f;
				continue;
			}
			rate = evidence.rate - touches_bias[evidence.touches];
			count += 1;
			sum += rate;
			squares += rate * rate;
			noise += touches_variance[evidence.touches];
		}
	} else if (region_is_huge(region)) {
		struct evidence evidence = page_evidence(&region->whole, 0, prior);

		/* The gap of one access to any of its pages; or there was none, see below. */
		if (evidence.touches) {
			mean = evidence.rate - touches_bias[evidence.touches] - 9.0f;
			var = touches_variance[evidence.touches];
		} else if (evidence.known) {
			mean = evidence.rate + log2f(0.5f) - 9.0f;
			var = SILENT_OCTAVES * SILENT_OCTAVES + 2.08f / 0.5f;
		}
		if (var >= 0)
			spread_add(spread, mean, var, WHOLE_PAGES);
	}
	if (count > 0) {
		float seen_var, excess, chance;

		mean = sum / count;
		seen_var = squares / count - mean * mean;
		excess = seen_var - noise / count;
		/* A region is credited with a spread of its own as far as that is beyond chance. */
		chance = SPREAD_SIGMAS * (noise / count + within) * sqrtf(SPREAD_KURTOSIS / count);
		if (fabsf(excess - within) > chance) {
			float own = chance / (excess - within);

			within = fmaxf(within + (excess - within) * (1.0f - own * own), 0);
		}
		var = (within + noise / count) / count + HEAT_MODEL_VAR;
		spread->excess_sum += excess * count;
	}
	if (count + untouched > 0) {
		/* Soon after the marking only the short gaps are over, and their mean is far off.
		 * Touches per time watched is right at any time, if the pages are alike. */
		float share = untouched / (count + untouched);

		if (untouched > 0) {
			mean = log2f((count + 0.5f) / (count * exp2f(-mean) + silence_s));
			var = fmaxf(var, 0) + (SILENT_OCTAVES * share) * (SILENT_OCTAVES * share) +
			      2.08f / (count + 0.5f);
		}
		count += untouched;
		spread_add(spread, mean, var, count);
	}
	/* Where gaps are, they know better; where pages cannot be marked (see fold.c) there are
	 * none. */
	if (var < 0 && region_rate_evidence(heat, region, &rate, &rate_var)) {
		if (region_is_huge(region))
			rate -= 9.0f;
		mean = rate;
		var = rate_var;
		spread_add(spread, mean, var, WHOLE_PAGES);
	}
	if (var >= 0 && heat->have_spread)
		combine(&mean, &var, heat->overall_mean, fmaxf(heat->between_var, 0.01f));
	/* Before the spreads are known there is no telling noise from heat. */
	if (!heat->have_spread)
		var = -1.0f;
	if (var < 0) {
		/* Never sampled: it may be anything that regions and pages are. */
		region->prior_mean = heat->overall_mean;
		region->prior_var = -(heat->between_var + heat->within_var + touches_variance[1]);
	} else {
		region->prior_mean = mean;
		region->prior_var = region_is_huge(region) ? var : var + within;
	}
	region->believed = var < 0 ? 0 : exp2f(mean + MEAN_OF_LOG * within);
	prior_set(prior, region);
}

static void
entry_fill(struct sluice_region *entry, const struct region *region, uint32_t tier, uint32_t pages,
	   float mean, float sigma, int known)
{
	float off = BOUND_SIGMAS * sigma;

	*entry = (struct sluice_region){
		.addr = region->addr,
		.span_bytes = region->len_bytes,
		.bytes = pages * HEAT_PAGE_BYTES,
		.pid = region->pid,
		.tier = tier,
		.heat = known ? exp2f(mean + MEAN_OF_LOG * sigma * sigma) : 0,
		.heat_low = known ? exp2f(mean - off) : 0,
		.heat_high = known ? exp2f(mean + off) : HUGE_VALF,
		.age_ms = HEAT_NEVER_MOVED_MS,
	};
}

struct group {
	float mean_sum, sigma_sum;
	uint32_t pages;
	uint16_t key;
};

static void
emit(struct heat *heat, uint32_t index, const struct sluice_region *entry, uint16_t key)
{
	double pages = entry->bytes / (double)HEAT_PAGE_BYTES;

	if (isinf(entry->heat_high))
		heat->unknown_bytes += entry->bytes;
	if (entry->tier < 8) {
		heat->resident_bytes[entry->tier] += entry->bytes;
		heat->access_rate[entry->tier] += pages * (double)entry->heat;
	}
	if (heat->entry_count >= heat->entry_max)
		return;
	heat->entries[heat->entry_count] = *entry;
	heat->refs[heat->entry_count] = (struct entry_ref){index, key, (uint8_t)entry->tier};
	heat->entry_count++;
}

/* Stamps wrap after 17 minutes; forget them well before. */
static void
forget_move(const struct prior *prior, struct page_heat *page)
{
	if (page->moved && (prior->epoch + 255u - page->moved) % 255u > 150)
		page->moved = 0;
}

/* One entry a tier for all of a region. */
static void
emit_whole(struct heat *heat, uint32_t index, const struct prior *prior)
{
	struct region *region = &heat->regions[index];
	struct belief belief = {prior->mean, prior->sigma[0], 2};
	uint32_t age_ms;

	forget_move(prior, &region->whole);
	age_ms = key_age_ms(page_key(prior, &region->whole, &belief));

	for (uint32_t tier = 0; tier < 6; tier++) {
		struct sluice_region entry;

		if (!region->resident[tier])
			continue;
		entry_fill(&entry, region, tier, region->resident[tier], prior->mean,
			   prior->sigma[0], region->prior_var >= 0);
		entry.age_ms = age_ms;
		emit(heat, index, &entry, WHOLE_REGION);
	}
}

/* A region in detail: one entry for each kind of page in it. */
static void
emit_groups(struct heat *heat, uint32_t index, struct prior *prior)
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
		forget_move(prior, page);
		belief = page_belief(page, p, prior);
		key = page_key(prior, page, &belief);
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
	/* Two entries for each region are kept free, so that the last ones are seen too. */
	if (count > 64 ||
	    heat->entry_count + count + (size_t)heat->region_count * 2 > heat->entry_max) {
		emit_whole(heat, index, prior);
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
		emit(heat, index, &entry, groups[g].key);
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

/* A region of which nothing was heard keeps its entries, for a while: most regions most of the
 * time. Silence says more the longer it lasts, but only in proportion. */
#define RENEW_TICKS 2000000u

static uint64_t
renew_at(const struct heat *heat, const struct region *region)
{
	uint64_t armed = region_armed_last(region);
	uint64_t silence = armed ? ticks_since(heat->view_tick, armed) : 0;

	return heat->view_tick + (silence / 4 > RENEW_TICKS ? silence / 4 : RENEW_TICKS);
}

static int
is_fresh(const struct heat *heat, const struct region *region)
{
	return region->renew && heat->view_tick < region->renew && !heat->all_renewed;
}

static void
emit_again(struct heat *heat, uint32_t index, const struct region *region)
{
	for (uint32_t e = 0; e < region->entry_count; e++) {
		const struct entry_ref *ref = &heat->old_refs[region->first_entry + e];

		emit(heat, index, &heat->old_entries[region->first_entry + e], ref->key);
	}
}

static void
swap_views(struct heat *heat)
{
	struct sluice_region *entries = heat->entries;
	struct entry_ref *refs = heat->refs;

	heat->entries = heat->old_entries;
	heat->refs = heat->old_refs;
	heat->old_entries = entries;
	heat->old_refs = refs;
	heat->entry_count = 0;
}

const struct sluice_region *
heat_view(struct heat *heat, uint64_t now_ns, size_t *ret_count)
{
	struct spread spread = {0};
	int priors_due;

	swap_views(heat);
	heat->view_tick = table_tick(heat, now_ns);
	memset(heat->resident_bytes, 0, sizeof(heat->resident_bytes));
	memset(heat->access_rate, 0, sizeof(heat->access_rate));
	heat->unknown_bytes = 0;
	/* The spreads need all regions, so now and then all are done anew. */
	priors_due = !heat->have_spread || heat->view_tick - heat->spread_tick > SPREAD_TICKS ||
		     heat->samples - heat->spread_samples > heat->region_count * SPREAD_SAMPLES;
	heat->all_renewed = priors_due;
	for (uint32_t i = 0; i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];
		uint32_t first = (uint32_t)heat->entry_count;
		struct prior prior;

		if (is_fresh(heat, region)) {
			emit_again(heat, i, region);
		} else {
			region_prior(heat, region, &prior, &spread);
			if (region->detail != NO_DETAIL)
				emit_groups(heat, i, &prior);
			else
				emit_whole(heat, i, &prior);
			region->viewed = heat->view_tick;
			/* Without the spreads nothing is known; the next view has them. */
			region->renew = heat->have_spread ? renew_at(heat, region) : 0;
		}
		region->first_entry = first;
		region->entry_count = (uint16_t)(heat->entry_count - first);
	}
	if (priors_due) {
		learn_spread(heat, &spread);
		heat->spread_tick = heat->view_tick;
		heat->spread_samples = heat->samples;
	}
	*ret_count = heat->entry_count;
	return heat->entries;
}

size_t
heat_entry_pages(const struct heat *heat, size_t i, uint64_t *addrs, size_t capacity)
{
	const struct entry_ref *ref;
	const struct region *region;
	struct prior prior;
	size_t count = 0;

	if (i >= heat->entry_count)
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
	/* The entry may be of an earlier view; then and now its pages are those of then. */
	prior_set_time(&prior, region, region->viewed);
	prior_set(&prior, region);
	for (uint32_t p = 0; p < region_pages(region) && count < capacity; p++) {
		const struct page_heat *page = &heat->details[region->detail].page[p];
		struct belief belief;

		if (page->tier != ref->tier)
			continue;
		belief = page_belief(page, p, &prior);
		if (page_key(&prior, page, &belief) == ref->key)
			addrs[count++] = region->addr + (uint64_t)p * HEAT_PAGE_BYTES;
	}
	return count;
}

uint32_t
heat_entry_unit(const struct heat *heat, size_t i)
{
	return i < heat->entry_count && region_is_huge(&heat->regions[heat->refs[i].region])
		       ? HEAT_REGION_BYTES
		       : HEAT_PAGE_BYTES;
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
	ret->metadata_bytes =
		(uint64_t)heat->region_count * sizeof(struct region) * 2 +
		(uint64_t)ret->regions_in_detail * sizeof(struct detail) +
		heat->entry_count * 2 * (sizeof(struct entry_ref) + sizeof(struct sluice_region));
	ret->samples = heat->samples;
	ret->samples_lost = heat->samples_lost;
	ret->alarms = heat->alarms;
	for (uint32_t i = 0; i < heat->region_count; i++)
		ret->tracked_bytes += heat->regions[i].len_bytes;
	memcpy(ret->resident_bytes, heat->resident_bytes, sizeof(ret->resident_bytes));
	ret->unknown_bytes = heat->unknown_bytes;
	memcpy(ret->access_rate, heat->access_rate, sizeof(ret->access_rate));
	ret->within_var = heat->within_var;
	ret->between_var = heat->between_var;
}
