/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths.h - where things are: the socket, the state folder, policies, the other program. Root gets
 * the system's places, others their own (XDG_RUNTIME_DIR). Any thread; changes nothing.
 */
#ifndef CLIENT_PATHS_H
#define CLIENT_PATHS_H

#include <stddef.h>

#define PATHS_MAX 4096

/* Each fills buffer and returns it. */
const char *paths_state_dir(char buffer[PATHS_MAX]);
const char *paths_socket(char buffer[PATHS_MAX]);
/* The folder where measurements of memory are kept, which must outlive a reboot; in state_dir, when
 * one was chosen (else NULL). A user who keeps none reads root's. NULL: there is no such place, as
 * nothing tells where the user's files are. */
const char *paths_measured(const char *state_dir, int to_write, char buffer[PATHS_MAX]);
/* The i-th folder of policies by default; NULL past the last. */
const char *paths_policy_dir(size_t i, char buffer[PATHS_MAX]);
/* sluiced beside the program that runs, or in ../sbin, or in PATH; NULL when nowhere. */
const char *paths_sluiced(char buffer[PATHS_MAX]);
/* The library that the sampler wp needs in the program; NULL when it is nowhere. */
const char *paths_preload_wp(char buffer[PATHS_MAX]);
/* sluice-replay, likewise. */
const char *paths_replay(char buffer[PATHS_MAX]);

#endif
