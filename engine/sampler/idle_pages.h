/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle_pages.h - understanding /proc/PID/idle_pages of kernels with etmem: a byte tells a kind of
 * page (upper half) and how many of it follow one another (lower half); a byte 0xa0 and eight more,
 * high byte first, set the address that the next byte is about. Pure; the bytes may be anything.
 */
#ifndef SAMPLER_IDLE_PAGES_H
#define SAMPLER_IDLE_PAGES_H

#include <stddef.h>
#include <stdint.h>

enum idle_pages_state { IDLE_PAGES_ACCESSED, IDLE_PAGES_IDLE, IDLE_PAGES_HOLE };

struct idle_pages {
	const uint8_t *bytes;
	size_t size, at;
	uint64_t addr; /* that the next byte is about; 0: not told yet */
};

struct idle_pages_run {
	uint64_t start, end; /* page aligned, start < end */
	enum idle_pages_state state;
};

static inline struct idle_pages
idle_pages_begin(const uint8_t *bytes, size_t size)
{
	return (struct idle_pages){.bytes = bytes, .size = size};
}

/* 1 and the next run; 0 the end, or what is left makes no sense: then *ret_bad is 1. */
int idle_pages_next(struct idle_pages *pages, struct idle_pages_run *ret, int *ret_bad);

#endif
