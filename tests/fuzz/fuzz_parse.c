/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_parse.c - numbers with units, from command lines and configurations: base/parse.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "parse.h"

#define CANARY 0xdeadbeefcafef00du

/* Everything is understood or refused with a sentence, and a refusal leaves the output alone. */
static void
check_u64(int r, uint64_t value, const struct sluice_err *err)
{
	if (r < 0) {
		FUZZ_REQUIRE(value == CANARY);
		FUZZ_REQUIRE(err->code == r && err->msg[0] != '\0');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sluice_err err = {0, ""};
	uint64_t bytes = CANARY, value;
	char *text = fuzz_text(data, size), shown[16];
	double percent = -1;
	int flag = -1, r;

	r = parse_size(text, &bytes, &err);
	check_u64(r, bytes, &err);
	if (r == 0) {
		uint64_t again = 0;

		FUZZ_REQUIRE(strchr(text, '-') == NULL && strchr(text, ' ') == NULL);
		/* What we show, people may type: it is read back within what rounding took. */
		FUZZ_REQUIRE(strlen(format_size(bytes, shown, sizeof(shown))) < sizeof(shown) - 1);
		memmove(strchr(shown, ' '), strchr(shown, ' ') + 1, strlen(strchr(shown, ' ')));
		if (parse_size(shown, &again, &err) == 0)
			FUZZ_REQUIRE(again >= bytes - bytes / 8 && again / 8 <= bytes / 7);
		else
			FUZZ_REQUIRE(err.code == -ERANGE && bytes > UINT64_MAX / 16 * 15);
	}
	value = CANARY;
	r = parse_rate(text, &value, &err);
	check_u64(r, value, &err);
	if (r == 0 && bytes != CANARY)
		FUZZ_REQUIRE(value == bytes);
	value = CANARY;
	r = parse_u64(text, 10, 1000000, &value, &err);
	check_u64(r, value, &err);
	if (r == 0)
		FUZZ_REQUIRE(value >= 10 && value <= 1000000);
	value = CANARY;
	check_u64(parse_duration_ms(text, &value, &err), value, &err);
	r = parse_percent(text, &percent, &err);
	FUZZ_REQUIRE(r == 0 ? percent >= 0 && percent <= 100 : percent == -1);
	r = parse_bool(text, &flag, &err);
	FUZZ_REQUIRE(r == 0 ? flag == 0 || flag == 1 : flag == -1);
	free(text);
	return 0;
}
