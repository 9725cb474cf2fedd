/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_process.c - /proc/PID/stat and comm, parted by a line "==": a process is named by whoever
 * wrote it. base/procfs.h.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "procfs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char comm[16] = "";
	size_t length;
	const uint8_t *part = fuzz_part(&data, &size, &length);
	int r;

	fuzz_write("proc/7/stat", part, length);
	part = fuzz_part(&data, &size, &length);
	fuzz_write("proc/7/comm", part, length);
	r = procfs_state(fuzz_folder(), 7);
	FUZZ_REQUIRE(r == 0 || r == -ESRCH || r == -EINVAL || r == -EBADMSG);
	r = procfs_comm(fuzz_folder(), 7, comm, sizeof(comm));
	FUZZ_REQUIRE(r <= 0 && strnlen(comm, sizeof(comm)) < sizeof(comm));
	FUZZ_REQUIRE(!strchr(comm, '\n'));
	return 0;
}
