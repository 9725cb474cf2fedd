/* SPDX-License-Identifier: Apache-2.0 */
/* test_import.c - other tools' recordings become traces, and what is wrong in them is told by line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "import.h"
#include "trace_files.h"

typedef int (*importer)(FILE *in, const char *name, const struct import_options *options,
			struct sluice_trace_writer *writer, struct import_stats *ret,
			struct sluice_err *reterr);

struct imported {
	int r;
	struct sluice_err err;
	struct import_stats stats;
	struct sluice_trace_reader *reader;
};

static struct imported
import_stream(importer run, FILE *in, const char *name)
{
	struct sluice_trace_writer_options options = {
		.size = sizeof(options), .waits = 1, .time_shift = 0};
	struct import_options usual = {0};
	struct imported ret = {.err = {0, ""}};
	struct sluice_trace_writer *writer;
	int fd = memory_file(NULL, 0), copy = dup(fd);

	assert_non_null(in);
	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, &ret.err), 0);
	ret.r = run(in, name, &usual, writer, &ret.stats, &ret.err);
	fclose(in);
	assert_int_equal(sluice_trace_writer_finish(writer, NULL, NULL), 0);
	assert_int_equal(sluice_trace_open_fd(copy, name, &ret.reader, NULL), 0);
	return ret;
}

static struct imported
import_text(importer run, const char *text)
{
	return import_stream(run, fmemopen((char *)(uintptr_t)text, strlen(text), "r"), "input");
}

static struct imported
import_file(importer run, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), TEST_DATA "/trace/%s", name);
	return import_stream(run, fopen(path, "re"), name);
}

/* All samples of a kind, in order. */
static size_t
samples_of(struct sluice_trace_reader *reader, uint32_t kind, struct sluice_trace_sample *ret,
	   size_t capacity)
{
	const struct sluice_trace_item *item;
	struct sluice_err err;
	size_t count = 0;

	assert_int_equal(sluice_trace_seek(reader, 0, &err), 0);
	while (sluice_trace_next(reader, &item, &err) == 1) {
		for (size_t i = 0; item->kind == SLUICE_TRACE_SAMPLES && i < item->count; i++) {
			if (item->samples[i].kind != kind)
				continue;
			assert_true(count < capacity);
			ret[count++] = item->samples[i];
		}
	}
	return count;
}

/* Is every sample in a mapping that was told before it? */
static void
wants_mapped(struct sluice_trace_reader *reader)
{
	struct sluice_trace_span spans[8][64];
	int32_t pids[8] = {0};
	size_t counts[8] = {0};
	const struct sluice_trace_item *item;
	struct sluice_err err;

	assert_int_equal(sluice_trace_seek(reader, 0, &err), 0);
	while (sluice_trace_next(reader, &item, &err) == 1) {
		size_t p = 0;

		while (p < 8 && pids[p] && pids[p] != item->pid)
			p++;
		if (item->kind == SLUICE_TRACE_SPANS) {
			assert_true(p < 8 && item->count <= 64);
			pids[p] = item->pid;
			counts[p] = item->count;
			memcpy(spans[p], item->spans, item->count * sizeof(*item->spans));
		}
		for (size_t i = 0; item->kind == SLUICE_TRACE_SAMPLES && i < item->count; i++) {
			const struct sluice_trace_sample *s = &item->samples[i];
			int inside = s->kind == SLUICE_TRACE_COUNTING;

			for (p = 0; p < 8 && pids[p] != s->pid; p++)
				;
			assert_true(p < 8);
			for (size_t k = 0; k < counts[p]; k++)
				inside |= s->addr >= spans[p][k].start && s->addr < spans[p][k].end;
			assert_true(inside);
		}
	}
}

static void
test_perf(void **state)
{
	struct imported got = import_file(import_perf, "perf.txt");
	struct sluice_trace_sample samples[16];

	(void)state;
	assert_int_equal(got.r, 0);
	assert_int_equal(got.stats.skipped, 2); /* address 0, and one of the kernel's */
	assert_int_equal(samples_of(got.reader, SLUICE_TRACE_COUNT, samples, 16), 5);
	assert_int_equal(samples[0].addr, 0x7f3a5c001040);
	assert_int_equal(samples[0].pid, 4711);
	assert_int_equal(samples[0].time_ns, 71325100000000);
	assert_true(samples[0].events == 4001);
	assert_int_equal(samples[2].addr, 0x7f3a5c801000);
	assert_int_equal(samples[2].pid, 4711); /* of the process, not the thread */
	assert_int_equal(samples[3].pid, 4800); /* a name with blanks, no CPU, no period */
	assert_true(samples[3].events == 1);
	/* Twice of 4711, as more than a second went by, and once of the other. */
	assert_int_equal(samples_of(got.reader, SLUICE_TRACE_COUNTING, samples, 16), 3);
	assert_true(samples[0].events == 4001);
	wants_mapped(got.reader);
	sluice_trace_close(got.reader);
}

