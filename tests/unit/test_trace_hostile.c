/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trace_hostile.c - traces and recordings of other tools that mean no good, and files that
 * take nothing any more: memory and time stay bounded. What is quadratic runs into the time limit
 * that tests have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "import.h"
#include "import_seen.h"
#include "trace_files.h"
#include "trace_state.h"

#define MIB (1u << 20)

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int
take(struct trace_state *state, uint32_t kind, int32_t pid, uint64_t addr, const void *body,
     size_t bytes)
{
	return trace_state_take(
		state,
		&(struct packed_item){
			.kind = kind, .pid = pid, .addr = addr, .body = body, .body_bytes = bytes});
}

static void
test_bounded(void **state)
{
	static const uint8_t body[1024] = {3};
	struct trace_state *held = trace_state_new(MIB);
	uint64_t count = 0;
	int r;

	(void)state;
	while ((r = take(held, SLUICE_TRACE_RESIDENCY, 1, count * 2 * MIB, body, sizeof(body))) ==
	       1)
		assert_true(++count < 1024);
	assert_int_equal(r, -EFBIG);
	assert_true(count > 900);
	assert_true(trace_state_bytes(held) <= MIB);
	/* What is there may change, and what is forgotten makes room. */
	assert_int_equal(take(held, SLUICE_TRACE_RESIDENCY, 1, 0, body + 1, 1000), 1);
	assert_int_equal(take(held, SLUICE_TRACE_EXIT, 1, 0, NULL, 0), 1);
	assert_int_equal(trace_state_bytes(held), 0);
	assert_int_equal(take(held, SLUICE_TRACE_RESIDENCY, 1, 0, body, sizeof(body)), 1);
	trace_state_free(held);
}

/* Beside much that holds, the ends of other processes and changes of their mappings cost little. */
static void
test_many_exits(void **state)
{
	struct trace_state *held = trace_state_new(TRACE_STATE_BYTES_MAX);
	struct bytes spans = {0};
	uint8_t body[4] = {2, 0, 1, 0};

	(void)state;
	for (uint64_t i = 0; i < 200000; i++)
		assert_int_equal(take(held, SLUICE_TRACE_RESIDENCY, 1, i * 2 * MIB, body, 3), 1);
	for (int32_t i = 2; i < 50000; i++) {
		struct sluice_trace_span span = {4096u * (uint64_t)i, 4096u * (uint64_t)(i + 1)};

		spans.count = 0;
		assert_int_equal(item_put_spans(&spans, &span, 1), 0);
		assert_int_equal(take(held, SLUICE_TRACE_RESIDENCY, 2, 4096, body, 3), 1);
		assert_int_equal(take(held, SLUICE_TRACE_SPANS, 2, 0, spans.at, spans.count), 1);
		assert_int_equal(take(held, SLUICE_TRACE_RESIDENCY, i, 0, body, 3), 1);
		assert_int_equal(take(held, SLUICE_TRACE_EXIT, i, 0, NULL, 0), 1);
	}
	assert_int_equal(take(held, SLUICE_TRACE_EXIT, 2, 0, NULL, 0), 1);
	assert_int_equal(trace_state_bytes(held), 200000 * (3 + 8));
	bytes_free(&spans);
	trace_state_free(held);
}

/* What a state should hold: of two processes, mappings and the first byte of what each page's
 * residency was told as; 0: nothing. */
enum { PIDS = 2, PAGES = 64 };

struct model {
	uint8_t told[PIDS][PAGES];
};

static void
wants_same(const struct trace_state *held, const struct model *model)
{
	struct trace_state_place place = {0};
	struct packed_item item;
	uint64_t last = 0;
	size_t count = 0, wanted = 0;

	while (trace_state_next(held, &place, &item)) {
		if (item.kind != SLUICE_TRACE_RESIDENCY)
			continue;
		assert_true(item.pid >= 1 && item.pid <= PIDS && item.addr / 4096 < PAGES);
		assert_int_equal(model->told[item.pid - 1][item.addr / 4096], item.body[0]);
		assert_true(count == 0 || ((uint64_t)item.pid << 32 | item.addr) > last);
		last = (uint64_t)item.pid << 32 | item.addr;
		count++;
	}
	for (int p = 0; p < PIDS; p++)
		for (int i = 0; i < PAGES; i++)
			wanted += model->told[p][i] != 0;
	assert_int_equal(count, wanted);
}

