/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_pull.h - JSON read token by token from a stream of any length, keeping none of it:
 * recordings of other tools are larger than what a tree of them may take. The bytes may be
 * anything. One thread.
 */
#ifndef TRACE_JSON_PULL_H
#define TRACE_JSON_PULL_H

#include <stddef.h>
#include <stdint.h>

#define JSON_PULL_TEXT_BYTES 128
#define JSON_PULL_DEPTH_MAX 64

enum json_pull_token {
	JSON_PULL_END, /* of the text: one value has been read, and nothing follows */
	JSON_PULL_OBJECT,
	JSON_PULL_OBJECT_END,
	JSON_PULL_ARRAY,
	JSON_PULL_ARRAY_END,
	JSON_PULL_KEY, /* its value comes next */
	JSON_PULL_TEXT,
	JSON_PULL_NUMBER, /* any run of digits, letters, '.', '+' and '-': who wants one parses it
			   */
	JSON_PULL_NULL,
	JSON_PULL_TRUE,
	JSON_PULL_FALSE,
	JSON_PULL_BAD /* no JSON, cut off, or deeper than JSON_PULL_DEPTH_MAX: why says it */
};

struct json_pull {
	/* The next byte, or -1 at the end (or when reading failed, which the owner knows). */
	int (*next)(void *ctx);
	void *ctx;
	uint64_t line; /* of the last byte, from 1 */
	const char *why;
	/* Of the last key, text or number; longer ones are cut, of escapes a '?' is left. */
	char text[JSON_PULL_TEXT_BYTES];

	int ahead, has_ahead;
	int wants; /* what may come next */
	size_t depth;
	uint8_t is_object[JSON_PULL_DEPTH_MAX];
};

void json_pull_begin(struct json_pull *pull, int (*next)(void *ctx), void *ctx);
/* After JSON_PULL_BAD, and after JSON_PULL_END, it is the same again. */
enum json_pull_token json_pull_next(struct json_pull *pull);
/* Passes over what is left of the value that the token begins. 0, or -EBADMSG. */
int json_pull_skip(struct json_pull *pull, enum json_pull_token token);

#endif
