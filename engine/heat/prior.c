/* SPDX-License-Identifier: Apache-2.0 */
/* prior.c - see prior.h. */
#include <string.h>

#include "kinds.h"
#include "pace.h"

#define WHOLE_PAGES                                                                                \
	32.0f             /* weight in the spreads of a region of which no single pages are known  \
			   */
#define HUGE_OCTAVES 9.0f /* a huge page is 512 */
/* The variance of n gaps' logs is itself uncertain by sqrt(4.4 / n) of it; that of n counts with
 * mean m by sqrt((2 + 1/m) / n). */
#define GAPS_KURTOSIS 4.4f
#define COUNTS_KURTOSIS 2.0f
#define SPREAD_SIGMAS 2.0f
/* How far off a mean may be that rests on silence, since pages differ. */
#define SILENT_OCTAVES 1.0f
#define NO_TOUCH_VAR (2.08f / 0.5f) /* of half an event, in octaves */
#define RATE_FLOOR_VAR 0.25f        /* SAMPLE_RATE is never trusted better than half an octave */

void
prior_set(struct prior *prior, const struct region *region)
{
	prior->mean = region->prior_mean;
	prior->var = fabsf(region->prior_var);
	prior->by_time = region->by_time;
	prior->last.known = 0;
	prior->weight[0] = 0;
	prior->sigma[0] = sqrtf(prior->var);
	for (unsigned int n = 1; region->detail != NO_DETAIL && n <= TOUCHES_FULL; n++) {
		prior->weight[n] = prior->var / (prior->var + variance_of(n, prior->by_time));
		prior->sigma[n] = sqrtf(prior->var * (1.0f - prior->weight[n]));
	}
}

void
prior_set_time(struct prior *prior, const struct region *region, uint64_t tick, uint8_t epoch)
{
	prior->split = region->split;
	prior->epoch = epoch;
	for (int part = 0; part < 2; part++) {
		uint64_t ticks = region->armed[part] ? ticks_since(tick, region->armed[part]) : 0;

		prior->is_silent[part] = ticks > 0;
		if (ticks)
			prior->silent_s[part] = estimate_log_of_ticks(
				pace_since(region, tick, region->armed[part]));
	}
}

/* What is found out of a region: the mean of its pages' log2 rates, and the variance that it is
 * uncertain by; negative when nothing is known. `pages` is its weight among regions. */
struct finding {
	float mean, var, pages;
	float touched; /* pages of which there was a touch */
	float within;  /* variance of pages around the mean */
	/* Weight in the distribution of heats, where that is more: all pages of a region that only
	 * ranges told of. As WHOLE_PAGES a hot set was so little beside cold memory known page by
	 * page that it was taken for cold, from one view to the next. */
	float alike;
};

static void
spread_add(struct spread *spread, const struct finding *finding)
{
	float pages = finding->pages, mean = finding->mean;

	spread->pages += pages;
	spread->mean_sum += mean * pages;
	spread->mean_square_sum += mean * mean * pages;
	spread->mean_noise_sum += finding->var * pages;
	mixture_add(&spread->found, mean, finding->var, fmaxf(pages, finding->alike));
}

static void
combine(struct finding *finding, float other_mean, float other_var)
{
	float weight = finding->var / (finding->var + other_var);

	finding->mean += weight * (other_mean - finding->mean);
	finding->var *= 1.0f - weight;
}

/* A region is credited with a spread of its own as far as that is beyond chance. */
static void
credit(struct finding *finding, float excess, float chance)
{
	float own;

	if (fabsf(excess - finding->within) <= chance)
		return;
	own = chance / (excess - finding->within);
	finding->within =
		fmaxf(finding->within + (excess - finding->within) * (1.0f - own * own), 0);
}

static int
tells_something(const struct page_heat *page)
{
	return page->time || page->watched;
}

