/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bandwidth.c - how many bytes a second all CPUs of a node get together: each thread streams
 * through a part of the arena that is its own. Fewer threads sometimes get more (Optane memory and
 * expanders are like that), so as far as time goes fewer are tried too, and the best counts.
 */
#include <stdlib.h>

#include "now.h"
#include "passes.h"
#include "streams.h"

#define COUNTS_MAX 5            /* of threads to try: all, half, a quarter ... */
#define FIRST_BYTES (64u << 10) /* of a thread's first pass, then four times as much */
#define COUNT_NS_MIN 60000000u  /* less time is not worth another count of threads */
#define THREAD_BYTES_MIN (12u << 10)

struct times {
	_Alignas(128) uint64_t start_ns;
	uint64_t end_ns;
};

struct stream {
	enum measure_what what;
	char *arena;
	size_t part_bytes; /* of the arena, for each thread */
	size_t bytes;      /* of them in a pass */
	size_t offset;
	struct times *times;
};

static void
pass_job(void *ctx, struct crew *crew, size_t index)
{
	struct stream *stream = ctx;
	char *at = stream->arena + index * stream->part_bytes + stream->offset;
	size_t third = stream->bytes / 3 / STREAMS_UNIT_BYTES * STREAMS_UNIT_BYTES;

	streams_flush(at, stream->bytes);
	streams_fence();
	crew_meet(crew);
	stream->times[index].start_ns = now_ns();
	switch (stream->what) {
	case MEASURE_READ:
		streams_read(at, stream->bytes);
		break;
	case MEASURE_WRITE:
		streams_write(at, stream->bytes);
		break;
	default:
		streams_mixed(at, at + third, at + 2 * third, third);
		break;
	}
	stream->times[index].end_ns = now_ns();
}

/* Bytes per microsecond (10^6 a second) from the first start to the last end. */
static double
run_pass(struct stream *stream, struct crew *crew, size_t threads)
{
	uint64_t start_ns = UINT64_MAX, end_ns = 0;
	size_t bytes = stream->bytes;

	crew_run(crew, threads, pass_job, stream);
	for (size_t i = 0; i < threads; i++) {
		if (stream->times[i].start_ns < start_ns)
			start_ns = stream->times[i].start_ns;
		if (stream->times[i].end_ns > end_ns)
			end_ns = stream->times[i].end_ns;
	}
	if (stream->what == MEASURE_MIXED)
		bytes = bytes / 3 / STREAMS_UNIT_BYTES * STREAMS_UNIT_BYTES * 3;
	/* The next pass goes on where this one ended. */
	stream->offset += stream->bytes;
	if (stream->offset + stream->bytes > stream->part_bytes)
		stream->offset = 0;
	return (double)(bytes * threads) * 1000 /
	       (double)(end_ns > start_ns ? end_ns - start_ns : 1);
}

/* All passes with one count of threads. Passes grow until they take a fair part of the time; only
 * those of the final size count, the last one tried where none fits better. */
static int
try_threads(struct stream *stream, struct crew *crew, const struct arena *arena, size_t threads,
	    uint64_t until_ns, int (*tick)(void *ctx), void *ctx, struct measure_figure *ret)
{
	struct passes passes = {.count = 0};

	stream->part_bytes = arena->bytes / threads / STREAMS_UNIT_BYTES * STREAMS_UNIT_BYTES;
	if (stream->part_bytes < THREAD_BYTES_MIN)
		return -ETIMEDOUT;
	stream->offset = 0;
	stream->bytes = stream->part_bytes < FIRST_BYTES ? stream->part_bytes : FIRST_BYTES;
	while (passes.count < PASSES_MAX) {
		uint64_t start_ns = now_ns(), took_ns;
		double value;

		if (start_ns >= until_ns)
			break;
		if (tick(ctx))
			return -ECANCELED;
		value = run_pass(stream, crew, threads);
		took_ns = now_ns() - start_ns;
		if (stream->bytes < stream->part_bytes &&
		    (took_ns + 100000) * 4 * PASSES_MAX / 2 < until_ns - start_ns) {
			stream->bytes = stream->bytes * 4 < stream->part_bytes ? stream->bytes * 4
									       : stream->part_bytes;
			stream->offset = 0;
			passes.count = 0;
			continue;
		}
		passes.values[passes.count++] = value;
	}
	return passes_figure(&passes, threads, ret);
}

int
bandwidth_measure(struct crew *crew, const struct arena *arena, enum measure_what what,
		  uint64_t until_ns, int (*tick)(void *ctx), void *ctx, struct measure_figure *ret)
{
	struct stream stream = {.what = what, .arena = arena->base};
	struct measure_figure best = {0};
	size_t threads = crew_count(crew), counts = 1;
	int r = 0;

	while (counts < COUNTS_MAX && threads >> counts > 0)
		counts++;
	stream.times = aligned_alloc(_Alignof(struct times), threads * sizeof(*stream.times));
	if (!stream.times)
		return -ENOMEM;
	for (; counts > 0 && threads > 0; counts--, threads /= 2) {
		struct measure_figure figure = {0};
		uint64_t start_ns = now_ns();
		uint64_t left_ns = until_ns > start_ns ? until_ns - start_ns : 0;

		/* The first, all threads, in any case; its time is what later ones need not have.
		 */
		if (best.value > 0 && left_ns < COUNT_NS_MIN)
			break;
		if (left_ns / counts > COUNT_NS_MIN)
			left_ns /= counts;
		r = try_threads(&stream, crew, arena, threads, start_ns + left_ns, tick, ctx,
				&figure);
		if (r == -ECANCELED)
			break;
		if (r == 0 && figure.value > best.value)
			best = figure;
	}
	free(stream.times);
	if (r == -ECANCELED || !(best.value > 0))
		return r < 0 ? r : -ETIMEDOUT;
	*ret = best;
	return 0;
}
