/* SPDX-License-Identifier: Apache-2.0 */
/* test_trace.c - recordings: what goes in comes out, whatever happens to the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "trace_files.h"
#include "trace_format.h"

static const struct sluice_trace_writer_options exact = {.time_shift = 0};

static const struct sluice_trace_item *
next(struct sluice_trace_reader *reader, uint32_t kind)
{
	const struct sluice_trace_item *item = NULL;
	struct sluice_err err = {0, ""};

	assert_int_equal(sluice_trace_next(reader, &item, &err), 1);
	assert_int_equal(item->kind, kind);
	return item;
}

static void
at_end(struct sluice_trace_reader *reader)
{
	const struct sluice_trace_item *item;
	struct sluice_err err;

	assert_int_equal(sluice_trace_next(reader, &item, &err), 0);
	assert_int_equal(sluice_trace_next(reader, &item, &err), 0);
}

static void
wants_state(struct sluice_trace_reader *reader, int repeated)
{
	const struct sluice_trace_item *item = next(reader, SLUICE_TRACE_META);
	uint8_t tiers[512];

	assert_string_equal(item->key, "command");
	assert_string_equal(item->text, "a b c");
	assert_int_equal(item->repeated, repeated);
	item = next(reader, SLUICE_TRACE_TIERS);
	assert_int_equal(item->count, 2);
	assert_memory_equal(item->tier_list, trace_all_tiers, sizeof(trace_all_tiers));
	item = next(reader, SLUICE_TRACE_PROCESS);
	assert_int_equal(item->pid, 77);
	assert_string_equal(item->text, "first");
	item = next(reader, SLUICE_TRACE_SPANS);
	assert_int_equal(item->pid, 77);
	assert_int_equal(item->count, 3);
	assert_memory_equal(item->spans, trace_all_spans, sizeof(trace_all_spans));
	for (int i = 0; i < 2; i++) {
		item = next(reader, SLUICE_TRACE_RESIDENCY);
		assert_int_equal(item->repeated, repeated);
		assert_int_equal(item->pid, 77);
		assert_int_equal(item->len_bytes, 2u << 20);
		if (item->addr == 0x7f0000000000)
			all_pages(tiers, 7);
		else
			memset(tiers, 1, sizeof(tiers));
		assert_int_equal(item->is_huge, item->addr == 0x7f0000200000);
		assert_memory_equal(item->tiers, tiers, 512);
	}
}

static void
wants_events(struct sluice_trace_reader *reader, uint64_t now)
{
	const struct sluice_trace_item *item = next(reader, SLUICE_TRACE_SAMPLES);

	assert_int_equal(item->time_ns, now + 3);
	assert_int_equal(item->count, TRACE_ALL_SAMPLES);
	assert_memory_equal(item->samples, trace_all_samples, sizeof(trace_all_samples));
	item = next(reader, SLUICE_TRACE_MOVES);
	assert_int_equal(item->pid, 77);
	assert_int_equal(item->tier, 0);
	assert_int_equal(item->took_ns, 12345);
	assert_int_equal(item->count, 4);
	assert_memory_equal(item->moves, trace_all_moves, sizeof(trace_all_moves));
	item = next(reader, SLUICE_TRACE_PROCESS);
	assert_string_equal(item->text, "second");
	item = next(reader, SLUICE_TRACE_EXIT);
	assert_int_equal(item->pid, 78);
	assert_int_equal(item->time_ns, now + 6);
}

static void
test_all_kinds(void **state)
{
	struct trace_bytes_of bytes = trace_of_all(3, exact);
	struct sluice_trace_reader *reader = open_bytes(bytes.at, bytes.count);
	struct sluice_trace_info info;

	(void)state;
	assert_non_null(reader);
	wants_state(reader, 0);
	for (unsigned int i = 1; i <= 3; i++) /* state that holds is told once */
		wants_events(reader, i * 10000000ull);
	at_end(reader);
	sluice_trace_get_info(reader, &info);
	assert_int_equal(info.version, 1);
	assert_true(info.is_whole);
	assert_int_equal(info.samples, 3 * TRACE_ALL_SAMPLES);
	assert_int_equal(info.file_bytes, bytes.count);
	assert_int_equal(info.first_ns, 10000000);
	assert_int_equal(info.last_ns, 30000006);
	assert_int_equal(info.damaged_bytes, 0);
	sluice_trace_close(reader);
	free(bytes.at);
}

/* Times of samples are rounded down to the unit, those of items are not. */
static void
test_coarse_times(void **state)
{
	struct sluice_trace_writer_options options = {.time_shift = 16};
	struct trace_bytes_of bytes = trace_of_all(1, options);
	struct sluice_trace_reader *reader = open_bytes(bytes.at, bytes.count);
	const struct sluice_trace_item *item;

	(void)state;
	wants_state(reader, 0);
	item = next(reader, SLUICE_TRACE_SAMPLES);
	assert_int_equal(item->time_ns, 10000003);
	for (size_t i = 0; i < item->count; i++)
		assert_int_equal(item->samples[i].time_ns,
				 trace_all_samples[i].time_ns >> 16 << 16);
	sluice_trace_close(reader);
	free(bytes.at);
}

