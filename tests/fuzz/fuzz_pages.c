/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pages.c - entries of /proc/PID/pagemap as runs of pages: sampler/pagemap_runs.h, scan_out.h.
 */
#include <string.h>

#include "fuzz.h"
#include "pagemap_runs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scan_out out;
	static struct sample samples[SCAN_SLICE_SAMPLES];
	uint64_t entries[HEAT_REGION_PAGES] = {0}, bits[SCAN_WORDS];
	struct scan_slice slice = {.pid = 7, .addr = 0x10000000};
	uint32_t found, told = 0;
	uint64_t last = 0;
	size_t count;

	if (size > sizeof(entries))
		size = sizeof(entries);
	memcpy(entries, data, size);
	slice.pages = (uint32_t)(size / 8);
	if (!out.pending)
		FUZZ_REQUIRE(scan_out_init(&out, 0, NULL) == 0);
	found = pagemap_bits(entries, slice.pages, PAGEMAP_PRESENT | PAGEMAP_SOFT_DIRTY, bits);
	FUZZ_REQUIRE(found <= slice.pages);
	FUZZ_REQUIRE(scan_out_seen(&out, &slice, bits, 1) == found);
	count = scan_out_take(&out, samples, SCAN_SLICE_SAMPLES);
	FUZZ_REQUIRE(out.count == 0);
	for (size_t i = 0; i < count; i++) {
		FUZZ_REQUIRE(samples[i].addr >= slice.addr && samples[i].len_bytes > 0);
		/* Runs do not touch, or they would be one. */
		FUZZ_REQUIRE(i == 0 || samples[i].addr > last);
		last = samples[i].addr + samples[i].len_bytes;
		FUZZ_REQUIRE(last <= slice.addr + slice.pages * 4096ull);
		told += (uint32_t)(samples[i].len_bytes / 4096);
	}
	FUZZ_REQUIRE(told == found);
	return 0;
}
