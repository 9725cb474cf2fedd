/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pmu_records.c - rings as the kernel fills them (made up here, byte by byte): records that
 * wrap around, are torn, tell of losses; memory samples; SPE's buffers and whose they are.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sampler/perf_record.h"
#include "engine/sampler/pmu_sample.h"
#include "engine/sampler/pmu_spe.h"

#define RING 256u

static struct {
	char bytes[RING] __attribute__((aligned(8)));
	uint64_t tail, head;
} ring;

static struct {
	unsigned int samples, others;
	unsigned int event[16];
	uint64_t first[16];
	size_t bytes[16];
} seen;

static void
put(uint32_t type, uint16_t misc, const uint64_t *body, size_t words)
{
	struct perf_event_header header = {type, misc, (uint16_t)(8 + words * 8)};
	char record[8 + 32 * 8];

	memcpy(record, &header, 8);
	memcpy(record + 8, body, words * 8);
	for (size_t i = 0; i < header.size; i++)
		ring.bytes[(ring.head + i) % RING] = record[i];
	ring.head += header.size;
}

static void
on_sample(void *ctx, unsigned int event, const void *payload, size_t bytes)
{
	assert_ptr_equal(ctx, &seen);
	assert_int_equal((uintptr_t)payload % 8, 0);
	seen.event[seen.samples] = event;
	seen.bytes[seen.samples] = bytes;
	seen.first[seen.samples] = 0;
	if (bytes >= 8)
		memcpy(&seen.first[seen.samples], payload, 8);
	seen.samples++;
}

static void
on_other(void *ctx, const struct perf_event_header *header, const void *body, size_t bytes)
{
	(void)ctx;
	(void)body;
	assert_true(header->type == PERF_RECORD_AUX && bytes == 24);
	seen.others++;
}

static struct perf_tally
walk(void)
{
	static const struct perf_id ids[] = {{5, 2}, {9, 0}, {70, 1}};
	const struct perf_handlers handlers = {on_sample, on_other, &seen};
	struct perf_tally tally = {0};
	char *wrapped = malloc(PERF_RECORD_BYTES_MAX);

	memset(&seen, 0, sizeof(seen));
	perf_records_walk(ring.bytes, RING, ring.tail, ring.head, ids, 3, wrapped, &handlers,
			  &tally);
	free(wrapped);
	return tally;
}

static int
empty(void **unused)
{
	(void)unused;
	memset(&ring, 0, sizeof(ring));
	return 0;
}

static void
records_of_all_kinds(void **unused)
{
	struct perf_tally tally;

	(void)unused;
	put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){70, 111}, 2);
	put(PERF_RECORD_LOST, 0, (const uint64_t[]){70, 40}, 2);
	put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){6, 222}, 2); /* nobody's */
	put(PERF_RECORD_LOST_SAMPLES, 0, (const uint64_t[]){3}, 1);
	put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){5}, 1);
	put(PERF_RECORD_THROTTLE, 0, (const uint64_t[]){1, 2, 3}, 3);
	put(PERF_RECORD_UNTHROTTLE, 0, (const uint64_t[]){1, 2, 3}, 3);
	put(PERF_RECORD_AUX, 0, (const uint64_t[]){0, 64, 0}, 3);
	tally = walk();
	assert_true(tally.lost == 43 && tally.throttled == 1 && tally.torn == 0);
	assert_int_equal(seen.samples, 2);
	assert_true(seen.event[0] == 1 && seen.first[0] == 111 && seen.bytes[0] == 8);
	assert_true(seen.event[1] == 2 && seen.bytes[1] == 0);
	assert_int_equal(seen.others, 1);
}

