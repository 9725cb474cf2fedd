/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_plugin.c - is this file a policy that may be loaded? plugin/plugin_file.c. Of what passes,
 * everything that the loader would map lies within the file.
 */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "plugin_internal.h"

static void
check_accepted(const uint8_t *data, size_t size)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) part;

	FUZZ_REQUIRE(size >= sizeof(head));
	memcpy(&head, data, sizeof(head));
	FUZZ_REQUIRE(memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_DYN);
	for (size_t i = 0; i < head.e_phnum; i++) {
		size_t at = head.e_phoff + i * sizeof(part);

		FUZZ_REQUIRE(at <= size && size - at >= sizeof(part));
		memcpy(&part, data + at, sizeof(part));
		if (part.p_type == PT_LOAD)
			FUZZ_REQUIRE(part.p_offset <= size &&
				     part.p_filesz <= size - part.p_offset);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sluice_err err = {0, ""};
	char path[128];
	int fd;

	fuzz_write("policy.so", data, size);
	snprintf(path, sizeof(path), "%s/policy.so", fuzz_folder());
	fd = plugin_file_open(path, &err);
	if (fd < 0) {
		FUZZ_REQUIRE(err.code == fd && strstr(err.msg, "policy.so"));
		return 0;
	}
	close(fd);
	check_accepted(data, size);
	return 0;
}
