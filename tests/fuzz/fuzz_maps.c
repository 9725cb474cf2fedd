/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_maps.c - /proc/PID/maps, numa_maps and smaps of a target, parted by a line "==": which
 * mappings may be moved (mover/spans.h). A second maps behind them is what a later look finds.
 */
#include <unistd.h>

#include "fuzz.h"
#include "spans.h"

#define PID 42
#define SPANS 64

static void
put(const char *name, const uint8_t **data, size_t *size)
{
	char path[64];
	size_t length;
	const uint8_t *part = fuzz_part(data, size, &length);

	snprintf(path, sizeof(path), "proc/%d/%s", PID, name);
	fuzz_write(path, part, length);
}

static void
look(struct spans *spans, uint64_t now_ns)
{
	struct heat_span list[SPANS];
	uint64_t pinned_bytes = 0;
	size_t count = 0;
	int r = spans_get(spans, PID, now_ns, list, SPANS, &count, &pinned_bytes, NULL);

	FUZZ_REQUIRE(r <= 0 && count <= SPANS);
	for (size_t i = 0; r == 0 && i < count; i++) {
		FUZZ_REQUIRE(list[i].start < list[i].end);
		FUZZ_REQUIRE(list[i].start % 4096 == 0 && list[i].end % 4096 == 0);
		FUZZ_REQUIRE(i == 0 || list[i - 1].end <= list[i].start);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char stat[] =
		"42 (a) b) S 1 42 42 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0\n";
	struct spans *spans;

	fuzz_write("proc/42/stat", stat, sizeof(stat) - 1);
	put("maps", &data, &size);
	put("numa_maps", &data, &size);
	put("smaps", &data, &size);
	FUZZ_REQUIRE(spans_new(fuzz_folder(), &spans, NULL) == 0);
	look(spans, 1000000000u);
	look(spans, 1100000000u);
	if (size)
		put("maps", &data, &size);
	look(spans, 100000000000u);
	spans_free(spans);
	return 0;
}
