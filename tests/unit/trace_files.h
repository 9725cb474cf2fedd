/* SPDX-License-Identifier: Apache-2.0 */
/* trace_files.h - traces for tests: one with everything in it, and files of any bytes. */
#ifndef TRACE_FILES_H
#define TRACE_FILES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/trace.h"

#define TRACE_PAGE 4096u

struct trace_bytes_of {
	uint8_t *at;
	size_t count;
};

static inline int
memory_file(const uint8_t *bytes, size_t count)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (count)
		assert_int_equal(write(fd, bytes, count), (ssize_t)count);
	return fd;
}

static inline struct trace_bytes_of
bytes_of(int fd)
{
	struct trace_bytes_of ret;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	ret.count = (size_t)st.st_size;
	ret.at = malloc(ret.count + 1);
	assert_int_equal(pread(fd, ret.at, ret.count, 0), (ssize_t)ret.count);
	return ret;
}

static inline struct sluice_trace_reader *
open_bytes(const uint8_t *bytes, size_t count)
{
	struct sluice_trace_reader *reader = NULL;
	struct sluice_err err = {0, ""};

	if (sluice_trace_open_fd(memory_file(bytes, count), "test", &reader, &err) < 0) {
		assert_true(err.msg[0] != '\0');
		return NULL;
	}
	return reader;
}

static const struct sluice_trace_sample trace_all_samples[] = {
	{0x7f0000000000, 2u << 20, 1000000, 77, SLUICE_TRACE_ARMED, 512, 0, 3, 0},
	{0x7f0000003000, 0, 1200000, 77, SLUICE_TRACE_TOUCH, 0, 0, 0, 0},
	{0x7f0000001000, 0, 1200000, 77, SLUICE_TRACE_TOUCH, 0, 0, 0, 0},
	{0x7f0000000000, 65536, 1500000, 78, SLUICE_TRACE_RATE, 2.5f, 0.1f, 0, 1.25f},
	{0x7f0000010000, 4096, 1500000, 78, SLUICE_TRACE_RATE, 20, 0.1f, 0, 1.25f},
	{0x7f0000004000, 8192, 1600000, 77, SLUICE_TRACE_SEEN, 0, 0, 0, 0},
	{0, 0, 1700000, 77, SLUICE_TRACE_COUNTING, 10007, 0, 0, 0},
	{0x7f0000005000, 0, 1800000, 77, SLUICE_TRACE_COUNT, 10007, 0, 0, 0.5f},
	{0x0000000000001234, 17, 1700000, -5, SLUICE_TRACE_EXACT, 16777218, 3e-9f, 0, 0},
	{0xfffffffffffff000, 4095, 90000, INT32_MIN, SLUICE_TRACE_EXACT, 3e38f, 0, 0xffffffff, 0},
};
#define TRACE_ALL_SAMPLES (sizeof(trace_all_samples) / sizeof(trace_all_samples[0]))

static const struct sluice_trace_span trace_all_spans[] = {
	{0x1000, 0x2000}, {0x2000, 0x5000}, {0x7f0000000000, 0x7f0000400000}};
static const struct sluice_trace_tier trace_all_tiers[] = {
	{8ull << 30, 1ull << 30, 80, 100000, 1, 0}, {32ull << 30, 32ull << 30, 250, 0, 3, 0}};
static const struct sluice_trace_move trace_all_moves[] = {
	{0x7f0000001000, 4096, SLUICE_TRACE_MOVED, 0, {0, 0}},
	{0x7f0000002000, 4096, SLUICE_TRACE_MOVED, 0, {0, 0}},
	{0x7f0000000000, 2u << 20, SLUICE_TRACE_BUSY, 1, {0, 0}},
	{0x7f0000009000, 4096, SLUICE_TRACE_GONE, SLUICE_TRACE_ABSENT, {0, 0}}};

static inline void
all_pages(uint8_t tiers[512], unsigned int seed)
{
	for (unsigned int i = 0; i < 512; i++)
		tiers[i] = i < 100         ? 0
			   : i % seed == 0 ? SLUICE_TRACE_ABSENT
					   : (uint8_t)(i / 100 % 2);
}

/* One of each kind of item, `rounds` times, 10 ms apart; the second time begins at 20 ms. */
static inline struct trace_bytes_of
trace_of_all(unsigned int rounds, struct sluice_trace_writer_options options)
{
	struct sluice_trace_writer *writer;
	struct sluice_trace_writer_stats stats;
	struct sluice_err err = {0, ""};
	struct trace_bytes_of ret;
	uint8_t tiers[512];
	int fd = memory_file(NULL, 0), copy = dup(fd);

	options.size = sizeof(options);
	options.waits = 1;
	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, &err), 0);
	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t now = 10000000ull * (i + 1);

		sluice_trace_write_meta(writer, now, "command", "a b c");
		sluice_trace_write_tiers(writer, now, trace_all_tiers, 2);
		sluice_trace_write_process(writer, now, 77, "first");
		sluice_trace_write_spans(writer, now, 77, trace_all_spans, 3);
		all_pages(tiers, 7);
		sluice_trace_write_residency(writer, now + 1, 77, 0x7f0000000000, 2u << 20, tiers,
					     0);
		memset(tiers, 1, sizeof(tiers));
		sluice_trace_write_residency(writer, now + 2, 77, 0x7f0000200000, 2u << 20, tiers,
					     1);
		sluice_trace_write_samples(writer, now + 3, trace_all_samples, TRACE_ALL_SAMPLES);
		sluice_trace_write_moves(writer, now + 4, 77, 0, 12345, trace_all_moves, 4);
		sluice_trace_write_process(writer, now + 5, 78, "second");
		sluice_trace_write_exit(writer, now + 6, 78);
	}
	assert_int_equal(sluice_trace_writer_finish(writer, &stats, &err), 0);
	assert_int_equal(stats.lost_items, 0);
	assert_int_equal(stats.lost_samples, 0);
	assert_int_equal(stats.samples, rounds * TRACE_ALL_SAMPLES);
	ret = bytes_of(copy);
	assert_int_equal(stats.file_bytes, ret.count);
	close(copy);
	return ret;
}

#endif
