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
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(offsetof(struct sluice_region, heat_high) ==
		       offsetof(struct sluice_region, heat) + 2 * sizeof(float),
	       "a heat and its bounds are compared at once");

#define BINS 64 /* half octaves of heat, from */
#define BIN_LOWEST (-12)
/* heat_low and heat_high are half a sigma away from the median each; see policy.h. */
#define SIGMAS_BETWEEN_BOUNDS 1.0f

/* The half octave of a float is in its exponent, and whether the rest is less than the root of two.
 */
static unsigned int
bin_of(float heat)
{
	uint32_t bits;
	int bin;

	if (heat <= 0)
		return 0;
	memcpy(&bits, &heat, sizeof(bits));
	bin = ((int)(bits >> 23) - 127 - BIN_LOWEST) * 2 + ((bits & 0x7fffff) >= 0x3504f4);
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
		return exp2f((float)BIN_LOWEST + ((float)bin + 1 - (float)part) / 2);
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

/* Estimates come in few values where they are well known, and logarithms are dear. */
#define MEMO_LOG2 8u

struct memo {
	uint32_t bits[3]; /* of heat and its bounds; all 0: nothing */
	double worth;
};

/* As above, of an entry. */
static double
entry_worth(const struct sluice_region *entry, double cut, double never_known_var,
	    struct memo *memo)
{
	uint32_t bits[3];
	double sigma, var;

	memcpy(bits, &entry->heat, sizeof(bits));
	memo += bits[0] * 0x9e3779b1u >> (32 - MEMO_LOG2);
	if (memcmp(memo->bits, bits, sizeof(bits)) == 0)
		return memo->worth;
	sigma = log((double)(entry->heat_high / entry->heat_low)) / SIGMAS_BETWEEN_BOUNDS;
	var = sigma * sigma - never_known_var * M_LN2 * M_LN2;
	memcpy(memo->bits, bits, sizeof(bits));
	memo->worth = var > 0 ? worth_knowing(entry->heat, sqrt(var), cut) : 0;
	return memo->worth;
}

double
doubt_share(const struct sluice_region *entries, size_t count, const struct sluice_tier *tiers,
	    size_t tier_count, double never_known_var)
{
	double won = 0, all = 0, unknown_bytes = 0, bytes = 0;
	struct memo memo[1u << MEMO_LOG2];
	float cut;

	if (!count || tier_count < 2)
		return 0;
	cut = find_cut(entries, count, tiers);
	memset(memo, 0, sizeof(memo));
	for (size_t i = 0; i < count; i++) {
		const struct sluice_region *entry = &entries[i];

		bytes += entry->bytes;
		all += (double)entry->heat * entry->bytes;
		if (isinf(entry->heat_high)) {
			unknown_bytes += entry->bytes;
			continue;
		}
		/* Nothing is to be won by knowing memory that fits anyway. */
		if (cut > 0 && entry->heat_low > 0 && entry->heat_high > entry->heat_low)
			won += entry_worth(entry, cut, never_known_var, memo) * entry->bytes;
	}
	return fmin((all > 0 ? won / all : 0) + unknown_bytes / bytes, 1);
}