static void
digest(uint64_t *hash, const void *data, size_t bytes)
{
	for (size_t i = 0; data && i < bytes; i++)
		*hash = (*hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
}

/* Of all items that items_of() read. */
static uint64_t items_digest;

static void
digest_item(const struct sluice_trace_item *item)
{
	uint64_t *hash = &items_digest;

	digest(hash, &item->kind, sizeof(item->kind));
	digest(hash, &item->pid, sizeof(item->pid));
	digest(hash, &item->time_ns, sizeof(item->time_ns));
	digest(hash, &item->addr, sizeof(item->addr));
	digest(hash, &item->is_huge, sizeof(item->is_huge));
	digest(hash, item->samples, item->count * sizeof(*item->samples));
	digest(hash, item->spans, item->count * sizeof(*item->spans));
	digest(hash, item->moves, item->count * sizeof(*item->moves));
	digest(hash, item->tier_list, item->count * sizeof(*item->tier_list));
	digest(hash, item->tiers, item->count);
	digest(hash, item->text, item->text ? strlen(item->text) : 0);
}

/* Counts what is left of a file that something happened to; anything may be missing, but nothing
 * may be wrong. */
static size_t
items_of(const uint8_t *bytes, size_t count, size_t *ret_damage, int *ret_whole)
{
	struct sluice_trace_reader *reader = open_bytes(bytes, count);
	const struct sluice_trace_item *item;
	struct sluice_trace_info info;
	struct sluice_err err;
	size_t items = 0;
	uint64_t last_ns = 0;

	*ret_damage = 0;
	*ret_whole = 0;
	items_digest = 0;
	if (!reader)
		return 0;
	while (sluice_trace_next(reader, &item, &err) == 1) {
		assert_true(item->time_ns >= last_ns);
		last_ns = item->time_ns;
		if (item->kind == SLUICE_TRACE_DAMAGE)
			++*ret_damage;
		else
			items++;
		digest_item(item);
		if (item->kind == SLUICE_TRACE_SAMPLES)
			assert_memory_equal(item->samples, trace_all_samples,
					    sizeof(trace_all_samples));
	}
	sluice_trace_get_info(reader, &info);
	*ret_whole = (int)info.is_whole;
	sluice_trace_close(reader);
	return items;
}

static void
test_every_cut(void **state)
{
	struct trace_bytes_of bytes = trace_of_all(2, exact);
	size_t last = 0, damage, all;
	int whole;

	(void)state;
	all = items_of(bytes.at, bytes.count, &damage, &whole);
	assert_true(whole);
	assert_int_equal(all, 14);
	for (size_t cut = 0; cut < bytes.count; cut++) {
		size_t items = items_of(bytes.at, cut, &damage, &whole);

		assert_int_equal(damage, 0); /* a cut is no damage */
		assert_false(whole);
		assert_true(items >= last);
		last = items;
	}
	assert_int_equal(last, all);
	free(bytes.at);
}

/* Several blocks, with each bit of each byte of some of them wrong, one after the other. */
static void
test_flipped_bits(void **state)
{
	struct trace_bytes_of all = {NULL, 0}, one = trace_of_all(1, exact);
	size_t block, damage, items, harmless = 0;
	uint64_t whole_digest;
	int whole;

	(void)state;
	/* Three times the same first block, as a file that grew: without index and end. */
	{
		struct format_header header;
		uint32_t version;

		assert_int_equal(format_header_get(one.at, &header, &version), 0);
		block = FORMAT_HEADER_BYTES + header.stored_bytes;
	}
	all.count = 3 * block;
	all.at = malloc(all.count);
	for (int i = 0; i < 3; i++)
		memcpy(all.at + (size_t)i * block, one.at, block);
	assert_int_equal(items_of(all.at, all.count, &damage, &whole), 30);
	whole_digest = items_digest;
	for (size_t bit = 0; bit < 8 * block; bit++) {
		all.at[block + bit / 8] ^= (uint8_t)(1u << bit % 8);
		items = items_of(all.at, all.count, &damage, &whole);
		/* A few bits of zstd's frames mean nothing: wrong, they change nothing. */
		if (items == 30 && damage == 0 && items_digest == whole_digest)
			harmless++;
		else if (items != 20 || damage != 1)
			fail_msg("bit %zu of %zu: %zu items, %zu damages", bit, 8 * block, items,
				 damage);
		all.at[block + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(harmless * 50 < 8 * block);
	free(all.at);
	free(one.at);
}

static void
test_seek(void **state)
{
	struct trace_bytes_of bytes = trace_of_all(50, exact);
	struct sluice_trace_reader *reader = open_bytes(bytes.at, bytes.count);
	static const unsigned int rounds[] = {30, 2, 50, 30, 1};
	struct sluice_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		uint64_t now = rounds[i] * 10000000ull;

		assert_int_equal(sluice_trace_seek(reader, now + 3, &err), 0);
		wants_state(reader, 1);
		wants_events(reader, now);
		if (rounds[i] < 50)
			wants_events(reader, now + 10000000);
	}
	assert_int_equal(sluice_trace_seek(reader, 1, &err), 0);
	wants_state(reader, 0);
	assert_int_equal(sluice_trace_seek(reader, 10000000000000, &err), 0);
	wants_state(reader, 1);
	at_end(reader);
	sluice_trace_close(reader);
	free(bytes.at);
}

/* Minutes of a trace have places to begin at, which tell what holds; and who reads it in one go
 * does not hear it twice. */
static void
test_keys(void **state)
{
	struct sluice_trace_writer_options options = {
		.size = sizeof(options), .waits = 1, .time_shift = 16};
	struct sluice_trace_sample samples[100];
	struct sluice_trace_writer *writer;
	struct sluice_trace_reader *reader;
	const struct sluice_trace_item *item;
	struct sluice_err err = {0, ""};
	int fd = memory_file(NULL, 0), copy = dup(fd), keys = 0;
	size_t spans = 0, batches = 0;
	struct trace_bytes_of bytes;

	(void)state;
	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, &err), 0);
	sluice_trace_write_spans(writer, 0, 5, trace_all_spans, 3);
	for (unsigned int i = 0; i < 6000; i++) {
		uint64_t now = i * 60000000ull; /* 6 minutes */

		for (unsigned int k = 0; k < 100; k++)
			samples[k] = (struct sluice_trace_sample){
				.addr = (uint64_t)(i * 7919u + k * 104729u) % 100000 * TRACE_PAGE,
				.time_ns = now - k,
				.pid = 5,
				.kind = SLUICE_TRACE_TOUCH};
		sluice_trace_write_samples(writer, now, samples, 100);
	}
	assert_int_equal(sluice_trace_writer_finish(writer, NULL, &err), 0);
	bytes = bytes_of(copy);
	close(copy);
	for (size_t at = 0; at + FORMAT_HEADER_BYTES <= bytes.count;) {
		struct format_header header;
		uint32_t version;

		if (format_header_get(bytes.at + at, &header, &version) < 0)
			break;
		keys += header.flags & FORMAT_KEY;
		at += FORMAT_HEADER_BYTES + header.stored_bytes;
	}
	assert_in_range(keys, 2, 7);
	reader = open_bytes(bytes.at, bytes.count);
	while (sluice_trace_next(reader, &item, &err) == 1) {
		spans += item->kind == SLUICE_TRACE_SPANS;
		batches += item->kind == SLUICE_TRACE_SAMPLES;
	}
	assert_int_equal(spans, 1);
	assert_int_equal(batches, 6000);
	assert_int_equal(sluice_trace_seek(reader, 300 * 1000000000ull, &err), 0);
	item = next(reader, SLUICE_TRACE_SPANS);
	assert_true(item->repeated);
	item = next(reader, SLUICE_TRACE_SAMPLES);
	assert_int_equal(item->time_ns, 300 * 1000000000ull);
	sluice_trace_close(reader);
	free(bytes.at);
}