static void
test_damo(void **state)
{
	struct imported got = import_file(import_damo, "damo.txt");
	struct sluice_trace_sample samples[16];

	(void)state;
	assert_int_equal(got.r, 0);
	assert_int_equal(samples_of(got.reader, SLUICE_TRACE_RATE, samples, 16), 7);
	assert_int_equal(samples[0].addr, 0x563ebaa00000);
	assert_int_equal(samples[0].len_bytes, 0x1f9e000);
	assert_true(fabsf(samples[0].exposure_s - 0.104599f) < 1e-6f);
	/* 1 of 20.9 looks. */
	assert_true(fabsf(samples[0].events - 1.0245f) < 1e-3f);
	assert_true(samples[1].events > 40); /* nearly all looks: many accesses */
	assert_true(samples[2].events == 0);
	assert_int_equal(samples[6].time_ns, 1000000000 + 208590000);
	wants_mapped(got.reader);
	sluice_trace_close(got.reader);
}

/* What `damo record` writes, and zlib's form of the same: targets are merged by time, how often
 * DAMON looked is told by the snapshot, by the record, or not at all. */
static void
test_damo_json(void **state)
{
	static const char *const files[] = {"damo.json", "damo.json_compressed"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct imported got = import_file(import_damo, files[i]);
		struct sluice_trace_sample samples[16];

		if (got.r < 0)
			fail_msg("%s: %s", files[i], got.err.msg);
		assert_int_equal(samples_of(got.reader, SLUICE_TRACE_RATE, samples, 16), 4);
		assert_int_equal(samples[0].addr, 0x563ebaa00000);
		assert_int_equal(samples[0].len_bytes, 0x400000);
		assert_int_equal(samples[0].pid, 1);
		assert_int_equal(samples[0].time_ns, 1000000000 + 100000000);
		assert_true(fabsf(samples[0].exposure_s - 0.1f) < 1e-6f);
		assert_true(fabsf(samples[0].events - 6.931f) < 1e-2f); /* 5 of 10 looks */
		assert_true(samples[1].events == 0);
		assert_int_equal(samples[2].pid, 2);
		assert_int_equal(samples[2].addr, 0x7f938d7e1000);
		assert_int_equal(samples[2].time_ns, 1000000000 + 150000000);
		assert_true(fabsf(samples[2].events - 1.0259f) < 1e-3f); /* 1 of 20 */
		assert_int_equal(samples[3].time_ns, 1000000000 + 200000000);
		assert_true(fabsf(samples[3].events - 2.7726f) < 1e-3f); /* 2 of 2, or more */
		wants_mapped(got.reader);
		sluice_trace_close(got.reader);
	}
}

/* What versions differ in: order of members, shares, numbers and times for people, a snapshot that
 * is made up, targets that are told apart by kernel pointers or by their kdamond. */
