/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - what a tracker of ranges tells: a region's short memory, and alarms. */
#include "coarse_pace.h"
#include "fold.h"
#include "log.h"

/* Half-life of the short memory: seconds, or as many looks as say something together. */
#define RATE_HALF_LIFE_TICKS (4.0f * TICKS_PER_S)
#define RATE_HALF_LIFE_SAMPLES 8.0f
/* Where single pages were told of so lately, ranges' rates add nothing but alarms. How much a
 * tracker of ranges sees changes with how often TLBs are flushed, and that with how much is marked:
 * hot memory that was no longer marked seemed to grow cold within seconds. */
#define FINE_TICKS 600000000u
/* Trackers differ in what they count as an access. */
#define OTHER_SCALE_OCTAVES 1.0f
#define SPREAD_LEAST 0.25f
#define WIDE_OCTAVES 0.25f /* for each doubling of a sample beyond a region */
/* Accesses of a page between two looks at its bit, of which these tell one at most: where there are
 * so many on average, some pages are much hotter than bits tell. */
#define SATURATED 0.1f

/* So many events in so much watching, older ones by their half-life. */
static void
region_remember(struct region *region, float events, float exposure_s, float half_life_ticks,
		uint64_t tick)
{
	float keep = exp2f(-(float)ticks_since_when(tick, region->seen) / half_life_ticks);

	if (!region->seen)
		keep = 0;
	region->events = region->events * keep + events;
	region->exposure_s = region->exposure_s * keep + exposure_s;
	if (!region->seen || ticks_since_when(tick, region->seen))
		region->seen = when_of(tick);
}

void
region_remember_gaps(struct region *region, float events, float exposure_s, uint64_t tick)
{
	if (!region->fine)
		region->seen = 0; /* what ranges told is on another scale */
	region->fine = 1;
	region_remember(region, events, exposure_s, RATE_HALF_LIFE_TICKS, tick);
}

float
region_silence_s(const struct region *region, uint32_t waiting, uint64_t ticks)
{
	float silence_s = (float)ticks / TICKS_PER_S, count = (float)waiting;
	float others = -count;

	for (uint32_t tier = 0; tier < 6; tier++)
		others += (float)region->resident[tier];
	if (region->fine && region->events > 0)
		silence_s = silence_believed_s(count, others, silence_s,
					       region->exposure_s / region->events);
	return count * silence_s;
}

/* How far a region's rate may be from that of a sample which is in another tracker's words, and of
 * more memory than the region: hot memory makes cold memory beside it look hot. */
static float
spread_of(const struct sample *sample)
{
	float own = sample->spread > 0 ? fmaxf(sample->spread, SPREAD_LEAST) : OTHER_SCALE_OCTAVES;
	float regions = (float)sample->len_bytes / HEAT_REGION_BYTES;

	return regions > 1 ? hypotf(own, WIDE_OCTAVES * log2f(regions)) : own;
}

static void
region_rate(struct heat *heat, struct region *region, const struct sample *sample, uint64_t tick)
{
	if (region->fine && ticks_since_when(tick, region->seen) < FINE_TICKS)
		return;
	if (region->fine)
		region->seen = 0;
	region->fine = 0;
	region->spread = 15u & spread_code(spread_of(sample));
	region_remember(region, sample->events, sample->exposure_s,
			fmaxf(RATE_HALF_LIFE_TICKS,
			      RATE_HALF_LIFE_SAMPLES * sample->exposure_s * TICKS_PER_S),
			tick);
	if (!heat->gaps_known)
		region_renew(heat, region);
}

/* A coarse tracker may see far more than the pages' estimates, which last, predict: then the
 * program has changed its ways, and the estimates must give way to new gaps at once. Far less is no
 * alarm: trackers that clear accessed bits without flushing TLBs miss accesses. One look at few
 * pages may be chance, so evidence is added up for each region: how much likelier it is that the
 * region is hotter by ALARM_TIMES than that it is as hot as believed, as a logarithm. */