/* Gaps between accesses: their logs scatter around the region's mean. */
static void
find_by_gaps(const struct kinds *kinds, struct finding *ret, struct spread *spread)
{
	float sum = 0, squares = 0, noise = 0, count = 0, untouched = 0, silence_s = 0, share;

	for (uint32_t k = 0; k < kinds->count; k++) {
		const struct kind *kind = &kinds->kind[k];
		const struct evidence *evidence = &kind->evidence;
		float rate, pages = kind->pages;

		if (!tells_something(&kind->page))
			continue;
		if (!evidence->touches) {
			/* Marked just now: call it a millisecond rather than none at all. */
			untouched += pages;
			silence_s += pages * (evidence->known ? exp2f(-evidence->rate) : 0.001f);
			continue;
		}
		rate = rate_of(evidence, 0);
		count += pages;
		sum += pages * rate;
		squares += pages * rate * rate;
		noise += pages * touches_variance[evidence->touches];
	}
	ret->touched = count;
	ret->pages = count + untouched;
	if (count > 0) {
		float excess;

		ret->mean = sum / count;
		excess = squares / count - ret->mean * ret->mean - noise / count;
		credit(ret, excess,
		       SPREAD_SIGMAS * (noise / count + ret->within) *
			       sqrtf(GAPS_KURTOSIS / count));
		ret->var = (ret->within + noise / count) / count + HEAT_MODEL_VAR;
		spread->excess_sum += excess * count;
		spread->excess_pages += count;
	}
	if (untouched <= 0)
		return;
	if (count > 0)
		silence_s = untouched * silence_believed_s(untouched, count, silence_s / untouched,
							   exp2f(-ret->mean));
	/* Soon after the marking only the short gaps are over, and their mean is far off.
	 * Touches per time watched is right at any time, if the pages are alike. */
	share = untouched / ret->pages;
	ret->mean = log2f((count + 0.5f) / (count * exp2f(-ret->mean) + silence_s));
	ret->var = fmaxf(ret->var, 0) + (SILENT_OCTAVES * share) * (SILENT_OCTAVES * share) +
		   2.08f / (count + 0.5f);
}

/* Sums over pages of which touches were counted in given times. */
struct counts {
	double pages, touches, seconds, touched;
	double rates, squares, noise;        /* of rates */
	double logs, log_squares, log_noise; /* of those that were touched, log2 */
};

static void
counts_add(struct counts *counts, const struct evidence *evidence, double pages)
{
	double rate = (double)exp2f(evidence->rate), each = rate; /* of all touches, and of one */

	counts->pages += pages;
	if (!evidence->touches) {
		counts->seconds += pages / rate;
		return;
	}
	each /= evidence->touches;
	counts->seconds += pages / each;
	counts->touches += pages * evidence->touches;
	counts->touched += pages;
	counts->rates += pages * rate;
	counts->squares += pages * rate * rate;
	counts->noise += pages * rate * each;
	counts->logs += pages * (double)evidence->rate;
	counts->log_squares += pages * (double)(evidence->rate * evidence->rate);
	counts->log_noise += pages * (double)variance_of(evidence->touches, 1);
}

/* Where times are given, touches are counts, and none is a count too. Rates' variance less that of
 * chance is what they differ by; that of the logs follows, if rates are about log-normal. The logs
 * themselves leave out the pages with no touch, but tell more of pages that differ by very much. */
static void
find_by_time(const struct kinds *kinds, struct finding *ret, struct spread *spread)
{
	struct counts counts = {0};
	double mean, differ, log_mean;
	float noise, excess, log_excess, pages;

	for (uint32_t k = 0; k < kinds->count; k++) {
		const struct kind *kind = &kinds->kind[k];

		if (tells_something(&kind->page) && kind->evidence.known)
			counts_add(&counts, &kind->evidence, kind->pages);
	}
	pages = ret->pages = (float)counts.pages;
	ret->touched = (float)counts.touched;
	if (pages <= 0)
		return;
	if (counts.touched <= 0) {
		ret->mean = log2f((float)(0.5 / counts.seconds));
		ret->var = SILENT_OCTAVES * SILENT_OCTAVES + NO_TOUCH_VAR;
		return;
	}
	mean = counts.rates / counts.pages;
	differ = (counts.squares - counts.noise) / counts.pages / (mean * mean) - 1;
	noise = (float)(counts.noise / counts.pages / (mean * mean)) * NATS_SQUARED;
	excess = (float)(differ > 0 ? log1p(differ) : differ) * NATS_SQUARED;
	log_mean = counts.logs / counts.touched;
	log_excess = (float)((counts.log_squares - counts.log_noise) / counts.touched -
			     log_mean * log_mean);
	if (log_excess > excess && ret->touched > pages / 2) {
		excess = log_excess;
		noise = (float)(counts.log_noise / counts.touched);
	} else {
		log_mean = -HUGE_VAL;
	}
	credit(ret, excess,
	       SPREAD_SIGMAS * (noise + ret->within) *
		       sqrtf((COUNTS_KURTOSIS + pages / (float)counts.touches) / pages));
	ret->mean = fmaxf(log2f((float)mean) - MEAN_OF_LOG * ret->within, (float)log_mean);
	ret->var = (ret->within + noise) / pages + HEAT_MODEL_VAR;
	spread->excess_sum += (double)excess * counts.pages;
	spread->excess_pages += counts.pages;
}