static void
records_over_the_end(void **unused)
{
	(void)unused;
	/* At every place where a record can begin, so that it wraps in all ways. */
	for (uint64_t at = 0; at < RING; at += 8) {
		ring.tail = ring.head = 10 * RING + at;
		put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){9, at, 2, 3}, 4);
		put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){5, at + 1, 2}, 3);
		assert_int_equal(walk().torn, 0);
		assert_true(seen.samples == 2 && seen.first[0] == at && seen.first[1] == at + 1);
	}
	/* Full to the last byte. */
	ring.tail = ring.head = RING / 2;
	for (unsigned int i = 0; i < RING / 32; i++)
		put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){9, i, 0}, 3);
	assert_int_equal(ring.head - ring.tail, RING);
	walk();
	assert_int_equal(seen.samples, RING / 32);
}

static void
torn_records(void **unused)
{
	static const uint16_t sizes[] = {0, 7, 12, 24, 264, 65528};

	(void)unused;
	/* The size is wrong, or the head stands in the middle: what came before counts, the rest
	 * does not. */
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct perf_event_header header = {PERF_RECORD_SAMPLE, 0, sizes[i]};

		empty(NULL);
		put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){9, 1}, 2);
		memcpy(ring.bytes + ring.head, &header, sizeof(header));
		ring.head += 16;
		assert_int_equal(walk().torn, 1);
		assert_int_equal(seen.samples, 1);
	}
	empty(NULL);
	put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){9, 1}, 2);
	ring.head -= 4;
	assert_int_equal(walk().torn, 1);
	assert_int_equal(seen.samples, 0);
	/* Records too short for their kind. */
	empty(NULL);
	put(PERF_RECORD_SAMPLE, 0, (const uint64_t[]){0}, 0);
	put(PERF_RECORD_LOST, 0, (const uint64_t[]){70}, 1);
	assert_int_equal(walk().lost, 0);
	assert_int_equal(seen.samples, 0);
}

static uint64_t
source(uint64_t lvl, uint64_t num, uint64_t remote)
{
	union perf_mem_data_src src = {0};

	src.mem_op = PERF_MEM_OP_LOAD;
	src.mem_lvl = lvl & 0x3fff;
	src.mem_lvl_num = num & 0xf;
	src.mem_remote = remote & 1;
	return src.val;
}

