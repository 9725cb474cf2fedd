/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_smaps.c - /proc/PID/smaps as the smaps sampler reads it: sampler/smaps_entry.h. */
#include <math.h>

#include "fuzz.h"
#include "smaps_entry.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct procfs_lines lines;
	struct smaps_entry entry = {0};
	const char *line;
	int error;

	lines = (struct procfs_lines){.fd = fuzz_open(data, size)};
	while ((line = procfs_lines_next(&lines, &error)) != NULL) {
		struct sample sample;

		if (!smaps_entry_line(&entry, line, 0.5, &sample))
			continue;
		FUZZ_REQUIRE(sample.kind == SAMPLE_RATE && sample.len_bytes > 0);
		FUZZ_REQUIRE(sample.addr + sample.len_bytes > sample.addr);
		FUZZ_REQUIRE(isfinite(sample.events) && sample.events >= 0);
		FUZZ_REQUIRE(sample.exposure_s > 0);
	}
	FUZZ_REQUIRE(error == 0 && lines.fd == -1);
	return 0;
}
