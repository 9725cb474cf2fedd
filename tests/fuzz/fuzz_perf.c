/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_perf.c - the records of a perf ring (sampler/perf_record.h), and in them memory samples
 * (sampler/pmu_sample.h) and DAMON's tracepoint (sampler/damon_event.h). The first part of the
 * input is the tracepoint's format file; what follows, at most a ring's worth, lies in the ring
 * from its second half on.
 */
#include <stdlib.h>
#include <string.h>

#include "damon_event.h"
#include "fuzz.h"
#include "perf_record.h"
#include "pmu_sample.h"

#define RING_BYTES 4096u

struct seen {
	struct damon_format format;
	int has_format;
	size_t bytes;
};

static void
each(void *ctx, unsigned int event, const void *payload, size_t bytes)
{
	struct seen *seen = ctx;
	struct damon_record record;
	struct pmu_sample access;
	uint32_t size;
	/* The end of the payload is the end of what may be read. */
	char *exact = malloc(bytes + 1);

	FUZZ_REQUIRE(exact && event < 2 && bytes <= RING_BYTES && (uintptr_t)payload % 8 == 0);
	memcpy(exact, payload, bytes);
	seen->bytes += bytes;
	if (pmu_sample_decode(PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_DATA_SRC, exact,
			      bytes, &access) == 0)
		FUZZ_REQUIRE(bytes >= 24 && access.served < PMU_SERVED_KINDS);
	if (seen->has_format && bytes >= 12) {
		memcpy(&size, exact + 8, 4);
		if (size <= bytes - 12 &&
		    damon_record_decode(&seen->format, exact + 12, size, &record) == 0)
			FUZZ_REQUIRE(record.start < record.end && record.start % 4096 == 0);
	}
	free(exact);
}

static void
other(void *ctx, const struct perf_event_header *header, const void *body, size_t bytes)
{
	struct seen *seen = ctx;
	char *exact = malloc(bytes + 1);

	FUZZ_REQUIRE(exact && header->type != PERF_RECORD_SAMPLE && bytes <= RING_BYTES);
	memcpy(exact, body, bytes);
	seen->bytes += bytes;
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct perf_id ids[] = {{11, 0}, {12, 1}};
	struct seen seen = {.bytes = 0};
	char *wrapped = malloc(PERF_RECORD_BYTES_MAX), *ring = calloc(1, RING_BYTES), *format;
	const struct perf_handlers handlers = {each, other, &seen};
	struct perf_tally tally = {0};
	uint64_t tail = RING_BYTES * 3 + RING_BYTES / 2;
	size_t length;
	const uint8_t *part = fuzz_part(&data, &size, &length);

	FUZZ_REQUIRE(wrapped && ring);
	format = fuzz_text(part, length);
	seen.has_format = damon_format_parse(format, &seen.format) == 0;
	if (size > RING_BYTES)
		size = RING_BYTES;
	for (size_t i = 0; i < size; i++)
		ring[(tail + i) % RING_BYTES] = (char)data[i];
	perf_records_walk(ring, RING_BYTES, tail, tail + size, ids, 2, wrapped, &handlers, &tally);
	FUZZ_REQUIRE(tally.torn <= 1);
	FUZZ_REQUIRE(seen.bytes <= size);
	free(format);
	free(ring);
	free(wrapped);
	return 0;
}
