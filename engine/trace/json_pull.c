/* SPDX-License-Identifier: Apache-2.0 */
/* json_pull.c - see json_pull.h. */
#include "json_pull.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum {
	WANTS_VALUE,
	WANTS_FIRST, /* a value or the array's end */
	WANTS_KEY,
	WANTS_FIRST_KEY, /* a key or the object's end */
	WANTS_MORE,      /* a comma or the end of what is open */
	WANTS_NOTHING,
	WANTS_LOST /* after what was bad */
};

void
json_pull_begin(struct json_pull *pull, int (*next)(void *ctx), void *ctx)
{
	memset(pull, 0, sizeof(*pull));
	pull->next = next;
	pull->ctx = ctx;
	pull->line = 1;
	pull->wants = WANTS_VALUE;
}

static int
take(struct json_pull *pull)
{
	int c = pull->has_ahead ? pull->ahead : pull->next(pull->ctx);

	pull->has_ahead = 0;
	pull->line += c == '\n';
	return c;
}

static void
give_back(struct json_pull *pull, int c)
{
	pull->line -= c == '\n';
	pull->ahead = c;
	pull->has_ahead = 1;
}

static int
take_solid(struct json_pull *pull)
{
	int c = take(pull);

	while (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		c = take(pull);
	return c;
}

static enum json_pull_token
bad(struct json_pull *pull, const char *why)
{
	if (pull->wants != WANTS_LOST)
		pull->why = why;
	pull->wants = WANTS_LOST;
	return JSON_PULL_BAD;
}

static void
keep(struct json_pull *pull, size_t *length, int c)
{
	if (*length < sizeof(pull->text) - 1)
		pull->text[(*length)++] = (char)c;
	pull->text[*length] = '\0';
}

/* Behind the opening quote. */
static int
read_text(struct json_pull *pull)
{
	size_t length = 0;

	pull->text[0] = '\0';
	for (;;) {
		int c = take(pull);

		if (c == '"')
			return 1;
		if (c < 0x20)
			return 0;
		if (c == '\\') {
			/* The digits of \u are kept as they are: nobody looks at such texts. */
			if (take(pull) < 0x20)
				return 0;
			c = '?';
		}
		keep(pull, &length, c);
	}
}

static enum json_pull_token
read_word(struct json_pull *pull, int c)
{
	size_t length = 0;

	while (c >= 0 && (isalnum(c) || c == '.' || c == '+' || c == '-')) {
		keep(pull, &length, c);
		c = take(pull);
	}
	give_back(pull, c);
	if (!length)
		return bad(pull, "no value");
	if (strcmp(pull->text, "null") == 0)
		return JSON_PULL_NULL;
	if (strcmp(pull->text, "true") == 0)
		return JSON_PULL_TRUE;
	if (strcmp(pull->text, "false") == 0)
		return JSON_PULL_FALSE;
	if (pull->text[0] != '-' && !isdigit((unsigned char)pull->text[0]))
		return bad(pull, "a word that JSON does not have");
	return JSON_PULL_NUMBER;
}

static void
value_ended(struct json_pull *pull)
{
	pull->wants = pull->depth ? WANTS_MORE : WANTS_NOTHING;
}

static enum json_pull_token
open_one(struct json_pull *pull, int is_object)
{
	if (pull->depth == JSON_PULL_DEPTH_MAX)
		return bad(pull, "too many levels");
	pull->is_object[pull->depth++] = (uint8_t)is_object;
	pull->wants = is_object ? WANTS_FIRST_KEY : WANTS_FIRST;
	return is_object ? JSON_PULL_OBJECT : JSON_PULL_ARRAY;
}

static enum json_pull_token
close_one(struct json_pull *pull, int is_object)
{
	if (!pull->depth || pull->is_object[pull->depth - 1] != is_object)
		return bad(pull, "an end of what was not begun");
	pull->depth--;
	value_ended(pull);
	return is_object ? JSON_PULL_OBJECT_END : JSON_PULL_ARRAY_END;
}

static enum json_pull_token
read_value(struct json_pull *pull, int c)
{
	enum json_pull_token token;

	if (c == '{' || c == '[')
		return open_one(pull, c == '{');
	if (c == '"')
		token = read_text(pull) ? JSON_PULL_TEXT : bad(pull, "a text without an end");
	else
		token = read_word(pull, c);
	if (token != JSON_PULL_BAD)
		value_ended(pull);
	return token;
}

static enum json_pull_token
read_key(struct json_pull *pull, int c)
{
	if (c != '"' || !read_text(pull))
		return bad(pull, "no key");
	if (take_solid(pull) != ':')
		return bad(pull, "no ':' after a key");
	pull->wants = WANTS_VALUE;
	return JSON_PULL_KEY;
}

enum json_pull_token
json_pull_next(struct json_pull *pull)
{
	int c;

	if (pull->wants == WANTS_LOST)
		return JSON_PULL_BAD;
	c = take_solid(pull);
	if (pull->wants == WANTS_NOTHING) {
		if (c >= 0)
			return bad(pull, "more than one value");
		give_back(pull, c);
		return JSON_PULL_END;
	}
	if (c < 0)
		return bad(pull, "it ends too early");
	if (pull->wants == WANTS_MORE) {
		if (c == '}' || c == ']')
			return close_one(pull, c == '}');
		if (c != ',')
			return bad(pull, "no comma between two values");
		pull->wants = pull->is_object[pull->depth - 1] ? WANTS_KEY : WANTS_VALUE;
		c = take_solid(pull);
	}
	if ((pull->wants == WANTS_FIRST && c == ']') ||
	    (pull->wants == WANTS_FIRST_KEY && c == '}'))
		return close_one(pull, c == '}');
	return pull->wants == WANTS_KEY || pull->wants == WANTS_FIRST_KEY ? read_key(pull, c)
									  : read_value(pull, c);
}

int
json_pull_skip(struct json_pull *pull, enum json_pull_token token)
{
	size_t outside = pull->depth;

	if (token == JSON_PULL_BAD)
		return -EBADMSG;
	if (token != JSON_PULL_OBJECT && token != JSON_PULL_ARRAY)
		return 0;
	for (outside--; pull->depth > outside;) {
		if (json_pull_next(pull) == JSON_PULL_BAD)
			return -EBADMSG;
	}
	return 0;
}
