/* SPDX-License-Identifier: Apache-2.0 */
/* coarse_pace.c - see coarse_pace.h. */
#include "coarse_pace.h"

/* Half-lives of what was seen: a process's pace changes within seconds, its mean pace is one of a
 * minute. */
#define SOON_TICKS (2.0f * TICKS_PER_S)
#define LONG_TICKS (30.0f * TICKS_PER_S)
/* Accesses: what so many tell of a process counts half, and so many are always taken to have been
 * seen where so many were expected. */
#define HALF 20.0f
#define FEW 3.0f
#define OFF_MOST 3.0f /* octaves */

/* What grew hotter must not make the others look cold, so what is seen of each counts up to twice
 * what was to be expected. */
static float
counted(float events, float expected)
{
	return fminf(events, 2 * (expected + 1));
}

static const float half_life[] = {[COARSE_SLOW] = LONG_TICKS, [COARSE_FAST] = SOON_TICKS};

static struct coarse
faded(const struct pace *pace, int speed, uint64_t tick)
{
	float keep = exp2f(-(float)ticks_since(tick, pace->coarse_tick) / half_life[speed]);

	return (struct coarse){pace->coarse[speed].seen * keep,
			       pace->coarse[speed].expected * keep};
}

void
coarse_pace_seen(struct pace *pace, float events, float expected, uint64_t tick)
{
	for (int i = 0; i < COARSE_SPEEDS; i++) {
		struct coarse *coarse = &pace->coarse[i];

		*coarse = faded(pace, i, tick);
		coarse->seen +=
			coarse->expected > 1
				? counted(events, expected * coarse->seen / coarse->expected)
				: events;
		coarse->expected += expected;
	}
	if (tick > pace->coarse_tick)
		pace->coarse_tick = tick;
}

float
coarse_pace_scale(struct heat *heat, int32_t pid)
{
	const struct pace *pace = pace_find(heat, pid);
	struct coarse coarse;

	if (!pace)
		return 0;
	coarse = faded(pace, COARSE_FAST, heat->latest_tick);
	return fminf((coarse.seen + FEW) / (coarse.expected * exp2f(pace_now(heat, pid)) + FEW),
		     COARSE_SCALE_MOST);
}

static float
beyond_marks(const struct pace *pace)
{
	const struct coarse *coarse = &pace->coarse[COARSE_SLOW];

	return log2f((coarse->seen + 1) / (coarse->expected + 1)) - pace->mean;
}

float
coarse_pace_common(const struct heat *heat)
{
	float weight = 0, sum = 0;

	for (uint32_t i = 0; i < heat->pace_count; i++) {
		struct coarse coarse = faded(&heat->paces[i], COARSE_SLOW, heat->latest_tick);

		weight += coarse.seen;
		sum += coarse.seen * beyond_marks(&heat->paces[i]);
	}
	return weight > 0 ? sum / weight : 0;
}

float
coarse_pace_beyond(const struct heat *heat, const struct pace *pace, float common)
{
	float off = fminf(fmaxf(beyond_marks(pace) - common, -OFF_MOST), OFF_MOST);
	struct coarse coarse = faded(pace, COARSE_SLOW, heat->latest_tick);

	/* The fewer, the less it is worth: a process that rests comes back to what its marks say.
	 */
	return off * coarse.seen / (coarse.seen + HALF);
}