static void
who_served(void **unused)
{
	static const struct {
		uint64_t lvl, num, remote;
		enum pmu_served served;
	} cases[] = {
		{PERF_MEM_LVL_NA, PERF_MEM_LVLNUM_NA, 0, PMU_SERVED_UNKNOWN},
		{0, PERF_MEM_LVLNUM_RAM, 0, PMU_SERVED_NEAR},
		{0, PERF_MEM_LVLNUM_RAM, 1, PMU_SERVED_REMOTE},
		{PERF_MEM_LVL_LOC_RAM | PERF_MEM_LVL_HIT, 0, 0, PMU_SERVED_NEAR},
		{PERF_MEM_LVL_REM_RAM1 | PERF_MEM_LVL_HIT, 0, 0, PMU_SERVED_REMOTE},
		{0, PERF_MEM_LVLNUM_PMEM, 0, PMU_SERVED_SLOW},
		{0, 0x9, 0, PMU_SERVED_SLOW}, /* CXL */
		{0, PERF_MEM_LVLNUM_L3, 0, PMU_SERVED_CACHE},
		{0, PERF_MEM_LVLNUM_LFB, 0, PMU_SERVED_CACHE},
		{0, PERF_MEM_LVLNUM_ANY_CACHE, 1, PMU_SERVED_CACHE},
		{PERF_MEM_LVL_L2 | PERF_MEM_LVL_HIT, 0, 0, PMU_SERVED_CACHE},
		{PERF_MEM_LVL_REM_CCE1 | PERF_MEM_LVL_HIT, 0, 0, PMU_SERVED_CACHE},
		{PERF_MEM_LVL_L1 | PERF_MEM_LVL_HIT, PERF_MEM_LVLNUM_L1, 0, PMU_SERVED_CACHE},
		{PERF_MEM_LVL_L1 | PERF_MEM_LVL_MISS, 0, 0, PMU_SERVED_PAST_L1},
		{PERF_MEM_LVL_L1 | PERF_MEM_LVL_MISS, PERF_MEM_LVLNUM_L1, 0, PMU_SERVED_PAST_L1},
		{0, 0x7, 0, PMU_SERVED_UNKNOWN},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(pmu_served_by(source(cases[i].lvl, cases[i].num, cases[i].remote)),
				 cases[i].served);
}

static void
samples(void **unused)
{
	const uint64_t all =
		PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC;
	const uint64_t words[] = {UINT64_C(78) << 32 | 77, 0x7f0000001234, 350,
				  source(0, PERF_MEM_LVLNUM_RAM, 1)};
	struct pmu_sample sample = {.pid = 5};

	(void)unused;
	assert_int_equal(pmu_sample_decode(all, words, sizeof(words) - 1, &sample), -EBADMSG);
	assert_int_equal(pmu_sample_decode(all | PERF_SAMPLE_IP, words, 32, &sample), -EBADMSG);
	assert_int_equal(sample.pid, 5);
	assert_int_equal(pmu_sample_decode(all, words, sizeof(words), &sample), 0);
	assert_true(sample.pid == 77 && sample.tid == 78 && sample.addr == 0x7f0000001234);
	assert_true(sample.latency == 350 && sample.served == PMU_SERVED_REMOTE);
	assert_int_equal(pmu_sample_decode(PERF_SAMPLE_TID | PERF_SAMPLE_ADDR, words, 16, &sample),
			 0);
	assert_int_equal(sample.served, PMU_SERVED_UNKNOWN);
	/* The kernel's addresses are nobody's. */
	assert_true(pmu_user_address(UINT64_C(0xffff888000000000)) == 0);
	assert_true(pmu_user_address(UINT64_C(0x00007fffffffffff)) == UINT64_C(0x7fffffffffff));
}

/* ---- SPE ---- */

static unsigned char spe[512];
static size_t spe_size;

static void
packet(unsigned int head, unsigned int extended, uint64_t value, size_t bytes)
{
	if (extended)
		spe[spe_size++] = (unsigned char)extended;
	spe[spe_size++] = (unsigned char)head;
	for (size_t i = 0; i < bytes; i++)
		spe[spe_size++] = (unsigned char)(value >> (8 * i));
}

static void
spe_record(uint64_t addr, int store, uint64_t events, int has_source, unsigned int from,
	   uint64_t timestamp)
{
	packet(0xb0, 0, 0xffff800008000000, 8);          /* the instruction's address */
	packet(0xb2, 0, UINT64_C(0x5a) << 56 | addr, 8); /* the data's, with a tag */
	packet(0x65, 0, 4242, 4);                        /* the context */
	packet(0x49, 0, store ? 1 : 0, 1);
	packet(0x52, 0, events, 2);
	packet(0x98, 0, 517, 2); /* total latency */
	packet(0x99, 0, 3, 2);
	if (has_source)
		packet(0x43, 0, from, 1);
	packet(0x00, 0, 0, 0);
	packet(0x71, 0, timestamp, 8);
}

static struct {
	unsigned int count;
	struct spe_record record[8];
	struct pmu_sample sample[8];
} spe_seen;

static void
on_spe_record(void *ctx, const struct spe_record *record)
{
	(void)ctx;
	spe_seen.record[spe_seen.count++ % 8] = *record;
}

static void
on_spe_sample(void *ctx, const struct pmu_sample *sample)
{
	(void)ctx;
	spe_seen.sample[spe_seen.count++ % 8] = *sample;
}

static int
spe_empty(void **unused)
{
	(void)unused;
	spe_size = 0;
	memset(&spe_seen, 0, sizeof(spe_seen));
	return 0;
}

static void
spe_records(void **unused)
{
	struct spe_tally tally = {0};

	(void)unused;
	spe_record(0x7000001000, 0, SPE_EVENT_LLC_MISS | SPE_EVENT_LLC_ACCESS, 1, 0xe, 1000);
	packet(0x00, 0x20, 0, 0); /* alignment */
	packet(0xb2, 0, 0x7000002000, 8);
	packet(0x49, 0, 1, 1);
	packet(0x98, 0x21, 0x77, 2); /* a counter of a higher number: not the latency */
	packet(0x01, 0, 0, 0);       /* end, no time */
	spe_walk(spe, spe_size, on_spe_record, NULL, &tally);
	assert_true(tally.records == 2 && tally.broken == 0 && spe_seen.count == 2);
	assert_true(spe_seen.record[0].addr == 0x7000001000 && spe_seen.record[0].is_load);
	assert_true(spe_seen.record[0].timestamp == 1000 && spe_seen.record[0].latency == 517);
	assert_true(spe_seen.record[0].context == 4242 && spe_seen.record[0].source == 0xe);
	assert_int_equal(spe_served_by(&spe_seen.record[0], SPE_SOURCES_NEOVERSE), PMU_SERVED_NEAR);
	assert_true(spe_seen.record[1].is_store && spe_seen.record[1].addr == 0x7000002000);
	assert_true(spe_seen.record[1].timestamp == 0 && spe_seen.record[1].latency == 0);
}

static void
spe_cut_anywhere(void **unused)
{
	(void)unused;
	spe_record(0x7000001000, 0, SPE_EVENT_LLC_MISS, 0, 0, 1000);
	spe_record(0x7000002000, 1, SPE_EVENT_LLC_MISS, 0, 0, 2000);
	for (size_t cut = 0; cut <= spe_size; cut++) {
		struct spe_tally tally = {0};
		unsigned char *exact = malloc(cut + 1);

		memcpy(exact, spe, cut);
		spe_seen.count = 0;
		spe_walk(exact, cut, on_spe_record, NULL, &tally);
		assert_int_equal(spe_seen.count, cut == spe_size ? 2 : cut >= spe_size / 2);
		free(exact);
	}
	/* What is no packet spoils its record only. */
	{
		struct spe_tally tally = {0};

		spe[18] = 0xff;
		spe_seen.count = 0;
		spe_walk(spe, spe_size, on_spe_record, NULL, &tally);
		assert_true(tally.broken >= 1 &&
			    spe_seen.record[spe_seen.count - 1].addr == 0x7000002000);
	}
}

static void
spe_sources(void **unused)
{
	struct spe_record record = {.has_events = 1};

	(void)unused;
	assert_int_equal(spe_sources_of(0x413fd0c1), SPE_SOURCES_NEOVERSE);
	assert_int_equal(spe_sources_of(0x481fd0c1), SPE_SOURCES_UNKNOWN);
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_UNKNOWN), PMU_SERVED_CACHE);
	record.events = SPE_EVENT_L1_REFILL;
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_UNKNOWN), PMU_SERVED_PAST_L1);
	record.events |= SPE_EVENT_LLC_ACCESS;
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_UNKNOWN), PMU_SERVED_CACHE);
	record.events |= SPE_EVENT_LLC_MISS;
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_UNKNOWN), PMU_SERVED_NEAR);
	record.events |= SPE_EVENT_REMOTE;
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_UNKNOWN), PMU_SERVED_REMOTE);
	record.has_source = 1;
	record.source = 0x8;
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_NEOVERSE), PMU_SERVED_CACHE);
	record.source = 0xd;
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_NEOVERSE), PMU_SERVED_REMOTE);
	record.has_source = record.has_events = 0;
	assert_int_equal(spe_served_by(&record, SPE_SOURCES_UNKNOWN), PMU_SERVED_UNKNOWN);
}