static void
test_damo_json_forms(void **state)
{
	struct imported got = import_text(
		import_damo,
		"[{\"snapshots\":[{\"regions\":[{\"end\":8192,\"nr_accesses\":{\"percent\":50,"
		"\"new\":[{}]},\"start\":4096}],\"end_time\":\"1 m 1 s 200 ms\","
		"\"start_time\":\"1 m 1,000 ms\"},"
		"{\"start_time\":61200000000,\"end_time\":61400000000,\"regions\":[{\"start\":"
		"\"0\","
		"\"end\":\"0\",\"nr_accesses\":{\"samples\":-1,\"percent\":null},\"age\":null}]}],"
		"\"intervals\":{\"sample_us\":\"20 ms\"},\"target_id\":18446623438842320000},"
		"{\"target_id\":null,\"kdamond_idx\":1,\"snapshots\":[{\"start_time\":\"61,100,000,"
		"000\","
		"\"end_time\":61300000000,\"regions\":[{\"start\":0,\"end\":4096,"
		"\"nr_accesses\":{\"samples\":\"1,0\"}}]}]},"
		"{\"target_id\":18446623438842320000,\"snapshots\":null}]\n");
	struct sluice_trace_sample samples[4];

	(void)state;
	if (got.r < 0)
		fail_msg("%s", got.err.msg);
	assert_int_equal(samples_of(got.reader, SLUICE_TRACE_RATE, samples, 4), 2);
	assert_int_equal(samples[0].pid, 1);
	assert_int_equal(samples[0].addr, 4096);
	assert_true(fabsf(samples[0].events - 6.931f) < 1e-2f); /* half of 10 looks */
	assert_int_equal(samples[0].time_ns, 1000000000 + 200000000);
	assert_int_equal(samples[1].pid, 2);
	assert_int_equal(samples[1].addr, 0);
	assert_true(fabsf(samples[1].events - 11.507f) < 1e-2f); /* 10 of 40 */
	sluice_trace_close(got.reader);
}

/* The text of today's damo, of two targets whose times count from one moment each. */
static void
test_damo_raw_form(void **state)
{
	struct imported got = import_text(
		import_damo, "base_time_absolute: 10 s\ndata source: unknown\n\n"
			     "monitoring_start: 0 ns\nmonitoring_end: 100 ms\n"
			     "monitoring_duration: 100 ms\ntarget_id: 18446623438842320000\n"
			     "nr_regions: 1\n"
			     "# start_addr     end_addr        length  nr_accesses   age\n"
			     "000000200000-000000400000 (   2.000 MiB)           3    -1\n\n"
			     "monitoring_start: 100 ms\nmonitoring_end: 200 ms\n"
			     "target_id: 18446623438842320000\nnr_regions: 1\n"
			     "000000200000-000000400000 (   2.000 MiB)           0    -1\n\n"
			     "base_time_absolute: 10 s 50 ms\ndata source: unknown\n\n"
			     "monitoring_start: 0\nmonitoring_end: 100000000\n"
			     "target_id: 18446623438842320008\nnr_regions: 1\n"
			     "000000600000-000000800000 (   2.000 MiB)           4    7\n");
	struct sluice_trace_sample samples[4];

	(void)state;
	if (got.r < 0)
		fail_msg("%s", got.err.msg);
	assert_int_equal(samples_of(got.reader, SLUICE_TRACE_RATE, samples, 4), 3);
	assert_int_equal(samples[0].time_ns, 1000000000 + 100000000);
	assert_int_equal(samples[1].time_ns, 1000000000 + 150000000);
	assert_int_equal(samples[1].addr, 0x600000);
	assert_int_equal(samples[1].pid, 2);
	assert_int_equal(samples[2].time_ns, 1000000000 + 200000000);
	assert_int_equal(samples[2].pid, 1);
	sluice_trace_close(got.reader);
}

/* A compressed recording that is cut off or damaged anywhere is told as such, never taken. */
static void
test_damo_damaged(void **state)
{
	unsigned char whole[4096], damaged[4096];
	FILE *file = fopen(TEST_DATA "/trace/damo.json_compressed", "re");
	size_t length;

	(void)state;
	assert_non_null(file);
	length = fread(whole, 1, sizeof(whole), file);
	fclose(file);
	assert_in_range(length, 100, sizeof(whole) - 1);
	for (size_t at = 2; at < length; at += 7) {
		struct imported got = import_stream(import_damo, fmemopen(whole, at, "r"), "input");

		assert_int_equal(got.r, -EBADMSG);
		assert_non_null(strstr(got.err.msg, "its compressed data is cut off"));
		sluice_trace_close(got.reader);
		memcpy(damaged, whole, length);
		damaged[at] ^= 0x20;
		got = import_stream(import_damo, fmemopen(damaged, length, "r"), "input");
		assert_true(got.r < 0);
		sluice_trace_close(got.reader);
	}
}

