/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodeset.c - the kernel's list format for nodes and CPUs.
 */
#include "nodeset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sysroot.h"

bool
nodeset_parse(const char *text, struct nodeset *ret)
{
	struct nodeset set = {0};

	while (*text) {
		uint64_t first, last;

		if (!sysroot_number(&text, UINT32_MAX, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!sysroot_number(&text, UINT32_MAX, &last) || last < first)
				return false;
		}
		for (uint64_t id = first; id <= last && id < SLUICE_NODES_MAX; id++)
			nodeset_add(&set, (uint32_t)id);
		if (*text == ',' && text[1])
			text++;
		else if (*text)
			return false;
	}
	*ret = set;
	return true;
}

int
nodeset_read(int root, const char *path, struct nodeset *ret)
{
	char buffer[8192];
	int r = sysroot_read(root, buffer, sizeof(buffer), "%s", path);

	if (r < 0)
		return r;
	return strlen(buffer) == (size_t)r && nodeset_parse(buffer, ret) ? 0 : -EINVAL;
}

void
nodeset_cut(const char *text, char *buffer, size_t size)
{
	size_t length = strlen(text);

	if (length < size) {
		snprintf(buffer, size, "%s", text);
		return;
	}
	length = size - sizeof("...");
	while (length > 0 && text[length - 1] != ',')
		length--;
	snprintf(buffer, size, "%.*s...", (int)length, text);
}

void
nodeset_format(const struct nodeset *set, char *buffer, size_t size)
{
	char text[SLUICE_NODES_MAX * 5]; /* "1023," for each node is the longest there can be */
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++) {
		uint32_t last = id;

		if (!nodeset_has(set, id))
			continue;
		while (nodeset_has(set, last + 1))
			last++;
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   last > id ? "%s%u-%u" : "%s%u", length ? "," : "", id,
					   last);
		id = last;
	}
	nodeset_cut(text, buffer, size);
}