#define ALARM_TIMES 4.0f
#define SUSPICION_UNIT (1.0f / 1024)
/* A sample that says so much for "far hotter", as a logarithm, and stands out from all memory,
 * tells nothing of how much the tracker sees: by a hot set that had come to cold memory the scale
 * rose fourfold in two seconds, which hid it. */
#define SUSPECT_LEAST 2.0f
#define COARSE_SURE_VAR 0.5f /* of what is believed, octaves squared, to learn from it */
/* Memory is cold that is believed to be accessed at most so many octaves more often than what is
 * watched, whose mean is one of logs, by bytes: that of rates is hot memory's, and so is that of a
 * tracker's ranges, which are small where heat differs. */
#define COARSE_COLD_OCTAVES 0.6f
#define COARSE_MEAN_STEP 0.005f
/* The same, where the mean of much memory is compared: here what is believed of cold memory may be
 * off by more. */
#define PACE_COLD_OCTAVES 1.5f
#define PACE_SURE_VAR 2.0f
#define SURE_SHARE 0.75f /* of a sample, for it to tell a process's pace */

/* What is known stays, but the next gaps weigh more; when there is no doubt that there is heat
 * where there was none, the next one that does not fit replaces it. False alarms must not cost more
 * than a little noise: cold memory was swapped for cold memory after them. */
static void
page_doubt(struct page_heat *page, int certain)
{
	estimate_shorten(page, 4);
	if (certain)
		page->doubted = 1;
}

/* The coarse tracker sees less than happens, and much less where TLBs are large, as accesses that
 * hit them leave no trace. How much it sees is learned from memory that is no hotter than most, of
 * which it sees each access that it can see, and whose pages were watched one by one. What grew
 * hotter must not make the others look cold, so what is seen of each counts up to twice what was to
 * be expected. */
static void
learn_coarse_scale(struct heat *heat, const struct sample *sample, float expected)
{
	/* Of so many expected accesses, about, the scale is the mean. */
	static const float most_expected[COARSE_SPEEDS] = {[COARSE_SLOW] = 200, [COARSE_FAST] = 50};

	for (int i = 0; i < COARSE_SPEEDS; i++) {
		struct coarse *coarse = &heat->coarse[i];
		float most = 2 * (expected * coarse_scale(coarse) + 1);
		float keep = most_expected[i] / (most_expected[i] + expected);

		coarse->seen = keep * coarse->seen + fminf(sample->events, most);
		coarse->expected = keep * coarse->expected + expected;
	}
}

/* What is believed of the regions that a sample covers, by their bytes. */
struct covered {
	float believed, bytes;
	float hottest;    /* region of them */
	float slow_bytes; /* of these, of regions in slow memory, */
	float sure_bytes; /* and of those that are watched page by page */
	int all_watched;  /* page by page, so that the coarse tracker's scale can be learned: not
			   * drawn memory, of which that tracker is believed too */
	int saturated;    /* all that is known of some is that it is at least so hot */
};

static int
is_before_end(const struct heat *heat, uint32_t i, const struct sample *sample)
{
	return i < heat->region_count && heat->regions[i].pid == sample->pid &&
	       heat->regions[i].addr < sample->addr + sample->len_bytes;
}

static int
is_inside(const struct region *region, const struct sample *sample)
{
	uint64_t middle = region->addr + region_pages(region) * (HEAT_PAGE_BYTES / 2u);

	return middle >= sample->addr && middle <= sample->addr + sample->len_bytes;
}

/* So many bytes are watched of which log2 of their rate is believed to be this. */
static float
learn_coarse_mean(struct coarse_mean *mean, float bytes, float rate)
{
	mean->bytes += COARSE_MEAN_STEP * (bytes - mean->bytes);
	mean->rates += COARSE_MEAN_STEP * (bytes * rate - mean->rates);
	return mean->rates / mean->bytes;
}

/* Whether all that the sample covers is cold, as far as memory goes that is watched. */
static int
learn_cold(struct heat *heat, const struct covered *covered)
{
	float mean =
		learn_coarse_mean(&heat->coarse_mean, covered->bytes, log2f(covered->believed));

	return log2f(covered->hottest) < mean + COARSE_COLD_OCTAVES;
}

