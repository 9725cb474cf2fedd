/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit_status.h - what sluice and sluiced exit with, and the one place where an errno becomes such
 * a status. sluice(1) documents the same table; a test compares the two.
 */
#ifndef CLIENT_EXIT_STATUS_H
#define CLIENT_EXIT_STATUS_H

#include <stddef.h>

enum exit_status {
	EXIT_OK = 0,
	EXIT_GENERAL = 1,
	EXIT_USAGE = 2,
	EXIT_NO_PROCESS = 3,
	EXIT_NOT_PERMITTED = 4,
	EXIT_NO_TIER = 5,
	EXIT_NO_BACKEND = 6,
	EXIT_POLICY = 7,
	EXIT_NO_SERVICE = 8,
	EXIT_NOT_A_TARGET = 9,
	EXIT_DEVICE = 10,
	EXIT_DECLINED = 11,
	EXIT_HALF_DONE = 12,
	EXIT_CANNOT_EXECUTE = 126, /* sluice run only, as shells do */
	EXIT_NOT_FOUND = 127
};

struct exit_status_row {
	int status;
	const char *meaning;
};

/* By status; ends at meaning == NULL. */
extern const struct exit_status_row exit_status_table[];

/* What was being done when it failed: the same errno means different things to a user. */
enum fail_stage {
	STAGE_OTHER,
	STAGE_ARGUMENTS, /* command line, configuration, a request's members */
	STAGE_TARGET,    /* attach and detach */
	STAGE_TIERS,     /* topology */
	STAGE_BACKEND,   /* samplers, mover, starting the engine */
	STAGE_POLICY,
	STAGE_DEVICE, /* bringing memory devices online and taking them offline */
	STAGE_SERVICE /* reaching or starting the service */
};

/* code is 0 or a negative errno. Pure. */
int exit_status_of(enum fail_stage stage, int code);

#endif
