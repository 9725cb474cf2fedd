/* SPDX-License-Identifier: Apache-2.0 */
/* test_tlb_flush.c - where a visit flushes TLBs, and which CPUs are visited. */
#include "tlb_flush.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_root.h"

static void
test_works(void **state)
{
	(void)state;
	assert_false(tlb_flush_works(fake_root));
	fake_put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme pse36 pcid sse4_2\n");
	assert_false(tlb_flush_works(fake_root));
	fake_put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme pse36 sse4_2\n");
	assert_true(tlb_flush_works(fake_root));
	/* Arm has identifiers always, and says nothing of them. */
	fake_put("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n");
	assert_false(tlb_flush_works(fake_root));
}

static void
put_thread(int thread, const char *state, int cpu)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "proc/7/task/%d/stat", thread);
	snprintf(text, sizeof(text),
		 "%d (a) R 1) %s 1 7 7 0 -1 4194560 100 0 0 0 10 5 0 0 20 0 3 0 500 1000 100 "
		 "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 %d 0 0 0 0 0\n",
		 thread, state, cpu);
	fake_put(path, text);
}

static int
cpus_of(int *cpus, size_t capacity)
{
	int threads = 64, r;
	size_t count = 0;

	r = tlb_flush_cpus(fake_root, 7, &threads, cpus, &count, capacity);
	return r < 0 ? r : (int)count;
}

static void
test_cpus(void **state)
{
	int cpus[4], none = 0, more = 64;
	size_t count = 0;

	(void)state;
	assert_int_equal(cpus_of(cpus, 4), -ENOENT);
	put_thread(7, "S", 1);
	assert_int_equal(cpus_of(cpus, 4), 0);
	put_thread(8, "R", 5);
	put_thread(9, "R", 5);
	put_thread(10, "D", 2);
	assert_int_equal(cpus_of(cpus, 4), 1);
	assert_int_equal(cpus[0], 5);
	put_thread(10, "R", 2);
	assert_int_equal(cpus_of(cpus, 4), 2);
	assert_int_equal(cpus[0] + cpus[1], 7);
	assert_int_equal(cpus_of(cpus, 1), 1);
	unlink(fake_path("proc/7/task/8/stat"));
	fake_put("proc/7/task/8/stat", "8 (cut");
	unlink(fake_path("proc/7/task/9/stat"));
	fake_put("proc/7/task/9/stat", "9 (cut) R 1 7");
	assert_int_equal(cpus_of(cpus, 4), 1);
	assert_int_equal(cpus[0], 2);
	assert_int_equal(tlb_flush_cpus(fake_root, 7, &none, cpus, &count, 4), 0);
	assert_int_equal(count, 0);
	/* To those of another process, each once. */
	cpus[0] = 2;
	cpus[1] = 3;
	count = 2;
	put_thread(8, "R", 1);
	assert_int_equal(tlb_flush_cpus(fake_root, 7, &more, cpus, &count, 4), 0);
	assert_int_equal(count, 3);
	assert_int_equal(cpus[2], 1);
}

static uint64_t
now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void
wait_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* For five seconds at most. */
static unsigned int
wait_for_visits(struct tlb_flush *flush, unsigned int wanted)
{
	for (int i = 0; i < 100 && tlb_flush_visits(flush) < wanted; i++)
		wait_ms(50);
	return tlb_flush_visits(flush);
}

/* It visits while it is told to, costs next to nothing while it rests, and ends when it is freed,
 * whatever it is at. */
static void
test_thread(void **state)
{
	struct tlb_flush *flush = NULL;
	int32_t pid = getpid();
	uint64_t spent_ns, before_ns;
	unsigned int visits;
	int rests = 0;

	(void)state;
	assert_int_equal(tlb_flush_new(&flush), 0);
	wait_ms(50);
	spent_ns = tlb_flush_cpu_ns(flush);
	tlb_flush_watch(flush, &pid, 1, 1000000);
	for (int i = 0; i < 100 && tlb_flush_cpu_ns(flush) < spent_ns + 200000; i++)
		wait_ms(50);
	assert_true(tlb_flush_cpu_ns(flush) >= spent_ns + 200000);
	tlb_flush_watch(flush, &pid, 1, 0);
	/* What it is at may take a while yet, where others run too. */
	for (int i = 0; i < 100 && !rests; i++) {
		before_ns = tlb_flush_cpu_ns(flush);
		wait_ms(50);
		rests = tlb_flush_cpu_ns(flush) == before_ns;
	}
	assert_true(rests);
	/* The first visit is at once; the next is when it is told to be. */
	visits = tlb_flush_visits(flush);
	tlb_flush_watch(flush, &pid, 1, 3600000000000);
	visits = wait_for_visits(flush, visits + 1);
	wait_ms(100);
	assert_int_equal(tlb_flush_visits(flush), visits);
	tlb_flush_next(flush, now_ns() + 100000000);
	assert_int_equal(tlb_flush_visits(flush), visits);
	assert_int_equal(wait_for_visits(flush, visits + 1), visits + 1);
	tlb_flush_free(flush);
	tlb_flush_free(NULL);
	assert_int_equal(tlb_flush_cpu_ns(NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_thread),
	};

	return cmocka_run_group_tests(tests, fake_root_make, fake_root_remove);
}