/* One page for all: a huge one, or what was drawn of a region that has no detail. */
static void
find_by_whole(const struct region *region, const struct prior *prior, struct finding *ret)
{
	struct evidence evidence = page_evidence(&region->whole, 0, prior);

	if (!evidence.known)
		return;
	if (evidence.touches) {
		ret->mean = rate_of(&evidence, region->by_time);
		ret->var = variance_of(evidence.touches, region->by_time);
	} else {
		ret->mean = evidence.rate + log2f(0.5f);
		ret->var = SILENT_OCTAVES * SILENT_OCTAVES + NO_TOUCH_VAR;
	}
	ret->pages = WHOLE_PAGES;
	if (region_is_huge(region))
		ret->mean -= HUGE_OCTAVES;
	else
		ret->var += HEAT_MODEL_VAR;
}

/* The short memory as an observation of a region's mean rate. */
static int
short_memory(struct heat *heat, const struct region *region, float *ret_rate, float *ret_var)
{
	float age = (float)ticks_since_when(heat->view_tick, region->seen) / TICKS_PER_S;
	float exposure_s = region->exposure_s;

	/* What single pages told lasts until they are watched again, as it does with detail. */
	if (!region->seen || (age > 60 && !region->fine))
		return 0;
	/* Pages that are watched without detail, and were not touched yet. */
	if (region->fine && region->watched)
		exposure_s += region_silence_s(
			region, region->watched,
			pace_since(region, heat->view_tick, region_armed_last(region)));
	if (exposure_s <= 0)
		return 0;
	/* Half an event more keeps "never seen" finite. */
	*ret_rate = log2f((region->events + 0.5f) / exposure_s);
	*ret_var = RATE_FLOOR_VAR + 2.08f / (region->events + 0.5f);
	if (region_is_huge(region))
		*ret_rate -= HUGE_OCTAVES;
	/* Ranges' rates are by the clock. */
	if (!region->fine)
		*ret_rate -= pace_now(heat, region->pid);
	if (heat->gaps_known && !region->fine) {
		float scale = coarse_scale(&heat->coarse[COARSE_SLOW]);

		/* It sees no more than happens. Where it seems to, the process runs faster than was
		 * found, and the two are compared all the same; of several, one may. */
		*ret_rate -= log2f(heat->pace_count > 1 ? fminf(scale, 1) : scale);
		*ret_var += spread_var(region->spread);
	}
	return 1;
}

static void
find(struct heat *heat, struct region *region, const struct prior *prior,
     const struct pace_view *pace, struct finding *ret, struct spread *spread)
{
	int only_drawn = region->drawn && !region_armed_last(region);
	struct finding whole = {.var = -1};
	float rate, rate_var;

	if (region->detail != NO_DETAIL) {
		kinds_find(heat, region, prior);
		if (region->by_time)
			find_by_time(&heat->kinds, ret, spread);
		else
			find_by_gaps(&heat->kinds, ret, spread);
	}
	/* Detail is made when a region was drawn a few times; until its pages know more than that
	 * it counts. */
	if (region->detail != NO_DETAIL && ret->touched >= WHOLE_PAGES)
		region->whole.time = region->whole.touches = 0;
	else
		find_by_whole(region, prior, &whole);
	if (ret->var < 0) {
		ret->mean = whole.mean;
		ret->var = whole.var;
		ret->pages = fmaxf(ret->pages, whole.pages);
	} else if (whole.var >= 0) {
		combine(ret, whole.mean, whole.var);
	}
	/* Where gaps are, they know better; where pages cannot be marked (see fold.c) there are
	 * none. Of memory that is seldom drawn a coarse tracker may know more. */
	if ((ret->var < 0 || only_drawn) && short_memory(heat, region, &rate, &rate_var)) {
		if (ret->var < 0) {
			ret->mean = rate;
			ret->var = rate_var;
			ret->pages = WHOLE_PAGES;
			ret->alike = region->fine || region_is_huge(region)
					     ? 0
					     : (float)region_pages(region);
		} else {
			combine(ret, rate, rate_var);
		}
	}
	/* Draws are by the clock. */
	if (ret->var >= 0 && only_drawn)
		ret->mean -= pace->shown + pace->leap;
	if (ret->var >= 0 && heat->touches_known)
		ret->var += spread_var(region->page_spread);
}

/* What was found of a region, for the cut line. */
static void
spread_add_cut(struct spread *spread, const struct region *region)
{
	float bin = (region->prior_mean - RATE_LOWEST) * 2;

	if (region->prior_var >= 0)
		spread->bytes[bin < 0               ? 0
			      : bin >= CUT_BINS - 1 ? CUT_BINS - 1
						    : (unsigned int)bin] +=
			(uint64_t)region->pages * HEAT_PAGE_BYTES;
}