static void
learn_coarse_pace(struct heat *heat, const struct sample *sample, const struct covered *covered,
		  float expected, uint64_t tick)
{
	float now = pace_now(heat, sample->pid), usual = log2f(covered->believed) - now;
	struct pace *pace = pace_find(heat, sample->pid);

	if (!pace || covered->sure_bytes < SURE_SHARE * covered->bytes)
		return;
	if (usual >=
	    learn_coarse_mean(&pace->coarse_mean, covered->bytes, usual) + PACE_COLD_OCTAVES)
		return;
	coarse_pace_seen(pace, sample->events, expected * exp2f(-now), tick);
}

/* What a sample says for "far hotter than believed". */
static float
suspicion_of(struct heat *heat, const struct sample *sample, float expected)
{
	/* All memory at once, up to about twice: the program is faster, or the tracker sees more.
	 */
	float scale = fmaxf(fmaxf(coarse_scale(&heat->coarse[COARSE_SLOW]),
				  coarse_scale(&heat->coarse[COARSE_FAST])),
			    coarse_pace_scale(heat, sample->pid));

	return sample->events * logf(ALARM_TIMES) - (ALARM_TIMES - 1) * (expected * scale + 0.02f);
}

static float
region_suspicion(const struct region *region)
{
	return (float)region->suspicion * SUSPICION_UNIT;
}

/* When effort is low the kernel marks pages again only after half a minute. If none was marked for
 * a while, and what the coarse tracker saw lately leaves no doubt, its word counts until then.
 * There is doubt where it sees of most memory as much: then the program is faster than it was when
 * its pages were marked, and one sample of much memory would have all of it look hot. */
#define COARSE_WORD_TICKS 4000000u
#define COARSE_WORD_OCTAVES 1.0f
#define SEEN_PASSES 4.0f

static float
seen_log(const struct region *region)
{
	return log2f((region->events + 0.5f) / region->exposure_s);
}

/* A mean over the last SEEN_PASSES or so over all memory. */
static void
learn_seen(struct heat *heat, const struct region *region, float bytes)
{
	float part = fminf(bytes / (SEEN_PASSES * (float)heat->tracked_bytes + 1), 1);

	if (region->exposure_s <= 0)
		return;
	heat->seen_weight += part * (1 - heat->seen_weight);
	heat->seen_rates += part * (seen_log(region) - heat->seen_rates);
}

/* It sees far more of this memory than of all, on average. */
static int
stands_out(const struct heat *heat, const struct sample *sample)
{
	return heat->seen_weight > 0 && sample->exposure_s > 0 &&
	       log2f((sample->events + 0.5f) / sample->exposure_s) >
		       heat->seen_rates / heat->seen_weight + COARSE_WORD_OCTAVES;
}

static int
coarse_word_counts(struct heat *heat, const struct region *region, uint64_t tick)
{
	return region->detail != NO_DETAIL && region_suspicion(region) > ALARM_LOG &&
	       ticks_since(tick, region_armed_last(region)) > COARSE_WORD_TICKS &&
	       region->events > ALARM_TIMES * region_believed(heat, region) * region->exposure_s *
					coarse_scale(&heat->coarse[COARSE_FAST]) &&
	       heat->seen_weight > 0 &&
	       seen_log(region) > heat->seen_rates / heat->seen_weight + COARSE_WORD_OCTAVES;
}

void
region_alarmed(struct heat *heat, struct region *region, int certain, uint64_t tick)
{
	int forget = coarse_word_counts(heat, region, tick);

	region_renew(heat, region);
	region->alarmed = 1; /* until the next view; one is enough */
	region->suspicion = 0;
	page_doubt(&region->whole, certain);
	for (uint32_t p = 0; region->detail != NO_DETAIL && p < region_pages(region); p++) {
		struct page_heat *page = &heat->details[region->detail].page[p];

		if (forget)
			page->time = page->touches = page->watched = 0;
		else
			page_doubt(page, certain);
	}
}

