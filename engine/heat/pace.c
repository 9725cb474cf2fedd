/* SPDX-License-Identifier: Apache-2.0 */
/* pace.c - see pace.h. */
#include "pace.h"

#include <stdlib.h>

#include "coarse_pace.h"
#include "log.h"

#define PACE_UNITS 256.0f /* of region.usual and .pace, in an octave */
#define LASTING_UNITS 8.0f
#define PAGES_UNIT 17u /* 512 of them are 30 */
/* So many touches tell a region's rate to a sixth. */
#define TOUCHES 32u
/* Sooner than that, the faults themselves take as long as the gaps; later, they tell of a pace that
 * is gone. */
#define SOONEST_TICKS 20000u
#define LATEST_TICKS 2000000u
#define MOMENT_TICKS 2000000u /* a pace lasts so long, ... */
#define FRESH_TICKS 10000000u /* ... and is not believed for more */
/* Regions that tell one pace: so many, in so long, tell it to a fifth of an octave. */
#define WINDOW_REGIONS 4u
#define WINDOW_TICKS 50000u
#define STALE_TICKS 1000000u /* too few in so long tell nothing */
/* It counts if such a share of them is so near to their median. */
#define AGREE_SHARE 0.6f
#define AGREE_OCTAVES 0.75f
/* A leap takes some more of them, if there are: a few in one place may have grown so much hotter.
 */
#define LEAP_OCTAVES 1.5f
#define LEAP_REGIONS 6u
#define OWN_OCTAVES 1.5f /* further from the pace a region's own heat has changed */
/* Octaves squared. Of the touches of one region, twice: now, and when it was learned what is
 * usual. */
#define CHANCE_VAR 0.13f
#define UNREST_FIRST 0.02f /* until it is known */
#define UNREST_MOST 1.0f
/* Besides, of a region of which it was told once what is usual: at what pace that was is told by
 * the others of that moment, and at first by nobody. Cold memory was swapped for cold memory that
 * differed by it. */
#define FIRST_VAR 0.8f
#define JITTER_STEP 0.05f
#define UNREST_STEP 0.03f                /* part of it that one region's marking makes up */
#define USUAL_TIMES 5u                   /* markings that what is usual is the mean of */
#define LASTS_TICKS (5.0f * TICKS_PER_S) /* half-life of the lasting pace */
/* What a window tells after a long silence is the pace of a moment, not that of all the time. By
 * one of them all memory was shown so much colder or hotter that hot and cold changed places. */
#define ONE_TELLS_TICKS (2.5f * TICKS_PER_S)
/* Views show what pages are worth from now on, beside those of other processes: the mean pace over
 * a minute. It begins anew when the lasting pace is so far from it, and, while it is young, until
 * the present one is near the lasting one. */
#define MEAN_TICKS (60.0f * TICKS_PER_S)
#define MEAN_OFF 1.0f
#define MEAN_NEAR 0.5f
#define SHOWN_OFF 0.2f /* less is not shown, as it renews all entries */
#define PACE_MOST 8.0f /* octaves */
#define LEAP_LEAST 0.75f
#define LEAP_KEPT_TICKS 120000000u /* or until one as large */

struct pace *
pace_find(struct heat *heat, int32_t pid)
{
	if (heat->paceless == pid)
		return NULL;
	if (heat->last_pace < heat->pace_count && heat->paces[heat->last_pace].pid == pid)
		return &heat->paces[heat->last_pace];
	for (uint32_t i = 0; i < heat->pace_count; i++) {
		if (heat->paces[i].pid == pid) {
			heat->last_pace = i;
			return &heat->paces[i];
		}
	}
	heat->paceless = pid;
	return NULL;
}

static struct pace *
pace_make(struct heat *heat, int32_t pid)
{
	struct pace *pace = pace_find(heat, pid);

	if (pace || heat->pace_count == HEAT_PACES_MAX)
		return pace;
	heat->paceless = 0;
	heat->last_pace = heat->pace_count++;
	pace = &heat->paces[heat->last_pace];
	*pace = (struct pace){.pid = pid, .unrest = UNREST_FIRST + CHANCE_VAR};
	return pace;
}

void
pace_forget(struct heat *heat, int32_t pid)
{
	struct pace *pace = pace_find(heat, pid);

	if (pace)
		*pace = heat->paces[--heat->pace_count];
}

static float
now_of(const struct pace *pace, uint64_t tick)
{
	return ticks_since(tick, pace->told) < FRESH_TICKS ? pace->now : pace->lasting;
}

float
pace_now(struct heat *heat, int32_t pid)
{
	const struct pace *pace = pace_find(heat, pid);

	return pace ? now_of(pace, heat->latest_tick) : 0;
}

