/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_idlepages.c - /proc/PID/idle_pages of etmem: sampler/idle_pages.h. */
#include "fuzz.h"
#include "idle_pages.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct idle_pages pages = idle_pages_begin(data, size);
	struct idle_pages_run run;
	uint64_t last = 0;
	size_t count = 0;
	int bad;

	while (idle_pages_next(&pages, &run, &bad)) {
		FUZZ_REQUIRE(!bad && run.start < run.end && run.start >= last);
		FUZZ_REQUIRE(run.start % 4096 == 0 && run.end % 4096 == 0);
		FUZZ_REQUIRE(run.state <= IDLE_PAGES_HOLE);
		last = run.end;
		FUZZ_REQUIRE(++count <= size);
	}
	FUZZ_REQUIRE(pages.at == size);
	FUZZ_REQUIRE(idle_pages_next(&pages, &run, &bad) == 0);
	return 0;
}
