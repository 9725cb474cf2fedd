/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synth.h - made-up programs: how often each page of them is accessed, at each moment. Pure; any
 * thread.
 *
 * A pattern is a function of page and time, not a list of accesses, so the truth that trackers and
 * policies are held against is exact: synth_rate() is the rate, synth_draw() draws by it. The same
 * seed gives the same pattern, and with the same random numbers the same draws, on every machine
 * that has IEEE numbers.
 */
#ifndef TRACE_SYNTH_H
#define TRACE_SYNTH_H

#include <stdint.h>

#include "sluice/err.h"

#define SYNTH_PAGES_MAX (UINT64_C(1) << 32) /* 16 TiB */

enum synth_kind {
	SYNTH_HOT,     /* a block of neighbouring pages gets `share` of the accesses */
	SYNTH_ZIPF,    /* Zipf's law: the page of rank k gets k^-s; scattered, or by address */
	SYNTH_WINDOW,  /* as hot, but the block moves on, page by page, once round in `period` */
	SYNTH_STRIDED, /* every stride-th page is hot */
	SYNTH_UNIFORM, /* all pages alike */
	SYNTH_PHASES,  /* as hot, but every `period` the block is somewhere else */
	SYNTH_SCAN,    /* a hot block, and a front that passes over the others once in `period` */
	SYNTH_KINDS
};

struct synth_choice {
	enum synth_kind kind;
	double part;     /* of the pages that are hot; 0 to 1 */
	double share;    /* of the accesses that go to them; 0 to 1 */
	double exponent; /* zipf's s; 0.01 to 3 */
	double period_s; /* 0.1 or more */
	uint64_t stride; /* 2 or more */
	int clustered;   /* zipf: ranks in the order of addresses */
};

struct synth {
	struct synth_choice choice;
	uint64_t pages, hot_pages, front_pages;
	uint64_t seed;
	double rate; /* accesses per second of all pages together */
	double zipf_total;
	unsigned int half_bits; /* of the shuffle */
};

/* "hot", "zipf:s=0.9", "window:part=5%,period=30", "phases:share=95%": a name, and settings where
 * the usual ones are not wanted (part, share, s, period in seconds, stride, clustered). -EINVAL
 * with a sentence. */
int synth_parse(const char *text, struct synth_choice *ret, struct sluice_err *reterr);
/* The name and all settings that mean something to it. buffer is returned. */
const char *synth_text(const struct synth_choice *choice, char *buffer, size_t size);
const char *synth_name(size_t i); /* NULL past the last */

/* pages from 16 to SYNTH_PAGES_MAX, rate above 0. -EINVAL. */
int synth_init(struct synth *ret, const struct synth_choice *choice, uint64_t pages, double rate,
	       uint64_t seed, struct sluice_err *reterr);

/* Accesses per second of a page, at that time (seconds since the beginning). Over all pages they
 * add up to the rate. */
double synth_rate(const struct synth *synth, uint64_t page, double t_s);
/* A page, drawn by these rates. */
uint64_t synth_draw(const struct synth *synth, double t_s, uint64_t *random);

/* ---- Random numbers (SplitMix64): random is the state, any number to begin with. ---- */

static inline uint64_t
synth_random(uint64_t *random)
{
	uint64_t x = *random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* From 0 to below 1. */
static inline double
synth_fraction(uint64_t *random)
{
	return (double)(synth_random(random) >> 11) * 0x1p-53;
}

/* Below n. */
static inline uint64_t
synth_below(uint64_t *random, uint64_t n)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)synth_random(random) * n >> 64);
}

/* How often something happens that does so `mean` times on average. */
uint64_t synth_poisson(double mean, uint64_t *random);

#endif
