/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doubt.c - see doubt.h.
 *
 * Fast memory best holds what is hotter than some cut. A page believed colder than the cut, with an
 * uncertain estimate, may in truth be hotter: knowing that would win what it is hotter by. On
 * average over what we believe (the log of heat is normally distributed) that is the price of an
 * option with the page's heat as the share and the cut as the strike; and likewise for pages that
 * are believed hotter.
 */
#include "doubt.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "heat.h"

#define BINS 64 /* half octaves of heat, from */
#define BIN_LOWEST (-12.0f)
/* heat_low and heat_high are half a sigma away from the median each; see policy.h. */
#define SIGMAS_BETWEEN_BOUNDS 1.0f
/* Of the log of heat: no gap that we may yet see reduces this. */
#define NEVER_KNOWN_VAR (HEAT_MODEL_VAR * M_LN2 * M_LN2)

static unsigned int
bin_of(float heat)
{
	float bin = heat > 0 ? (log2f(heat) - BIN_LOWEST) * 2 : 0;

	return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : (unsigned int)bin;
}

/* The heat that is the least in fast memory when that holds the hottest; 0 when all of it fits. */
static float
find_cut(const struct sluice_region *entries, size_t count, const struct sluice_tier *tiers)
{
	uint64_t bytes[BINS], room = tiers[0].room_bytes, above = 0;

	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < count; i++) {
		bytes[bin_of(entries[i].heat)] += entries[i].bytes;
		if (entries[i].tier == 0)
			room += entries[i].bytes;
	}
	for (unsigned int bin = BINS; bin-- > 0;) {
		double part;

		if (above + bytes[bin] <= room) {
			above += bytes[bin];
			continue;
		}
		part = (double)(room - above) / (double)bytes[bin];
		return exp2f(BIN_LOWEST + ((float)bin + 1 - (float)part) / 2);
	}
	return 0;
}

static double
normal_below(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

/* What knowing the heat of a page exactly is expected to win. */
static double
worth_knowing(double heat, double sigma, double cut)
{
	double d = (log(heat / cut) + sigma * sigma / 2) / sigma;
	double option;

	if (d > 5 || d < -5)
		return 0;
	option = heat * normal_below(d) - cut * normal_below(d - sigma);
	return option - fmax(heat - cut, 0);
}

double
doubt_share(const struct sluice_region *entries, size_t count, const struct sluice_tier *tiers,
	    size_t tier_count)
{
	double won = 0, all = 0, unknown_bytes = 0, bytes = 0;
	float cut;

	if (!count || tier_count < 2)
		return 0;
	cut = find_cut(entries, count, tiers);
	for (size_t i = 0; i < count; i++) {
		const struct sluice_region *entry = &entries[i];

		bytes += entry->bytes;
		all += (double)entry->heat * entry->bytes;
		if (isinf(entry->heat_high)) {
			unknown_bytes += entry->bytes;
			continue;
		}
		/* Nothing is to be won by knowing memory that fits anyway. */
		if (cut > 0 && entry->heat_low > 0 && entry->heat_high > entry->heat_low) {
			double sigma =
				log(entry->heat_high / entry->heat_low) / SIGMAS_BETWEEN_BOUNDS;
			double var = sigma * sigma - NEVER_KNOWN_VAR;

			if (var > 0)
				won += worth_knowing(entry->heat, sqrt(var), cut) * entry->bytes;
		}
	}
	return fmin((all > 0 ? won / all : 0) + unknown_bytes / bytes, 1);
}