static int16_t
pace_code(float octaves)
{
	return (int16_t)lrintf(octaves * PACE_UNITS);
}

void
pace_armed(struct heat *heat, struct region *region, int part)
{
	const struct pace *pace = pace_find(heat, region->pid);

	region->pace[part] = pace ? pace_code(now_of(pace, heat->latest_tick)) : 0;
	region->lasting = pace ? (int8_t)lrintf(pace->lasting * LASTING_UNITS) : 0;
}

uint64_t
pace_since(const struct region *region, uint64_t tick, uint64_t armed)
{
	uint64_t ticks = ticks_since(tick, armed),
		 moment = ticks < MOMENT_TICKS ? ticks : MOMENT_TICKS;
	int16_t code = region->pace[armed != region->armed[0]];
	float own = (float)moment;

	if (code)
		own *= exp2f((float)code / PACE_UNITS);
	if (ticks > moment)
		own += (float)(ticks - moment) * exp2f((float)region->lasting / LASTING_UNITS);
	return (uint64_t)own;
}

static float
unrest_of(const struct pace *pace)
{
	return fmaxf(pace->unrest - CHANCE_VAR, 0);
}

static float
unrest_capped(const struct pace *pace)
{
	return fminf(unrest_of(pace), UNREST_MOST);
}

/* What one marking is uncertain by: regions beside each other, and all of them together. */
static float
marking_var(const struct pace *pace)
{
	return unrest_capped(pace) + fminf(pace->jitter, UNREST_MOST);
}

/* It was marked before the pace leapt, or after it: nobody knows. Or what leapt was not the pace,
 * but the heat of those regions that told. */
static int
is_in_leap(const struct pace *pace, const struct region *region)
{
	uint64_t armed = region_armed_last(region);

	return armed > pace->leap_from && armed < pace->leap_to;
}

struct pace_view
pace_view(struct heat *heat, const struct region *region)
{
	const struct pace *pace = pace_find(heat, region->pid);
	struct pace_view view = {0, 0, 0};
	float unrest;

	if (!pace)
		return view;
	view.shown = pace->shown;
	if (is_in_leap(pace, region)) {
		view.leap = -pace->leap / 2;
		view.var = pace->leap * pace->leap / 4;
	}
	unrest = marking_var(pace) + (region->usual_times == 1 ? FIRST_VAR : 0);
	view.var += unrest / (float)(region->usual_times + 1u);
	return view;
}

float
pace_unrest_times(struct heat *heat, int32_t pid)
{
	const struct pace *pace = pace_find(heat, pid);

	return pace ? exp2f(2 * sqrtf(unrest_capped(pace))) : 1;
}

float
pace_var_mean(const struct heat *heat)
{
	float sum = 0;

	for (uint32_t i = 0; i < heat->pace_count; i++)
		sum += marking_var(&heat->paces[i]);
	return heat->pace_count ? sum / (float)(heat->pace_count * USUAL_TIMES) : 0;
}

/* From `before` to `pace->now`, some time before `tick`. */
static void
leapt(struct heat *heat, struct pace *pace, float before, uint64_t tick)
{
	int64_t first = table_next(heat, pace->pid, 0);
	float leap = pace->now - before;

	if (fabsf(leap) < LEAP_LEAST ||
	    (fabsf(leap) < fabsf(pace->leap) && ticks_since(tick, pace->leap_to) < LEAP_KEPT_TICKS))
		return;
	pace->leap = leap;
	pace->leap_from = pace->told ? pace->told : pace->begun;
	pace->leap_to = tick;
	for (uint32_t i = (uint32_t)first;
	     first >= 0 && i < heat->region_count && heat->regions[i].pid == pace->pid; i++) {
		if (is_in_leap(pace, &heat->regions[i]))
			region_renew(heat, &heat->regions[i]);
	}
}

static void
learn_mean(struct pace *pace, float ticks)
{
	pace->mean_ticks = fminf(pace->mean_ticks + ticks, MEAN_TICKS);
	pace->mean += fminf(ticks / pace->mean_ticks, 1) * (pace->now - pace->mean);
	/* Another pace, or on the way to one: there is none yet to take the mean of. */
	if (fabsf(pace->lasting - pace->mean) >= MEAN_OFF ||
	    (pace->mean_ticks <= 2 * LASTS_TICKS &&
	     fabsf(pace->now - pace->lasting) >= MEAN_NEAR)) {
		pace->mean = pace->lasting;
		pace->mean_ticks = LASTS_TICKS;
	}
}

