/* SPDX-License-Identifier: Apache-2.0 */
/* placement.c - see placement.h. */
#include "placement.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

int
placement_movable_kind(const struct procfs_map *map)
{
	const char *name = map->name;
	int is_shared = map->perms[3] == 's';

	if (begins(map->perms, "---"))
		return 0; /* reserved only, often by the terabyte */
	if (begins(name, "/dev/shm/") || begins(name, "/memfd:") || begins(name, "/SYSV") ||
	    begins(name, "/dev/zero"))
		return !strstr(name,
			       "huge"); /* e.g. /memfd:hugepage of the pool; numa_maps tells */
	if (begins(name, "/dev/") || begins(name, "/anon_hugepage") || begins(name, "anon_inode:"))
		return 0;
	if (name[0] == '[')
		return name[1] == 'h' || begins(name, "[stack") || begins(name, "[anon");
	if (map->inode == 0)
		return name[0] == '\0' || name[0] == '/';
	/* A shared file is the page cache's: other processes use it too. */
	return !is_shared && map->perms[1] == 'w';
}

static const char *
word_end(const char *text)
{
	while (*text && *text != ' ')
		text++;
	return text;
}

int
placement_numa_line(const char *line, struct numa_line *ret)
{
	struct numa_line numa = {0};
	uint64_t pages = 0, page_kb = 4, number;
	const char *text, *end;
	char *stop;

	if (!isxdigit((unsigned char)*line))
		return 0;
	errno = 0;
	numa.start = strtoull(line, &stop, 16);
	if (errno || *stop != ' ')
		return 0;
	text = stop + 1;
	end = word_end(text);
	if (end == text)
		return 0;
	numa.owner_placed = !(begins(text, "default") || begins(text, "local"));
	for (text = end; *text; text = end) {
		while (*text == ' ')
			text++;
		end = word_end(text);
		if (end - text == 4 && begins(text, "huge"))
			numa.hugetlb = 1;
		else if (*text == 'N' && isdigit((unsigned char)text[1])) {
			strtoul(text + 1, &stop, 10);
			if (*stop == '=' && isdigit((unsigned char)stop[1]))
				pages += strtoull(stop + 1, NULL, 10);
		} else if (procfs_number_parse(text, "kernelpagesize_kB=", &number)) {
			page_kb = number;
		}
	}
	if (__builtin_mul_overflow(pages, page_kb, &number) ||
	    __builtin_mul_overflow(number, (uint64_t)1024, &numa.resident_bytes))
		numa.resident_bytes = 0;
	*ret = numa;
	return 1;
}

int
placement_flags_fixed(const char *flags)
{
	/* locked; device memory; raw frames without a struct page; the huge page pool */
	static const char fixed[][3] = {"lo", "io", "pf", "ht"};

	while (*flags) {
		const char *end = word_end(flags);

		for (int i = 0; i < 4; i++) {
			if (end - flags == 2 && flags[0] == fixed[i][0] && flags[1] == fixed[i][1])
				return 1;
		}
		flags = *end ? end + 1 : end;
	}
	return 0;
}