static void
raise_alarm(struct heat *heat, const struct sample *sample, uint32_t first, int certain,
	    uint64_t tick)
{
	heat->alarms++;
	for (uint32_t i = first; is_before_end(heat, i, sample); i++)
		region_alarmed(heat, &heat->regions[i], certain, tick);
}

/* Add up for each region that the sample covers; the most of any of them. */
static float
suspect(struct heat *heat, const struct sample *sample, uint32_t first, float suspicion)
{
	float most = 0, sum;

	for (uint32_t i = first; is_before_end(heat, i, sample); i++) {
		struct region *region = &heat->regions[i];

		if (!is_inside(region, sample))
			continue;
		sum = fmaxf(region_suspicion(region) + suspicion, 0);
		region->suspicion = (uint16_t)fminf(sum / SUSPICION_UNIT, (float)UINT16_MAX);
		most = fmaxf(most, sum);
	}
	return most;
}

static void
covered_add(struct covered *covered, struct heat *heat, const struct region *region, float bytes)
{
	float believed = region_believed(heat, region);
	int is_armed = region_armed_last(region) != 0;

	if (believed <= 0) {
		covered->all_watched = 0;
		return;
	}
	covered->believed += believed * bytes;
	covered->bytes += bytes;
	covered->hottest = fmaxf(covered->hottest, believed);
	covered->slow_bytes += region_is_slow(region) ? bytes : 0;
	covered->sure_bytes += is_armed && region->prior_var < PACE_SURE_VAR ? bytes : 0;
	covered->all_watched &= is_armed && region->prior_var < COARSE_SURE_VAR;
	covered->saturated |= region->by_bits && believed * heat->seen_gap_s > SATURATED;
}

/* Regions that lie at least by half in a rate's range get it as a whole: trackers' ranges are not
 * aligned to ours, and a sliver says little about the rest. */
void
fold_rate(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	uint64_t end = sample->addr + sample->len_bytes;
	int64_t first = table_next(heat, sample->pid, sample->addr);
	struct covered covered = {.all_watched = 1};
	float expected, suspicion;
	int known = 0, is_cold;
	const struct region *whole = NULL; /* the first that the sample was folded into */

	for (uint32_t i = (uint32_t)first; first >= 0 && i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];
		uint64_t own_end = region_end(region);
		uint64_t addr = region->addr > sample->addr ? region->addr : sample->addr;
		uint64_t covered_end = own_end < end ? own_end : end;

		if (region->pid != sample->pid || region->addr >= end)
			break;
		if ((covered_end - addr) * 2 < region_end(region) - region->addr)
			continue;
		known = 1;
		region_rate(heat, region, sample, tick);
		if (!whole && !region->fine)
			whole = region;
		covered_add(&covered, heat, region, (float)(covered_end - addr));
	}
	heat->samples_lost += !known;
	if (whole)
		learn_seen(heat, whole, (float)sample->len_bytes);
	if (covered.bytes <= 0 || covered.saturated)
		return;
	covered.believed /= covered.bytes;
	expected = covered.believed * sample->exposure_s;
	suspicion = suspicion_of(heat, sample, expected);
	is_cold = covered.all_watched && learn_cold(heat, &covered);
	if (!(suspicion > SUSPECT_LEAST && stands_out(heat, sample))) {
		if (is_cold)
			learn_coarse_scale(heat, sample, expected);
		learn_coarse_pace(heat, sample, &covered, expected, tick);
	}
	/* Nothing is to be done about heat in fast memory. */
	if (covered.slow_bytes * 2 < covered.bytes)
		return;
	if (suspect(heat, sample, (uint32_t)first, suspicion) <= ALARM_LOG)
		return;
	log_debug("heat",
		  "process %d, %llu KiB at %#llx: seen accessed %.1f times in %.2f s, believed "
		  "%.2f/s; it sees %.2f of that",
		  sample->pid, (unsigned long long)(sample->len_bytes >> 10),
		  (unsigned long long)sample->addr, (double)sample->events,
		  (double)sample->exposure_s, (double)covered.believed,
		  (double)coarse_scale(&heat->coarse[COARSE_FAST]));
	raise_alarm(heat, sample, (uint32_t)first, suspicion > ALARM_LOG / 2, tick);
}
