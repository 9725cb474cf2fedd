/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_import.c - other tools' recordings of any bytes: the first one says which tool's. */
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "import.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sluice_trace_writer_options write = {.size = sizeof(write), .waits = 1};
	struct import_options options = {0};
	struct import_stats stats = {0};
	struct sluice_trace_writer *writer;
	struct sluice_err err = {0, ""};
	FILE *in;
	int r;

	if (!size)
		return 0;
	in = fdopen(fuzz_open(data + 1, size - 1), "r");
	FUZZ_REQUIRE(in);
	FUZZ_REQUIRE(sluice_trace_writer_new(fuzz_open(NULL, 0), &write, &writer, &err) == 0);
	if (data[0] == 'p')
		r = import_perf(in, "fuzz", &options, writer, &stats, &err);
	else if (data[0] == 'd')
		r = import_damo(in, "fuzz", &options, writer, &stats, &err);
	else
		r = import_lackey(in, "fuzz", &options, writer, &stats, &err);
	FUZZ_REQUIRE(r == 0 || err.msg[0]);
	fclose(in);
	FUZZ_REQUIRE(sluice_trace_writer_finish(writer, NULL, &err) == 0);
	return 0;
}