static void
follow(struct heat *heat, struct pace *pace, float now, uint64_t tick)
{
	float ticks = fminf((float)ticks_since(tick, pace->told), ONE_TELLS_TICKS);
	float part = pace->told ? 1 - exp2f(-ticks / LASTS_TICKS) : 1;
	float before = now_of(pace, tick);

	pace->now = fminf(fmaxf(now, -PACE_MOST), PACE_MOST);
	pace->jitter +=
		JITTER_STEP * ((pace->now - before) * (pace->now - before) / 2 - pace->jitter);
	/* After a silence nobody knows when it changed. */
	if (!pace->told || ticks_since(tick, pace->told) < FRESH_TICKS)
		leapt(heat, pace, before, tick);
	pace->lasting += part * (pace->now - pace->lasting);
	learn_mean(pace, pace->told ? ticks : LASTS_TICKS);
	pace->told = tick;
}

static void
choose_shown(struct heat *heat)
{
	float common = coarse_pace_common(heat);

	for (uint32_t i = 0; i < heat->pace_count; i++) {
		struct pace *pace = &heat->paces[i];
		float shown = pace->mean + coarse_pace_beyond(heat, pace, common);

		if (fabsf(shown - pace->shown) < SHOWN_OFF)
			continue;
		pace->changed += shown - pace->shown;
		pace->shown = shown;
	}
}

static int
by_off(const void *va, const void *vb)
{
	float a = ((const struct pace_region *)va)->off, b = ((const struct pace_region *)vb)->off;

	return a < b ? -1 : a > b;
}

static int16_t
usual_code(float rate)
{
	int16_t code = pace_code(fminf(fmaxf(rate, -32), 32));

	return code ? code : 1; /* 0: not known */
}

/* The mean of the first few, then a fifth of each: what was learned while the pace was hardly known
 * is soon outweighed. */
static void
learn_usual(struct region *region, float beyond)
{
	float step = 1.0f / ((float)region->usual_times + 1);

	region->usual = usual_code((float)region->usual / PACE_UNITS + step * beyond);
	if (region->usual_times < USUAL_TIMES - 1)
		region->usual_times++;
}

static float
window_median(struct pace *pace)
{
	const struct pace_region *regions = pace->region;

	qsort(pace->region, pace->count, sizeof(pace->region[0]), by_off);
	return (regions[(pace->count - 1) / 2].off + regions[pace->count / 2].off) / 2;
}

/* The i-th of the window; NULL: it is gone, or nothing is usual of it. */
static struct region *
usual_region(struct heat *heat, const struct pace *pace, uint32_t i)
{
	int64_t index = table_find(heat, pace->pid, pace->region[i].addr);

	return index < 0 || !heat->regions[index].usual ? NULL : &heat->regions[index];
}

/* While no pace is told, what is believed follows the gaps, and what is usual stays as it was.
 * Where all is touched much sooner or later than usual, but hardly so than is believed, what is
 * usual is out of date: had all memory been taken for six times as hot, hot and cold would not be
 * told apart. Returns the window's median. */
static float
window_renew_usual(struct heat *heat, struct pace *pace)
{
	float now = now_of(pace, heat->latest_tick), off = window_median(pace), sum = 0;
	float known = 0;

	for (uint32_t i = 0; i < pace->count; i++) {
		if (isnan(pace->region[i].beyond))
			continue;
		sum += pace->region[i].beyond;
		known++;
	}
	if (known < AGREE_SHARE * (float)pace->count || fabsf(off - now) < AGREE_OCTAVES ||
	    fabsf(sum / known - now) > fabsf(off - now) / 2)
		return off;
	off -= sum / known;
	for (uint32_t i = 0; i < pace->count; i++) {
		struct region *region = usual_region(heat, pace, i);

		pace->region[i].off -= off;
		if (region)
			region->usual = usual_code((float)region->usual / PACE_UNITS + off);
	}
	return sum / known;
}

static int
window_is_full(const struct heat *heat, struct pace *pace, uint64_t tick)
{
	if (pace->count == PACE_REGIONS)
		return 1;
	if (pace->count < WINDOW_REGIONS || tick < pace->since + WINDOW_TICKS)
		return 0;
	return pace->count >= LEAP_REGIONS ||
	       fabsf(window_median(pace) - now_of(pace, heat->latest_tick)) < LEAP_OCTAVES;
}

static void
window_end(struct heat *heat, struct pace *pace, uint64_t tick)
{
	const struct pace_region *regions = pace->region;
	uint32_t agree = 0;
	float median, beyond = 0;

	median = window_renew_usual(heat, pace);
	for (uint32_t i = 0; i < pace->count; i++) {
		if (fabsf(regions[i].off - median) >= AGREE_OCTAVES)
			continue;
		beyond += regions[i].off - median;
		agree++;
	}
	if ((float)agree >= AGREE_SHARE * (float)pace->count)
		follow(heat, pace, median, tick);
	log_debug("heat", "process %d: %u of %u regions are touched %.2f octaves sooner than usual",
		  pace->pid, agree, pace->count, (double)median);
	/* After the pace is found: what all regions are off by is the pace, and only the rest is
	 * news of the region. On average there is none, or the scale would drift. */
	beyond = agree ? beyond / (float)agree : 0;
	for (uint32_t i = 0; i < pace->count; i++) {
		struct region *region = usual_region(heat, pace, i);

		if (region)
			learn_usual(region, regions[i].off - pace->now - beyond);
	}
	pace->count = 0;
}