static void
change_spans(struct trace_state *held, struct model *model, int p, uint64_t *seed)
{
	struct sluice_trace_span spans[PAGES];
	uint8_t mapped[PAGES] = {0};
	struct bytes body = {0};
	size_t count = 0;

	for (uint64_t i = next_random(seed) % 20; i < PAGES;) {
		uint64_t end = i + 1 + next_random(seed) % 12;

		end = end > PAGES ? PAGES : end;
		spans[count++] = (struct sluice_trace_span){i * 4096, end * 4096};
		i = end + next_random(seed) % 12;
	}
	assert_int_equal(item_put_spans(&body, spans, count), 0);
	/* Mappings that are as they were say nothing. */
	if (take(held, SLUICE_TRACE_SPANS, p + 1, 0, body.at, body.count) == 1) {
		for (size_t s = 0; s < count; s++)
			memset(mapped + spans[s].start / 4096, 1,
			       (spans[s].end - spans[s].start) / 4096);
		for (int i = 0; i < PAGES; i++)
			model->told[p][i] = mapped[i] ? model->told[p][i] : 0;
	}
	bytes_free(&body);
}

static void
test_state_model(void **state)
{
	struct trace_state *held = trace_state_new(TRACE_STATE_BYTES_MAX);
	struct model model = {0};
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		int p = (int)(next_random(&seed) % PIDS), page = (int)(next_random(&seed) % PAGES);
		uint8_t body[4] = {(uint8_t)(1 + next_random(&seed) % 3), 0, 1, 0};
		uint64_t what = next_random(&seed) % 40;

		if (what == 0) {
			assert_int_equal(take(held, SLUICE_TRACE_EXIT, p + 1, 0, NULL, 0), 1);
			memset(model.told[p], 0, PAGES);
		} else if (what < 3) {
			change_spans(held, &model, p, &seed);
		} else {
			int r = take(held, SLUICE_TRACE_RESIDENCY, p + 1, (uint64_t)page * 4096,
				     body, 1 + what % 3);

			/* The first byte and the length make the body. */
			assert_true(r == 1 || (r == 0 && model.told[p][page] == body[0]));
			model.told[p][page] = body[0];
		}
		if (step % 50 == 0)
			wants_same(held, &model);
	}
	wants_same(held, &model);
	trace_state_free(held);
}

static int
import_text(const char *text, size_t bytes, struct sluice_trace_reader **ret,
	    struct sluice_err *err)
{
	struct sluice_trace_writer_options options = {.size = sizeof(options), .waits = 1};
	struct import_options usual = {0};
	struct sluice_trace_writer *writer;
	struct import_stats stats;
	int fd = memory_file(NULL, 0), copy = dup(fd), r;
	FILE *in = fmemopen((char *)(uintptr_t)text, bytes, "r");

	assert_non_null(in);
	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, err), 0);
	r = import_perf(in, "input", &usual, writer, &stats, err);
	fclose(in);
	assert_int_equal(sluice_trace_writer_finish(writer, NULL, NULL), 0);
	assert_int_equal(sluice_trace_open_fd(copy, "input", ret, NULL), 0);
	return r;
}

