/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_trace.c - a trace of any bytes, read to its end, sought in, and drawn; and the data of a
 * block of any bytes, without the checksum that keeps most of the former from being reached.
 */
#include <float.h>
#include <unistd.h>

#include "fuzz.h"
#include "heat_views.h"
#include "trace_block.h"
#include "trace_state.h"

static void
check_sample(const struct sluice_trace_sample *s)
{
	FUZZ_REQUIRE(s->kind < SLUICE_TRACE_SAMPLE_KINDS);
	FUZZ_REQUIRE(s->addr + s->len_bytes >= s->addr);
	FUZZ_REQUIRE(s->events >= 0 && s->events <= FLT_MAX);
	FUZZ_REQUIRE(s->exposure_s >= 0 && s->exposure_s <= FLT_MAX);
	FUZZ_REQUIRE(s->spread >= 0 && s->spread <= FLT_MAX);
}

static void
check_item(const struct sluice_trace_item *item)
{
	FUZZ_REQUIRE(item->kind < SLUICE_TRACE_ITEM_KINDS);
	switch (item->kind) {
	case SLUICE_TRACE_SAMPLES:
		FUZZ_REQUIRE(item->count <= SLUICE_TRACE_BATCH_MAX);
		for (size_t i = 0; i < item->count; i++)
			check_sample(&item->samples[i]);
		break;
	case SLUICE_TRACE_SPANS:
		for (size_t i = 0; i < item->count; i++)
			FUZZ_REQUIRE(item->spans[i].start < item->spans[i].end &&
				     (i == 0 || item->spans[i - 1].end <= item->spans[i].start));
		break;
	case SLUICE_TRACE_RESIDENCY:
		FUZZ_REQUIRE(item->count > 0 && item->count <= SLUICE_TRACE_REGION_PAGES);
		for (size_t i = 0; i < item->count; i++)
			FUZZ_REQUIRE(item->tiers[i] < SLUICE_TRACE_TIERS_MAX ||
				     item->tiers[i] == SLUICE_TRACE_ABSENT);
		break;
	case SLUICE_TRACE_MOVES:
		FUZZ_REQUIRE(item->count <= SLUICE_TRACE_MOVES_MAX);
		FUZZ_REQUIRE(item->tier < SLUICE_TRACE_TIERS_MAX);
		for (size_t i = 0; i < item->count; i++)
			FUZZ_REQUIRE(item->moves[i].outcome < SLUICE_TRACE_OUTCOMES);
		break;
	default:
		break;
	}
}

static void
draw(struct sluice_trace_reader *reader)
{
	struct heat_map *map = NULL;
	struct sluice_err err = {0, ""};
	FILE *nowhere = fopen("/dev/null", "we");
	json_t *json;

	FUZZ_REQUIRE(nowhere);
	if (heat_map_new(reader, 0, 10, 20, &map, &err) == 0) {
		FUZZ_REQUIRE(map->rows >= 1 && map->rows <= 10);
		heat_text_print(map, nowhere);
		heat_html_print(map, nowhere);
		json = heat_json(map);
		json_decref(json);
		heat_map_free(map);
	} else {
		FUZZ_REQUIRE(err.msg[0]);
	}
	fclose(nowhere);
}

static void
read_file(const uint8_t *data, size_t size)
{
	struct sluice_trace_reader *reader = NULL;
	const struct sluice_trace_item *item;
	struct sluice_trace_info info;
	struct sluice_err err = {0, ""};
	uint64_t last_ns = 0;

	if (sluice_trace_open_fd(fuzz_open(data, size), "fuzz", &reader, &err) < 0) {
		FUZZ_REQUIRE(err.msg[0]);
		return;
	}
	while (sluice_trace_next(reader, &item, &err) == 1) {
		FUZZ_REQUIRE(item->time_ns >= last_ns);
		last_ns = item->time_ns;
		check_item(item);
	}
	sluice_trace_get_info(reader, &info);
	FUZZ_REQUIRE(info.file_bytes == size);
	if (sluice_trace_seek(reader, info.first_ns / 2 + info.last_ns / 2, &err) == 0) {
		while (sluice_trace_next(reader, &item, &err) == 1)
			check_item(item);
	}
	draw(reader);
	sluice_trace_close(reader);
}

static void
read_block(const uint8_t *data, size_t size)
{
	static struct decoder decoder;
	static struct sluice_trace_sample samples[SLUICE_TRACE_BATCH_MAX];
	static struct item_room room;
	struct format_header header = {.time_shift = 16};
	struct trace_state *state = trace_state_new(TRACE_STATE_BYTES_MAX);
	struct packed_item packed;
	struct sluice_trace_item item;
	size_t count = 0;
	struct trace_state_place place = {0};

	FUZZ_REQUIRE(state);
	if (decoder_begin(&decoder, &header, data, size) == 0) {
		while (decoder_next(&decoder, &packed, samples, &count) == 1) {
			if (packed.kind == SLUICE_TRACE_SAMPLES) {
				for (size_t i = 0; i < count; i++)
					check_sample(&samples[i]);
			} else if (item_get(&packed, &room, &item) == 0) {
				check_item(&item);
				FUZZ_REQUIRE(trace_state_take(state, &packed) >= 0);
			}
		}
	}
	while (trace_state_next(state, &place, &packed))
		FUZZ_REQUIRE(item_get(&packed, &room, &item) == 0);
	trace_state_free(state);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 'b')
		read_block(data + 1, size - 1);
	else
		read_file(data, size);
	return 0;
}
