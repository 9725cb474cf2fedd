/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c - see paths.h. */
#include "paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SLUICE_POLICY_DIR
#define SLUICE_POLICY_DIR "/usr/lib/sluice/policies"
#endif

/* A socket's path has 107 bytes at most; one that is longer is no place for ours. */
#define RUNTIME_BYTES_MAX 80

static int
fits(int written)
{
	return written > 0 && written < PATHS_MAX;
}

const char *
paths_state_dir(char buffer[PATHS_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		snprintf(buffer, PATHS_MAX, "/run/sluice");
	else if (!runtime || runtime[0] != '/' || strlen(runtime) > RUNTIME_BYTES_MAX ||
		 !fits(snprintf(buffer, PATHS_MAX, "%s/sluice", runtime)))
		snprintf(buffer, PATHS_MAX, "/tmp/sluice-%u", (unsigned int)geteuid());
	return buffer;
}

const char *
paths_socket(char buffer[PATHS_MAX])
{
	size_t len;

	paths_state_dir(buffer);
	len = strlen(buffer);
	snprintf(buffer + len, PATHS_MAX - len, "/sluiced.sock");
	return buffer;
}

#define SYSTEM_MEASURED "/var/lib/sluice"

const char *
paths_measured(const char *state_dir, int to_write, char buffer[PATHS_MAX])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int found;

	if (state_dir)
		return fits(snprintf(buffer, PATHS_MAX, "%s", state_dir)) ? buffer : NULL;
	snprintf(buffer, PATHS_MAX, SYSTEM_MEASURED);
	if (geteuid() == 0)
		return buffer;
	found = (state && state[0] == '/' &&
		 fits(snprintf(buffer, PATHS_MAX, "%s/sluice", state))) ||
		(home && home[0] == '/' &&
		 fits(snprintf(buffer, PATHS_MAX, "%s/.local/state/sluice", home)));
	if (!to_write && (!found || access(buffer, X_OK) < 0))
		snprintf(buffer, PATHS_MAX, SYSTEM_MEASURED);
	else if (!found)
		return NULL;
	return buffer;
}

/* The folder of the running program, without a slash at its end. */
static const char *
own_folder(char buffer[PATHS_MAX])
{
	char path[PATHS_MAX], *slash;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len <= 0)
		return NULL;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	return strcpy(buffer, path);
}

const char *
paths_policy_dir(size_t i, char buffer[PATHS_MAX])
{
	char folder[PATHS_MAX], beside[PATHS_MAX];
	char *slash;
	struct stat st;
	size_t n = 0;

	/* bin/sluiced has its policies in policies/ (a build tree) or lib/sluice/policies. */
	static const char *const places[] = {"policies", "lib/sluice/policies"};

	if (own_folder(folder) && (slash = strrchr(folder, '/')) != NULL) {
		*slash = '\0';
		for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
			if (!fits(snprintf(beside, sizeof(beside), "%s/%s", folder, places[k])) ||
			    strcmp(beside, SLUICE_POLICY_DIR) == 0 || stat(beside, &st) < 0 ||
			    !S_ISDIR(st.st_mode))
				continue;
			if (n++ == i) {
				memcpy(buffer, beside, sizeof(beside));
				return buffer;
			}
		}
	}
	if (n != i)
		return NULL;
	snprintf(buffer, PATHS_MAX, "%s", SLUICE_POLICY_DIR);
	return buffer;
}

/* A program beside the one that runs, or in ../sbin, or in PATH. */
static const char *
find_program(const char *name, char buffer[PATHS_MAX])
{
	static const char *const places[] = {"", "../sbin/"};
	char folder[PATHS_MAX];
	const char *path = getenv("PATH");

	if (own_folder(folder)) {
		for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
			if (fits(snprintf(buffer, PATHS_MAX, "%s/%s%s", folder, places[k], name)) &&
			    access(buffer, X_OK) == 0)
				return buffer;
		}
	}
	while (path && *path) {
		size_t len = strcspn(path, ":");

		if (len > 0 && fits(snprintf(buffer, PATHS_MAX, "%.*s/%s", (int)len, path, name)) &&
		    access(buffer, X_OK) == 0)
			return buffer;
		path += len + (path[len] == ':');
	}
	return NULL;
}

const char *
paths_preload_wp(char buffer[PATHS_MAX])
{
	/* As policies: beside a build tree's programs, else installed. */
	static const char *const places[] = {"../preload", "../lib/sluice", NULL};
	char folder[PATHS_MAX];

	for (size_t k = 0; own_folder(folder) && places[k]; k++) {
		char beside[PATHS_MAX];

		if (fits(snprintf(beside, sizeof(beside), "%s/%s/libsluice-wp.so", folder,
				  places[k])) &&
		    realpath(beside, buffer))
			return buffer;
	}
	snprintf(buffer, PATHS_MAX, "%s/../libsluice-wp.so", SLUICE_POLICY_DIR);
	return access(buffer, R_OK) == 0 ? buffer : NULL;
}

const char *
paths_sluiced(char buffer[PATHS_MAX])
{
	return find_program("sluiced", buffer);
}

const char *
paths_replay(char buffer[PATHS_MAX])
{
	return find_program("sluice-replay", buffer);
}
