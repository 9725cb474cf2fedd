/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lrugen.c - /sys/kernel/debug/lru_gen: sampler/lru_gen.h. */
#include <string.h>

#include "fuzz.h"
#include "lru_gen.h"
#include "procfs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct procfs_lines lines;
	char *text;
	int error;

	lines = (struct procfs_lines){.fd = fuzz_open(data, size)};
	while ((text = procfs_lines_next(&lines, &error)) != NULL) {
		struct lru_gen_line line;
		size_t length = strlen(text);

		lru_gen_parse(text, &line);
		FUZZ_REQUIRE(line.path && strlen(line.path) <= length);
		FUZZ_REQUIRE(line.node >= 0 && line.node < 65536);
		/* So that bytes do not overflow. */
		FUZZ_REQUIRE(line.anon_pages < 1ull << 52 ||
			     line.anon_pages * 4096 / 4096 == line.anon_pages);
		if (line.kind == LRU_GEN_MEMCG)
			FUZZ_REQUIRE(line.path >= text && line.path <= text + length);
	}
	FUZZ_REQUIRE(error == 0 && lines.fd == -1);
	return 0;
}