static void
test_lackey(void **state)
{
	struct imported got =
		import_text(import_lackey, "==77== Lackey, an example Valgrind tool\n"
					   "I  04001000,3\n"
					   " L 1ffefffe78,8\n"
					   " S 1ffefffe78,8\r\n"
					   " M 1ffeffeffc,8\n" /* over the end of a page */
					   "I  04001003,3\n"
					   "--77-- talk\n"
					   " L 0,1\n");
	struct sluice_trace_sample samples[16];

	(void)state;
	assert_int_equal(got.r, 0);
	assert_int_equal(samples_of(got.reader, SLUICE_TRACE_EXACT, samples, 16), 3);
	assert_int_equal(samples[0].addr, 0);
	assert_int_equal(samples[0].pid, 77);
	assert_true(samples[0].events == 1);
	assert_true(fabsf(samples[0].exposure_s - 2e-9f) < 1e-12f);
	assert_int_equal(samples[1].addr, 0x1ffeffe000);
	assert_true(samples[1].events == 1);
	assert_int_equal(samples[2].addr, 0x1ffefff000);
	assert_true(samples[2].events == 3);
	wants_mapped(got.reader);
	sluice_trace_close(got.reader);
}

/* Of a real run, an excerpt; counted here in another way. */
static void
test_lackey_file(void **state)
{
	struct imported got = import_file(import_lackey, "lackey.txt");
	static struct sluice_trace_sample samples[64];
	FILE *file = fopen(TEST_DATA "/trace/lackey.txt", "re");
	unsigned long long addr, size, pages = 0;
	double events = 0;
	char line[256];
	size_t count;

	(void)state;
	assert_int_equal(got.r, 0);
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == ' ' && sscanf(line + 2, "%llx,%llu", &addr, &size) == 2)
			pages += (addr + size - 1) / 4096 - addr / 4096 + 1;
	}
	fclose(file);
	assert_true(pages > 50);
	count = samples_of(got.reader, SLUICE_TRACE_EXACT, samples, 64);
	for (size_t i = 0; i < count; i++)
		events += (double)samples[i].events * (double)samples[i].len_bytes / 4096;
	assert_true(events == (double)pages);
	sluice_trace_close(got.reader);
}

/* Long enough for several intervals: what nobody accessed any more is told as such. */
static void
test_lackey_intervals(void **state)
{
	char *text = malloc(40u << 20), *at = text;
	static struct sluice_trace_sample samples[4096];
	struct imported got;
	size_t count;
	double events = 0, idle = 0;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, " L 5000,4\n");
	for (unsigned int i = 0; i < 2000000; i++) {
		at += sprintf(at, "I  1000,1\n");
		if (i % 1000 == 0)
			at += sprintf(at, " S 9000,4\n");
	}
	{
		struct sluice_trace_writer_options options = {
			.size = sizeof(options), .waits = 1, .time_shift = 0};
		struct import_options slow = {.pid = 5, .ns_per_step = 20};
		struct sluice_trace_writer *writer;
		int fd = memory_file(NULL, 0), copy = dup(fd);
		FILE *in = fmemopen(text, (size_t)(at - text), "r");

		assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, NULL), 0);
		assert_int_equal(import_lackey(in, "long", &slow, writer, &got.stats, &got.err), 0);
		fclose(in);
		assert_int_equal(sluice_trace_writer_finish(writer, NULL, NULL), 0);
		assert_int_equal(sluice_trace_open_fd(copy, "long", &got.reader, NULL), 0);
	}
	count = samples_of(got.reader, SLUICE_TRACE_EXACT, samples, 4096);
	assert_int_equal(count, 10); /* two pages, four intervals of 10 ms, and a moment */
	for (size_t i = 0; i < count; i++) {
		events += (double)samples[i].events;
		idle += samples[i].addr == 0x5000 && samples[i].events == 0;
	}
	assert_true(events == 2001);
	assert_true(idle == 4);
	free(text);
	sluice_trace_close(got.reader);
}

/* Of memory that was seen, ranges that touch are one, whatever their order and size: one of 2^56
 * bytes costs no more than one of a page. */
static void
test_seen_ranges(void **state)
{
	struct imported got = import_text(
		import_damo, "monitoring_start: 0 ns\nmonitoring_end: 1 s\n"
			     "1000000-1400000: 1\n600000-601000: 1\n200000-201000: 1\n"
			     "400000-401000: 1\n1200000-1300000: 1\n"
			     "10000000000-80000000000000: 2\n20000000000-40000000000000: 1\n");
	static const struct sluice_trace_span wanted[] = {
		{0x200000, 0x800000}, {0x1000000, 0x1400000}, {0x10000000000, 0x80000000000000}};
	const struct sluice_trace_item *item;
	struct sluice_trace_span last[8];
	size_t count = 0;

	(void)state;
	assert_int_equal(got.r, 0);
	while (sluice_trace_next(got.reader, &item, NULL) == 1) {
		if (item->kind != SLUICE_TRACE_SPANS)
			continue;
		count = item->count;
		assert_in_range(count, 1, 8);
		memcpy(last, item->spans, count * sizeof(*last));
	}
	assert_int_equal(count, 3);
	assert_memory_equal(last, wanted, sizeof(wanted));
	sluice_trace_close(got.reader);
}