/* Each sample in memory of its own, further down than all before it, and a second later. */
static void
test_import_scattered(void **state)
{
	enum { SAMPLES = 150000 };
	char *text = malloc(SAMPLES * 64), *at = text;
	const struct sluice_trace_item *item;
	struct sluice_trace_span *spans = calloc(SEEN_SPANS_MAX, sizeof(*spans));
	struct sluice_trace_reader *reader;
	struct sluice_err err = {0, ""};
	size_t count = 0, samples = 0;

	(void)state;
	assert_true(text && spans);
	for (uint64_t i = 0; i < SAMPLES; i++)
		at += sprintf(at, "x 7 %llu.000000: e: %llx\n", (unsigned long long)i + 1,
			      (unsigned long long)(SAMPLES - i) * 8 * MIB);
	assert_int_equal(import_text(text, (size_t)(at - text), &reader, &err), 0);
	free(text);
	while (sluice_trace_next(reader, &item, &err) == 1) {
		if (item->kind == SLUICE_TRACE_SPANS) {
			assert_in_range(item->count, 1, SEEN_SPANS_MAX);
			count = item->count;
			memcpy(spans, item->spans, count * sizeof(*spans));
		}
		for (size_t i = 0; item->kind == SLUICE_TRACE_SAMPLES && i < item->count; i++) {
			uint64_t addr = item->samples[i].addr;
			size_t low = 0, high = count;

			if (item->samples[i].kind != SLUICE_TRACE_COUNT)
				continue;
			while (low < high) {
				size_t middle = (low + high) / 2;

				if (spans[middle].end <= addr)
					low = middle + 1;
				else
					high = middle;
			}
			assert_true(low < count && spans[low].start <= addr);
			samples++;
		}
	}
	assert_int_equal(samples, SAMPLES);
	free(spans);
	sluice_trace_close(reader);
}

static void
test_import_processes(void **state)
{
	char *text = malloc((PID_LIST_MAX + 1) * 64), *at = text;
	struct sluice_trace_reader *reader;
	struct sluice_err err = {0, ""};

	(void)state;
	assert_non_null(text);
	for (uint32_t i = 0; i < PID_LIST_MAX; i++)
		at += sprintf(at, "x %u 1.000000: e: 1000\n", 1 + i * 7919 % 65537);
	assert_int_equal(import_text(text, (size_t)(at - text), &reader, &err), 0);
	sluice_trace_close(reader);
	at += sprintf(at, "x 70000 1.000000: e: 1000\n");
	assert_int_equal(import_text(text, (size_t)(at - text), &reader, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "input:65537: more than 65536 processes"));
	sluice_trace_close(reader);
	free(text);
}

/* A file that takes nothing any more, as on a mount that is gone: a pipe that nobody reads. */
static void
test_deaf_file(void **state)
{
	enum { COUNT = 16384 };
	struct sluice_trace_writer_options options = {.size = sizeof(options), .patience_ms = 200};
	struct sluice_trace_sample *samples = calloc(COUNT, sizeof(*samples));
	struct sluice_trace_writer_stats stats;
	struct sluice_trace_writer *writer;
	struct sluice_err err = {0, ""};
	uint64_t seed = 88172645463325252u, bytes = 0;
	char buffer[65536];
	int ends[2];
	ssize_t got;

	(void)state;
	assert_non_null(samples);
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < COUNT; i++)
		samples[i] = (struct sluice_trace_sample){.addr = next_random(&seed) >> 1,
							  .time_ns = next_random(&seed) >> 1,
							  .pid = 1,
							  .kind = SLUICE_TRACE_TOUCH};
	assert_int_equal(sluice_trace_writer_new(ends[1], &options, &writer, &err), 0);
	sluice_trace_write_samples(writer, 5, samples, COUNT);
	assert_int_equal(sluice_trace_writer_finish(writer, &stats, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, "takes nothing"));
	free(samples);
	/* Read after all, it gets everything, and its end. */
	while ((got = read(ends[0], buffer, sizeof(buffer))) > 0)
		bytes += (uint64_t)got;
	assert_int_equal(got, 0);
	assert_true(bytes > COUNT * 8);
	close(ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),          cmocka_unit_test(test_many_exits),
		cmocka_unit_test(test_state_model),      cmocka_unit_test(test_import_scattered),
		cmocka_unit_test(test_import_processes), cmocka_unit_test(test_deaf_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
