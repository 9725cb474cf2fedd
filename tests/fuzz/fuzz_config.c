/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - the configuration file: service/config.h, and what options accept. */
#include <string.h>

#include "config.h"
#include "fuzz.h"

/* Whatever a file says, values in effect are within the table's bounds, and have their form. */
static void
check_values(const struct options *options)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_table[id];
		double number = options_number(options, (enum option_id)id);

		FUZZ_REQUIRE(options_count(options, (enum option_id)id) <= row->max_count);
		if (row->min < row->max)
			FUZZ_REQUIRE(number >= row->min && number <= row->max);
		for (size_t i = 0; i < options_count(options, (enum option_id)id); i++) {
			const char *text = options_text(options, (enum option_id)id, i);

			if (row->type == OPTION_PATH)
				FUZZ_REQUIRE(text[0] == '/');
			if (row->type == OPTION_SETTING)
				FUZZ_REQUIRE(text[0] != '=' && strchr(text, '='));
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options *options = options_new();
	struct sluice_err err = {0, ""};
	char path[128];
	int r;

	FUZZ_REQUIRE(options);
	fuzz_write("sluice.conf", data, size);
	snprintf(path, sizeof(path), "%s/sluice.conf", fuzz_folder());
	r = config_read(path, options, &err);
	/* A refusal names the file, and the line where that is known. */
	FUZZ_REQUIRE(r == 0 || (r < 0 && err.code == r && strstr(err.msg, "sluice.conf")));
	check_values(options);
	options_free(options);
	return 0;
}