void
prior_find(struct heat *heat, struct region *region, struct prior *prior, struct spread *spread)
{
	struct finding finding = {.var = -1, .within = heat->have_spread ? heat->within_var : 0};
	const struct pace_view pace = pace_view(heat, region);
	struct finding alone;

	/* What was learned with detail counts without it, or pages would seem to differ as much as
	 * in those regions that have kept theirs for that. */
	if (heat->have_spread && region->detail == NO_DETAIL && region->differ) {
		finding.within = region_differ_var(region);
		spread->excess_sum += (double)finding.within * region->pages;
		spread->excess_pages += region->pages;
	}
	count_tell(heat, region, heat->view_tick);
	prior_set_time(prior, region, heat->view_tick, heat->view_epoch);
	find(heat, region, prior, &pace, &finding, spread);
	alone = finding;
	if (finding.var >= 0) {
		/* In the process's own time; of a leap nobody knows on which side of it this was.
		 */
		finding.mean += pace.leap;
		finding.var += pace.var;
		spread_add(spread, &finding);
	}
	/* Before the spreads are known there is no telling noise from heat. */
	if (!heat->have_spread)
		finding.var = -1;
	region->alarmed = 0;
	if (finding.var < 0) {
		/* Never sampled: it may be anything that regions and pages are. */
		region->prior_mean = heat->overall_mean;
		region->prior_var = -(heat->between_var + heat->within_var + touches_variance[1]);
	} else {
		/* As if heats were normally distributed: what others are like would make nearly all
		 * look far from the cut line, or even, and their detail would go. */
		combine(&alone, heat->overall_mean, fmaxf(heat->between_var, 0.01f));
		region->one_thing = 1u & (unsigned int)table_is_one_thing(heat, alone.mean,
									  alone.var + alone.within);
		mixture_believe(&heat->mixture, &finding.mean, &finding.var);
		region->prior_mean = finding.mean - pace.leap;
		region->prior_var =
			region_is_huge(region) ? finding.var : finding.var + finding.within;
	}
	spread_add_cut(spread, region);
	prior_set(prior, region);
}

void
spread_join(struct spread *spread, const struct spread *other)
{
	spread->pages += other->pages;
	spread->mean_sum += other->mean_sum;
	spread->mean_square_sum += other->mean_square_sum;
	spread->mean_noise_sum += other->mean_noise_sum;
	spread->excess_sum += other->excess_sum;
	spread->excess_pages += other->excess_pages;
	for (unsigned int bin = 0; bin < CUT_BINS; bin++)
		spread->bytes[bin] += other->bytes[bin];
	mixture_join(&spread->found, &other->found);
}

void
prior_learn_spread(struct heat *heat, const struct spread *spread)
{
	double mean;

	if (spread->pages < 64)
		return;
	mean = spread->mean_sum / spread->pages;
	heat->overall_mean = (float)mean;
	if (spread->excess_pages > 0)
		heat->within_var = (float)fmax(0, spread->excess_sum / spread->excess_pages);
	heat->between_var = (float)fmax(0, spread->mean_square_sum / spread->pages - mean * mean -
						   spread->mean_noise_sum / spread->pages);
	mixture_learn(&heat->mixture, &spread->found, heat->overall_mean,
		      (float)(spread->mean_square_sum / spread->pages - mean * mean));
	heat->have_spread = 1;
	heat->spread_pages = spread->pages;
}

/* Octaves squared, beyond OFF_TIMES what was learned. */
#define OFF_TIMES 4.0
#define OFF_VAR 1.0

int
prior_spread_is_off(const struct heat *heat, const struct spread *spread)
{
	double overall = (double)heat->overall_mean, off_var;

	if (spread->pages < 64 || spread->pages < heat->spread_pages / 2)
		return 0;
	off_var = overall * overall + (spread->mean_square_sum - 2 * overall * spread->mean_sum -
				       spread->mean_noise_sum) /
					      spread->pages;
	return off_var > OFF_TIMES * (double)heat->between_var + OFF_VAR;
}

void
prior_learn_cut(struct heat *heat, const struct spread *spread)
{
	uint64_t room = heat->totals.resident_bytes[0], above = 0;

	heat->have_cut = 0;
	for (unsigned int bin = CUT_BINS; room && bin-- > 0;) {
		above += spread->bytes[bin];
		if (above <= room)
			continue;
		heat->cut_mean = RATE_LOWEST + ((float)bin + 0.5f) / 2;
		heat->have_cut = 1;
		return;
	}
}
