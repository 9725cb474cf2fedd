/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - see streams.h. */
#include "streams.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <emmintrin.h>
#endif

/* 16 bytes: what every 64-bit CPU loads at once. Wider ones gain nothing where memory is the limit.
 */
typedef uint64_t word __attribute__((vector_size(16), may_alias));
#define WORDS (STREAMS_UNIT_BYTES / sizeof(word))

static inline void
store(word *to, word value)
{
#if defined(__x86_64__)
	_mm_stream_si128((__m128i *)to, (__m128i)value);
#else
	*(volatile word *)to = value;
#endif
}

static inline void
drain(void)
{
#if defined(__x86_64__)
	_mm_sfence();
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

void
streams_read(const void *from, size_t bytes)
{
	const word *at = from;
	word sum[4] = {{0}};

	for (size_t i = 0; i < bytes / sizeof(word); i += WORDS) {
		for (size_t k = 0; k < WORDS; k += 4) {
			sum[0] ^= at[i + k];
			sum[1] ^= at[i + k + 1];
			sum[2] ^= at[i + k + 2];
			sum[3] ^= at[i + k + 3];
		}
	}
	sum[0] ^= sum[1] ^ sum[2] ^ sum[3];
	/* As if somebody needed it. */
	__asm__ volatile("" ::"r"((uint64_t)(sum[0][0] ^ sum[0][1])));
}

void
streams_write(void *to, size_t bytes)
{
	word *at = to;
	word value = {(uint64_t)(uintptr_t)to, bytes};

	for (size_t i = 0; i < bytes / sizeof(word); i += WORDS) {
		for (size_t k = 0; k < WORDS; k++)
			store(at + i + k, value);
	}
	drain();
}

void
streams_mixed(void *to, const void *a, const void *b, size_t bytes)
{
	const word *left = a, *right = b;
	word *at = to;

	for (size_t i = 0; i < bytes / sizeof(word); i += WORDS) {
		for (size_t k = 0; k < WORDS; k++)
			store(at + i + k, left[i + k] + right[i + k]);
	}
	drain();
}

const char *
streams_stores(void)
{
#if defined(__x86_64__)
	return "non-temporal";
#else
	return "plain";
#endif
}

#if defined(__x86_64__)
static int
has_clflushopt(void)
{
	static int known; /* 1 no, 2 yes; every thread finds the same */
	unsigned int a, b = 0, c, d;
	int value = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (!value) {
		value = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 23 & 1) ? 2 : 1;
		__atomic_store_n(&known, value, __ATOMIC_RELAXED);
	}
	return value == 2;
}
#endif

int
streams_can_flush(void)
{
#if defined(__x86_64__) || defined(__aarch64__)
	return 1;
#else
	return 0;
#endif
}

void
streams_flush(const void *from, size_t bytes)
{
	const char *at = from;

#if defined(__x86_64__)
	if (has_clflushopt()) { /* lines in any order: several times quicker */
		for (size_t i = 0; i < bytes; i += STREAMS_LINE_BYTES)
			__asm__ volatile(".byte 0x66; clflush %0" ::"m"(at[i]) : "memory");
	} else {
		for (size_t i = 0; i < bytes; i += STREAMS_LINE_BYTES)
			_mm_clflush(at + i);
	}
#elif defined(__aarch64__)
	for (size_t i = 0; i < bytes; i += STREAMS_LINE_BYTES)
		__asm__ volatile("dc civac, %0" ::"r"(at + i) : "memory");
#else
	(void)at;
	(void)bytes;
#endif
}

void
streams_fence(void)
{
#if defined(__x86_64__)
	_mm_mfence();
#elif defined(__aarch64__)
	__asm__ volatile("dsb sy" ::: "memory");
#endif
}