static void
region_tells(struct heat *heat, struct pace *pace, struct pace_region region, uint64_t tick)
{
	if (pace->count >= WINDOW_REGIONS && tick > pace->since + STALE_TICKS)
		window_end(heat, pace, pace->since + STALE_TICKS);
	if (!pace->count || tick > pace->since + STALE_TICKS) {
		pace->since = tick;
		pace->count = 0;
	}
	pace->region[pace->count++] = region;
	if (window_is_full(heat, pace, tick))
		window_end(heat, pace, tick);
}

/* With other tiers marked than before, other pages are touched: the two cannot be compared. */
static int
is_comparable(const struct region *region, uint32_t pages)
{
	uint32_t before = region->usual_pages * PAGES_UNIT;

	return region->usual && 4 * pages < 5 * before && 4 * before < 5 * pages;
}

/* A region's own pace until its next marking. What it is off beyond the process's pace is partly
 * chance, and partly a change since that was found: only as much of it counts as the latter usually
 * is, which is learned here too. */
static float
learn_own_pace(const struct region *region, struct pace *pace, float now, float off)
{
	float beyond = off - now, sure;

	if (fabsf(beyond) > OWN_OCTAVES)
		return now;
	pace->unrest += UNREST_STEP * (beyond * beyond - pace->unrest);
	sure = (float)region->usual_times / ((float)region->usual_times + 1);
	return now + sure * unrest_of(pace) / pace->unrest * beyond;
}

/* Octaves sooner than is believed of the region; NAN where nothing is. */
static float
beyond_belief(const struct region *region, float rate)
{
	return region->prior_var < 0 || region->alarmed
		       ? NAN
		       : rate - (region->prior_mean + MEAN_OF_LOG * region->prior_var);
}

static void
begin_pace(struct pace *pace, uint64_t tick)
{
	if (pace->told)
		return;
	pace->beginners++;
	pace->begun += ticks_since(tick, pace->begun) / pace->beginners;
}

void
pace_touched(struct heat *heat, struct region *region, uint64_t tick)
{
	uint64_t elapsed = ticks_since(tick, region_armed_last(region));
	struct pace *pace;
	uint32_t pages;
	int16_t own;
	float rate, off, now;

	if (region->touched != TOUCHES || elapsed < SOONEST_TICKS || elapsed > LATEST_TICKS ||
	    !(pace = pace_make(heat, region->pid)))
		return;
	now = now_of(pace, heat->latest_tick);
	pages = TOUCHES + region_waiting(heat, region);
	rate = log2f((float)TOUCHES * TICKS_PER_S / ((float)pages * (float)elapsed));
	if (!is_comparable(region, pages)) {
		region->usual = usual_code(rate - now);
		region->usual_pages = (pages / PAGES_UNIT) & 31u;
		region->usual_times = 1;
		begin_pace(pace, tick);
		return;
	}
	off = rate - (float)region->usual / PACE_UNITS;
	own = pace_code(learn_own_pace(region, pace, now, off));
	for (int part = 0; part < 2; part++) {
		if (ticks_since(tick, region->armed[part]) <= MOMENT_TICKS)
			region->pace[part] = own;
	}
	region_tells(heat, pace,
		     (struct pace_region){region->addr, off, beyond_belief(region, rate)}, tick);
}

void
pace_show(struct heat *heat)
{
	int changed = 0;

	choose_shown(heat);
	for (uint32_t i = 0; i < heat->pace_count; i++)
		changed |= fabsf(heat->paces[i].changed) > 0;
	for (size_t e = 0; changed && e < heat->entry_count; e++) {
		struct sluice_region *entry = &heat->entries[e];
		const struct pace *pace = pace_find(heat, entry->pid);
		float times = pace ? exp2f(pace->changed) : 1;

		if (entry->tier < 8)
			heat->totals.access_rate[entry->tier] +=
				(double)(entry->bytes / HEAT_PAGE_BYTES) *
				(double)(entry->heat * (times - 1));
		entry->heat *= times;
		entry->heat_low *= times;
		entry->heat_high *= times;
	}
	for (uint32_t i = 0; i < heat->pace_count; i++)
		heat->paces[i].changed = 0;
}