static void
switched(struct pmu_spe *owners, int32_t pid, uint64_t time_ns, int out, int32_t next)
{
	struct {
		int32_t other_pid, other_tid, pid, tid;
		uint64_t time_ns, id;
	} body = {next, next, pid, pid, time_ns, 9};

	assert_int_equal(pmu_spe_switch(owners, 1, out ? PERF_RECORD_MISC_SWITCH_OUT : 0, &body,
					sizeof(body)),
			 0);
	assert_int_equal(pmu_spe_switch(owners, 1, 0, &body, 20), -EBADMSG);
	assert_int_equal(pmu_spe_switch(owners, 7, 0, &body, sizeof(body)), -EBADMSG);
}

static void
spe_owners(void **unused)
{
	/* Two ns a cycle, from 1 ms on. */
	const struct spe_clock clock = {.zero = 1000000, .mult = 4, .shift = 1, .known = 1};
	struct pmu_spe *owners;
	struct spe_tally tally = {0};
	uint64_t unowned = 0;

	(void)unused;
	assert_true(spe_clock_ns(&clock, 1001) == 1002002);
	assert_int_equal(pmu_spe_new(2, &owners), 0);
	assert_int_equal(pmu_spe_owner(owners, 1, 5), 0);
	switched(owners, 77, 1000100, 0, 5);
	switched(owners, 77, 1002000, 1, 0); /* then nobody */
	switched(owners, 88, 1004000, 0, 0);
	assert_int_equal(pmu_spe_owner(owners, 1, 1000099), 0);
	assert_int_equal(pmu_spe_owner(owners, 1, 1000100), 77);
	assert_int_equal(pmu_spe_owner(owners, 1, 1003000), 0);
	assert_int_equal(pmu_spe_owner(owners, 1, UINT64_MAX), 88);
	assert_int_equal(pmu_spe_owner(owners, 0, 1000100), 0);
	spe_record(0x7000001000, 0, SPE_EVENT_LLC_MISS, 0, 0, 500);  /* 1001000: 77 */
	spe_record(0x7000002000, 1, SPE_EVENT_LLC_MISS, 0, 0, 1500); /* 1003000: nobody */
	spe_record(0x7000003000, 1, SPE_EVENT_REMOTE, 0, 0, 2500);   /* 1005000: 88 */
	pmu_spe_data(owners, 1, &clock, SPE_SOURCES_UNKNOWN, spe, spe_size, on_spe_sample, NULL,
		     &tally, &unowned);
	assert_true(tally.records == 3 && unowned == 1 && spe_seen.count == 2);
	assert_true(spe_seen.sample[0].pid == 77 && spe_seen.sample[0].addr == 0x7000001000);
	assert_true(spe_seen.sample[1].pid == 88 && spe_seen.sample[1].served == PMU_SERVED_REMOTE);
	/* So many switches that the first are forgotten: of them nothing is claimed. */
	for (uint64_t i = 0; i < 10000; i++)
		switched(owners, 99, 2000000 + i, 0, 0);
	assert_int_equal(pmu_spe_owner(owners, 1, 1000100), 0);
	assert_int_equal(pmu_spe_owner(owners, 1, 2009999), 99);
	pmu_spe_free(owners);
	pmu_spe_free(NULL);
}

static void
spe_clocks(void **unused)
{
	struct perf_event_mmap_page *page = calloc(1, sizeof(*page));
	struct spe_clock clock;

	(void)unused;
	page->cap_user_time_zero = 1;
	page->cap_user_time_short = 1;
	page->time_zero = 7;
	page->time_mult = 1;
	page->time_cycles = 0xfffffff0;
	page->time_mask = 0xffffffff;
	clock = spe_clock_read(page);
	/* A counter of 32 bits that has just wrapped. */
	assert_true(clock.known && spe_clock_ns(&clock, 0x10) == UINT64_C(0x100000010) + 7);
	page->time_shift = 64;
	assert_false(spe_clock_read(page).known);
	free(page);
}

int
main(void)
{
#define SPE(f) cmocka_unit_test_setup(f, spe_empty)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(records_of_all_kinds, empty),
		cmocka_unit_test_setup(records_over_the_end, empty),
		cmocka_unit_test_setup(torn_records, empty),
		cmocka_unit_test(who_served),
		cmocka_unit_test(samples),
		SPE(spe_records),
		SPE(spe_cut_anywhere),
		SPE(spe_sources),
		SPE(spe_owners),
		SPE(spe_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