static void
test_bad(void **state)
{
	static const struct {
		importer run;
		const char *text, *says;
	} bad[] = {
		{import_perf, "hello\n", "input:1: no time"},
		{import_perf, "# a\n\nx 12 3.5: e: 1000\nx y 3.5: e: 1000\n",
		 "input:4: no process before the time"},
		{import_perf, "x 12 3.5: cycles: main+0x2 (/bin/x)\n",
		 "input:1: no event and data"},
		{import_perf, "x 12 3.5: 1000\n", "input:1: no event and data"},
		{import_perf, "# nothing\n", "'input' has no samples in 1 lines"},
		{import_perf, "", NULL},
		{import_damo, "1000-2000(x): 3\n", "input:1: a region before"},
		{import_damo, "monitoring_start: now\n", "input:1: ' now' is no time"},
		{import_damo, "monitoring_start: 0 ns\nmonitoring_end: 1 s\n1000-2001(x): 3\n",
		 "input:3: '1000-2001(x): 3' is no range of pages"},
		{import_damo, "monitoring_start: 0 ns\nmonitoring_end: 1 s\n1000-2000(x)\n",
		 "input:3: no number of accesses"},
		{import_damo,
		 "monitoring_start: 0 ns\nmonitoring_end: 1 s\nnr_regions: 1\n1000-2000: 1\n"
		 "2000-3000: 1\n",
		 "input:5: more regions"},
		{import_damo, "what is this\n", "input:1: 'what is this' is neither"},
		{import_damo, "{}", "input:1: this is no list of damo's records"},
		{import_damo, "[{}]", "input:1: a record without snapshots"},
		{import_damo, "[\n{\n", "input:3: this is no JSON: it ends too early"},
		{import_damo, "[]", "'input' has no samples"},
		{import_damo, "[] []", "this is no JSON: more than one value"},
		{import_damo, "[{\"snapshots\":[{\"start_time\":5,\"end_time\":5}]}]",
		 "a snapshot whose end_time is not after"},
		{import_damo, "[{\"snapshots\":[{\"start_time\":\"soon\"}]}]",
		 "start_time is no time"},
		{import_damo, "[{\"snapshots\":[{\"regions\":[{\"start\":1,\"end\":4096}]}]}]",
		 "a region is no range of pages"},
		{import_damo, "[{\"snapshots\":[{\"regions\":[{\"start\":0,\"end\":4096}]}]}]",
		 "a region without nr_accesses"},
		{import_damo, "[{\"target_id\":-1}]", "target_id is no number"},
		{import_damo, "x not compressed", "its compressed data is damaged"},
		{import_lackey, " L 10,8\n Q 10,8\n", "input:2: ' Q 10,8' is no line of lackey"},
		{import_lackey, " L 10\n", "input:1: no address and size"},
		{import_lackey, " L ffffffffffffffff,8\n", "input:1: no address and size"},
		{import_lackey, " L 10,0\n", "input:1: no address and size"},
		{import_lackey, " L \033[2Jx\n", "input:1: no address and size"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct imported got;

		if (!bad[i].says)
			continue;
		got = import_text(bad[i].run, bad[i].text);
		if (got.r >= 0 || !strstr(got.err.msg, bad[i].says))
			fail_msg("'%s': %d, '%s'", bad[i].text, got.r, got.err.msg);
		assert_null(strchr(got.err.msg, '\033'));
		sluice_trace_close(got.reader);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_perf),
		cmocka_unit_test(test_damo),
		cmocka_unit_test(test_damo_json),
		cmocka_unit_test(test_damo_json_forms),
		cmocka_unit_test(test_damo_raw_form),
		cmocka_unit_test(test_damo_damaged),
		cmocka_unit_test(test_lackey),
		cmocka_unit_test(test_lackey_file),
		cmocka_unit_test(test_lackey_intervals),
		cmocka_unit_test(test_seen_ranges),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