/* A reader that came to the end goes on when there is more. */
static void
test_growing(void **state)
{
	struct sluice_trace_writer_options options = {
		.size = sizeof(options), .block_ms = 1, .time_shift = 0};
	struct sluice_trace_writer *writer;
	struct sluice_trace_reader *reader = NULL;
	const struct sluice_trace_item *item;
	struct sluice_err err = {0, ""};
	int fd = memory_file(NULL, 0), copy = dup(fd), r = 0;

	(void)state;
	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, &err), 0);
	assert_int_equal(sluice_trace_open_fd(copy, "growing", &reader, &err), 0);
	at_end(reader);
	for (uint64_t i = 0; i < 2; i++) {
		sluice_trace_write_samples(writer, i, trace_all_samples, TRACE_ALL_SAMPLES);
		for (int tries = 0; tries < 400 && r == 0; tries++) {
			r = sluice_trace_next(reader, &item, &err);
			usleep(10000);
		}
		assert_int_equal(r, 1);
		assert_int_equal(item->time_ns, i);
		r = 0;
	}
	assert_int_equal(sluice_trace_writer_finish(writer, NULL, &err), 0);
	at_end(reader);
	sluice_trace_close(reader);
}

/* What may not be in a trace is left out, and that is told. */
static void
test_refused(void **state)
{
	struct sluice_trace_writer_options options = {.size = sizeof(options), .waits = 1};
	struct sluice_trace_sample bad[6];
	struct sluice_trace_writer_stats stats;
	struct sluice_trace_writer *writer;
	struct sluice_trace_reader *reader;
	struct sluice_err err = {0, ""};
	const struct sluice_trace_item *item;
	int fd = memory_file(NULL, 0), copy = dup(fd);
	struct sluice_trace_span span = {0x1001, 0x2000};
	uint8_t tiers[512] = {0};

	(void)state;
	for (int i = 0; i < 6; i++)
		bad[i] = trace_all_samples[1];
	bad[0].kind = SLUICE_TRACE_SAMPLE_KINDS;
	bad[1].events = -1;
	bad[2].exposure_s = __builtin_nanf("");
	bad[3].len_bytes = UINT64_MAX;
	bad[4].spread = __builtin_inff();
	bad[5].events = -0.0f; /* is 0, and fine */
	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, &err), 0);
	sluice_trace_write_samples(writer, 5, bad, 6);
	sluice_trace_write_spans(writer, 5, 1, &span, 1);
	sluice_trace_write_residency(writer, 5, 1, 0x1000, 4096 * 513, tiers, 0);
	assert_int_equal(sluice_trace_writer_finish(writer, &stats, &err), 0);
	assert_int_equal(stats.samples, 1);
	assert_int_equal(stats.lost_items, 2);
	assert_int_equal(sluice_trace_open_fd(copy, "refused", &reader, &err), 0);
	item = next(reader, SLUICE_TRACE_SAMPLES);
	assert_int_equal(item->count, 1);
	assert_memory_equal(&item->samples[0].events, &bad[1].exposure_s, sizeof(float));
	assert_int_equal(next(reader, SLUICE_TRACE_LOST)->lost, 5);
	at_end(reader);
	sluice_trace_close(reader);
}

