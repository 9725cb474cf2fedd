/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_exercise.c - see pmu_exercise.h. */
#include "pmu_exercise.h"

#include <sys/mman.h>
#include <time.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define LINE_BYTES 64u
#define PAGE_BYTES 4096u
/* Odd, so that each line's turn comes once; and no pattern that a prefetcher follows. */
#define HOP 40503u

static void
drop_line(const volatile char *line)
{
#if defined(__x86_64__)
	_mm_clflush((const void *)(uintptr_t)line);
#elif defined(__aarch64__)
	__asm__ volatile("dc civac, %0" : : "r"(line) : "memory");
#else
	(void)line;
#endif
}

static uint64_t
thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void *
pmu_exercise_new(void)
{
	void *memory = mmap(NULL, PMU_EXERCISE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	madvise(memory, PMU_EXERCISE_BYTES, MADV_NOHUGEPAGE);
	return memory;
}

void
pmu_exercise_free(void *memory)
{
	if (memory)
		munmap(memory, PMU_EXERCISE_BYTES);
}

uint64_t
pmu_exercise_round(void *memory, int faults)
{
	const uint32_t lines = PMU_EXERCISE_BYTES / LINE_BYTES;
	volatile char *bytes = memory;
	uint64_t began;

	if (faults) {
		madvise(memory, PMU_EXERCISE_BYTES, MADV_DONTNEED);
		began = thread_cpu_ns();
		for (size_t at = 0; at < PMU_EXERCISE_BYTES; at += PAGE_BYTES)
			bytes[at] = 1;
		return thread_cpu_ns() - began;
	}
	for (size_t at = 0; at < PMU_EXERCISE_BYTES; at += LINE_BYTES) {
		bytes[at] = 1;
		drop_line(bytes + at);
	}
	__sync_synchronize();
	began = thread_cpu_ns();
	for (uint32_t i = 0; i < lines; i++)
		(void)bytes[(size_t)(i * HOP % lines) * LINE_BYTES];
	return thread_cpu_ns() - began;
}
