/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pmu.c - how PMUs want their events written, from sysfs (sampler/pmu_format.h), and memory
 * samples (sampler/pmu_sample.h). The first part of the input is a format, the second an event, and
 * what follows a sample, of which the first byte picks the fields.
 */
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "pmu_format.h"
#include "pmu_pace.h"
#include "pmu_sample.h"

static int
each_term(void *ctx, const char *name, uint64_t value)
{
	size_t *count = ctx;

	/* It becomes the name of a file. */
	FUZZ_REQUIRE(name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) < 64);
	(*count)++;
	return value == 0xdead ? -1 : 0;
}

static void
field(const char *text)
{
	struct pmu_code code = {0}, zero = {0};
	struct pmu_field field = {0};

	if (pmu_field_parse(text, &field) < 0)
		return;
	FUZZ_REQUIRE(field.word < 3 && field.ranges > 0 && field.ranges <= PMU_RANGES_MAX);
	for (unsigned int i = 0; i < field.ranges; i++)
		FUZZ_REQUIRE(field.range[i].low <= field.range[i].high && field.range[i].high < 64);
	FUZZ_REQUIRE(pmu_field_set(&field, 1, &code) == 0);
	/* Nothing outside of the field changes, and what was there goes. */
	FUZZ_REQUIRE(pmu_field_set(&field, 0, &code) == 0);
	FUZZ_REQUIRE(memcmp(&code, &zero, sizeof(code)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t bits[] = {PERF_SAMPLE_TID,      PERF_SAMPLE_ADDR, PERF_SAMPLE_WEIGHT,
					PERF_SAMPLE_DATA_SRC, PERF_SAMPLE_IP,   PERF_SAMPLE_TIME};
	struct pmu_sample sample;
	uint64_t fields = 0;
	size_t length, terms = 0;
	const uint8_t *part = fuzz_part(&data, &size, &length);
	char *text = fuzz_text(part, length);
	unsigned char *exact;

	field(text);
	free(text);
	part = fuzz_part(&data, &size, &length);
	text = fuzz_text(part, length);
	pmu_terms_parse(text, each_term, &terms);
	FUZZ_REQUIRE(terms <= length);
	free(text);
	if (size == 0)
		return 0;
	for (unsigned int i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		fields |= data[0] >> i & 1 ? bits[i] : 0;
	exact = malloc(size);
	FUZZ_REQUIRE(exact);
	memcpy(exact, data + 1, size - 1);
	if (pmu_sample_decode(fields, exact, size - 1, &sample) == 0) {
		FUZZ_REQUIRE(!(fields & (PERF_SAMPLE_IP | PERF_SAMPLE_TIME)));
		FUZZ_REQUIRE(sample.addr >> 55 == 0 && sample.served < PMU_SERVED_KINDS);
	}
	free(exact);
	return 0;
}