/* A full queue loses, counts, and never waits. */
static void
test_full_queue(void **state)
{
	struct sluice_trace_writer_options options = {.size = sizeof(options),
						      .queue_bytes = 1u << 20};
	struct sluice_trace_sample *samples = calloc(1000000, sizeof(*samples));
	struct sluice_trace_writer_stats stats;
	struct sluice_trace_writer *writer;
	struct sluice_err err = {0, ""};
	int fd = memory_file(NULL, 0), copy = dup(fd);
	struct sluice_trace_reader *reader;
	const struct sluice_trace_item *item;
	uint64_t read = 0, lost = 0;

	(void)state;
	assert_non_null(samples);
	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, &err), 0);
	sluice_trace_write_samples(writer, 5, samples, 1000000);
	free(samples);
	assert_int_equal(sluice_trace_writer_finish(writer, &stats, &err), 0);
	assert_true(stats.lost_samples > 0);
	assert_int_equal(stats.lost_samples + stats.samples, 1000000);
	assert_int_equal(sluice_trace_open_fd(copy, "full", &reader, &err), 0);
	while (sluice_trace_next(reader, &item, &err) == 1) {
		read += item->count;
		lost += item->lost;
	}
	assert_int_equal(read, stats.samples);
	assert_int_equal(lost, stats.lost_samples);
	sluice_trace_close(reader);
}

static void
test_no_trace(void **state)
{
	struct sluice_trace_reader *reader = NULL;
	struct sluice_err err = {0, ""};
	static const char text[] = "this is a letter and no trace, whatever its name may say";

	(void)state;
	assert_int_equal(sluice_trace_open("/nonexistent/x", &reader, &err), -ENOENT);
	assert_int_equal(sluice_trace_open("/dev/null", &reader, &err), -EINVAL);
	assert_int_equal(sluice_trace_open_fd(memory_file((const uint8_t *)text, sizeof(text)),
					      "letter", &reader, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "'letter' is no trace"));
	assert_int_equal(sluice_trace_open_fd(memory_file((const uint8_t *)text, 2), "letter",
					      &reader, &err),
			 -EBADMSG);
	assert_null(reader);
}

/* A disk that is full: the error is told, and what is there can be read. */
static void
test_full_disk(void **state)
{
	struct sluice_trace_writer *writer;
	struct sluice_err err = {0, ""};
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(sluice_trace_writer_new(fd, NULL, &writer, &err), 0);
	sluice_trace_write_samples(writer, 5, trace_all_samples, TRACE_ALL_SAMPLES);
	assert_int_equal(sluice_trace_writer_finish(writer, NULL, &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "cannot write the trace"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds),  cmocka_unit_test(test_coarse_times),
		cmocka_unit_test(test_every_cut),  cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_seek),       cmocka_unit_test(test_keys),
		cmocka_unit_test(test_growing),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_full_queue), cmocka_unit_test(test_no_trace),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
