/* SPDX-License-Identifier: Apache-2.0 */
/* find_process.c - see find_process.h. */
#include "find_process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "procfs.h"

#define COMM_CHARS 15 /* the kernel keeps no more of a name */

static int
has_name(int32_t pid, const char *name)
{
	char comm[32];

	return procfs_comm("", pid, comm, sizeof(comm)) == 0 &&
	       strncmp(comm, name, COMM_CHARS) == 0 && strlen(comm) <= strlen(name);
}

int
find_process(const char *word, struct found_processes *ret, struct sluice_err *reterr)
{
	struct dirent *entry;
	uint64_t pid, start_ticks;
	DIR *proc;

	ret->count = 0;
	if (word[0] != '\0' && word[strspn(word, "0123456789")] == '\0') {
		int r = parse_u64(word, 1, INT32_MAX, &pid, reterr);

		if (r < 0)
			return r;
		ret->at[0].pid = (pid_t)pid;
		ret->at[0].start_ticks = 0;
		ret->count = 1;
		return 0;
	}
	proc = opendir("/proc");
	if (!proc)
		return sluice_fail(reterr, -errno, "cannot read /proc: %s", strerror(errno));
	while ((entry = readdir(proc)) != NULL) {
		pid_t found = (pid_t)strtol(entry->d_name, NULL, 10);

		/* The start first: when the pid changed hands before the name was read, the service
		 * will find another start. Kernel threads have no start for us, and are refused. */
		if (!isdigit((unsigned char)entry->d_name[0]) || found == getpid())
			continue;
		start_ticks = 0;
		(void)procfs_started("", found, &start_ticks);
		if (!has_name(found, word))
			continue;
		if (ret->count == FOUND_PROCESSES_MAX) {
			closedir(proc);
			return sluice_fail(reterr, -ENOSPC,
					   "more than %d processes are named '%s', and no more can "
					   "be attached; name them by pid",
					   FOUND_PROCESSES_MAX, word);
		}
		ret->at[ret->count].pid = found;
		ret->at[ret->count++].start_ticks = start_ticks;
	}
	closedir(proc);
	if (ret->count == 0)
		return sluice_fail(reterr, -ESRCH, "no process is named '%s'", word);
	return 0;
}
