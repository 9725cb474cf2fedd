/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_spe.c - buffers of Arm's SPE (sampler/spe_packet.h) and whose the records in them are
 * (sampler/pmu_spe.h). The first part of the input is a row of context switches, 32 bytes each;
 * what follows lies in the buffer.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "pmu_spe.h"

#define SWITCH_BYTES 32u

struct seen {
	uint64_t records, samples;
};

static void
each_record(void *ctx, const struct spe_record *record)
{
	struct seen *seen = ctx;

	FUZZ_REQUIRE(record->addr >> 55 == 0 && !(record->is_load && record->is_store));
	for (int sources = SPE_SOURCES_UNKNOWN; sources <= SPE_SOURCES_NEOVERSE; sources++)
		FUZZ_REQUIRE(spe_served_by(record, (enum spe_sources)sources) < PMU_SERVED_KINDS);
	seen->records++;
}

static void
each_sample(void *ctx, const struct pmu_sample *sample)
{
	struct seen *seen = ctx;

	FUZZ_REQUIRE(sample->addr && sample->pid > 0 && sample->served < PMU_SERVED_KINDS);
	seen->samples++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pmu_spe *spe;
	struct spe_clock clock = {.zero = 1000, .mult = 3, .shift = 1, .known = 1};
	struct spe_tally tally = {0}, again = {0};
	struct seen seen = {0};
	uint64_t unowned = 0;
	size_t length;
	const uint8_t *part = fuzz_part(&data, &size, &length);
	unsigned char *exact = malloc(size + 1);

	FUZZ_REQUIRE(exact && pmu_spe_new(1, &spe) == 0);
	for (size_t at = 0; at + SWITCH_BYTES <= length; at += SWITCH_BYTES)
		pmu_spe_switch(spe, 0, (uint16_t)(part[at] << 8), part + at, SWITCH_BYTES);
	memcpy(exact, data, size);
	spe_walk(exact, size, each_record, &seen, &tally);
	FUZZ_REQUIRE(seen.records == tally.records);
	FUZZ_REQUIRE(tally.records + tally.broken <= size);
	if (length % 2)
		clock.mask = UINT32_MAX;
	pmu_spe_data(spe, 0, &clock, SPE_SOURCES_NEOVERSE, exact, size, each_sample, &seen, &again,
		     &unowned);
	FUZZ_REQUIRE(again.records == tally.records && seen.samples + unowned <= tally.records);
	pmu_spe_free(spe);
	free(exact);
	return 0;
}
