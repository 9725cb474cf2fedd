/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_pull.c - JSON token by token: what comes out, what is refused, and what is passed over.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "json_pull.h"

static int
next_of_text(void *ctx)
{
	const char **text = ctx;

	return **text ? (unsigned char)*(*text)++ : -1;
}

/* The tokens as letters, with the texts of those that have one: "[ k:a n:1 ]". */
static const char *
tokens(const char *text)
{
	static const char letters[] = ".{}[]ktn0+-!";
	static char out[4096];
	struct json_pull pull;
	enum json_pull_token token;
	size_t used = 0;

	json_pull_begin(&pull, next_of_text, &text);
	do {
		token = json_pull_next(&pull);
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%c", letters[token]);
		if (token == JSON_PULL_KEY || token == JSON_PULL_TEXT || token == JSON_PULL_NUMBER)
			used += (size_t)snprintf(out + used, sizeof(out) - used, ":%s ", pull.text);
	} while (token != JSON_PULL_END && token != JSON_PULL_BAD && used < sizeof(out) - 200);
	assert_int_equal(json_pull_next(&pull), token);
	if (token == JSON_PULL_BAD)
		assert_non_null(pull.why);
	return out;
}

static void
reads(void **unused)
{
	(void)unused;
	assert_string_equal(tokens("[]"), "[].");
	assert_string_equal(tokens(" { } \n"), "{}.");
	assert_string_equal(tokens("{\"a\":1,\"b\":[true,false,null,\"x\"]}"),
			    "{k:a n:1 k:b [+-0t:x ]}.");
	assert_string_equal(tokens("-1.5e+3"), "n:-1.5e+3 .");
	assert_string_equal(tokens("\"a\\\"b\\u00e9\""), "t:a?b?00e9 .");
	assert_string_equal(tokens("[[[1]],{\"\":{}}]"), "[[[n:1 ]]{k: {}}].");
}

static void
refuses(void **unused)
{
	static const char *const wrong[] = {
		"",      "[",     "]",       "[1",       "[1,]",       "[,1]",
		"[1 2]", "{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}",
		"[}",    "{]",    "nul",     "[truex]",  "\"abc",      "\"a\nb\"",
		"1 2",   "{} {}", "[\"a\\",  "\x01",     "[\"\\\n\"]", "'a'",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *out = tokens(wrong[i]);

		if (out[strlen(out) - 1] != '!')
			fail_msg("'%s' gives '%s'", wrong[i], out);
	}
}

static void
depth_and_length(void **unused)
{
	char text[2 * JSON_PULL_DEPTH_MAX + 4], longer[JSON_PULL_TEXT_BYTES + 100];
	struct json_pull pull;
	const char *at = longer;

	(void)unused;
	memset(text, '[', JSON_PULL_DEPTH_MAX);
	memset(text + JSON_PULL_DEPTH_MAX, ']', JSON_PULL_DEPTH_MAX);
	text[2 * JSON_PULL_DEPTH_MAX] = '\0';
	assert_non_null(strchr(tokens(text), '.'));
	memset(text, '[', JSON_PULL_DEPTH_MAX + 1);
	assert_non_null(strchr(tokens(text), '!'));
	memset(longer, 'a', sizeof(longer));
	longer[0] = longer[sizeof(longer) - 2] = '"';
	longer[sizeof(longer) - 1] = '\0';
	json_pull_begin(&pull, next_of_text, &at);
	assert_int_equal(json_pull_next(&pull), JSON_PULL_TEXT);
	assert_int_equal(strlen(pull.text), JSON_PULL_TEXT_BYTES - 1);
	assert_int_equal(json_pull_next(&pull), JSON_PULL_END);
}

static void
skips(void **unused)
{
	const char *text = "[{\"a\":[1,{\"b\":[]}],\n\"c\":2},3,\n4]";
	struct json_pull pull;

	(void)unused;
	json_pull_begin(&pull, next_of_text, &text);
	assert_int_equal(json_pull_next(&pull), JSON_PULL_ARRAY);
	assert_int_equal(json_pull_skip(&pull, json_pull_next(&pull)), 0);
	assert_int_equal(json_pull_skip(&pull, json_pull_next(&pull)), 0);
	assert_string_equal(pull.text, "3");
	assert_int_equal(json_pull_next(&pull), JSON_PULL_NUMBER);
	assert_string_equal(pull.text, "4");
	assert_int_equal(pull.line, 3);
	text = "[[1,";
	json_pull_begin(&pull, next_of_text, &text);
	assert_int_equal(json_pull_skip(&pull, json_pull_next(&pull)), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(depth_and_length),
		cmocka_unit_test(skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
