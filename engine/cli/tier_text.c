/* SPDX-License-Identifier: Apache-2.0 */
/* tier_text.c - see tier_text.h. */
#include "tier_text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

void
tier_text_list(const json_t *devices)
{
	static const char *const headings[] = {"<DEVICE", "<KIND", "SIZE",    "<STATE", "NODE",
					       "ONLINE",  "<USE",  "<REMARK", NULL};
	struct text_table *table;
	const json_t *device;
	size_t i;

	if (json_array_size(devices) == 0) {
		printf("no CXL memory device, dax device or NVDIMM namespace was found\n");
		return;
	}
	table = text_table_new(headings);
	json_array_foreach (devices, i, device) {
		const json_t *node = json_object_get(device, "node");
		const json_t *movable = json_object_get(device, "movable");
		char size[32], online[32], id[16] = "-", remark[300];

		if (json_is_integer(node))
			snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(node));
		snprintf(remark, sizeof(remark), "%s%s%s%s%s", text_of(device, "mode"),
			 text_of(device, "mode")[0] ? " " : "", text_of(device, "dax"),
			 text_of(device, "problem")[0] ? " " : "", text_of(device, "problem"));
		text_table_row(table,
			       (const char *[]){text_of(device, "device"), text_of(device, "kind"),
						text_bytes(json_object_get(device, "size_bytes"),
							   size, sizeof(size)),
						text_of(device, "state"), id,
						text_bytes(json_object_get(device, "online_bytes"),
							   online, sizeof(online)),
						json_is_true(movable)    ? "movable"
						: json_is_false(movable) ? "kernel too"
									 : "-",
						remark});
	}
	text_table_print(table, stdout);
}

void
tier_text_plan(const json_t *plan)
{
	const json_t *steps = json_object_get(plan, "steps"), *step;
	const char *question = text_of(plan, "question");
	size_t i;

	if (question[0])
		printf("%s.\n", question);
	json_array_foreach (steps, i, step)
		printf("%2zu. %s\n", i + 1, json_string_value(step));
}

void
tier_text_progress(const json_t *plan, const json_t *progress, size_t *printed)
{
	const json_t *steps = json_object_get(plan, "steps");
	size_t done = (size_t)number_of(progress, "step");
	int terminal = isatty(STDOUT_FILENO);

	if (terminal)
		printf("\r\033[K");
	for (; *printed < done; ++*printed)
		printf("%2zu/%zu %s\n", *printed + 1, json_array_size(steps),
		       json_string_value(json_array_get(steps, *printed)));
	if (terminal && done < json_array_size(steps)) {
		printf("%2zu/%zu %s", done + 1, json_array_size(steps),
		       json_string_value(json_array_get(steps, done)));
		if (number_of(progress, "parts") > 0)
			printf(" (%.0f of %.0f)", number_of(progress, "part"),
			       number_of(progress, "parts"));
	}
	fflush(stdout);
}

void
tier_text_drain(int node, const json_t *drain)
{
	const json_t *left = json_object_get(drain, "left_bytes");
	char moved[32], rest[32];

	text_bytes(json_object_get(drain, "moved_bytes"), moved, sizeof(moved));
	if (isatty(STDOUT_FILENO))
		printf("\r\033[K");
	if (!json_is_true(json_object_get(drain, "complete"))) {
		if (isatty(STDOUT_FILENO))
			printf("the service moves its programs' pages off node %d: %s so far", node,
			       moved);
	} else {
		printf("the service moved %s of its programs' pages off node %d", moved, node);
		if (json_is_number(left) && json_number_value(left) > 0)
			printf("; %s cannot be moved by it (%s of these for lack of room "
			       "elsewhere), "
			       "the kernel will try",
			       text_bytes(left, rest, sizeof(rest)),
			       text_bytes(json_object_get(drain, "no_room_bytes"), moved,
					  sizeof(moved)));
		printf("\n");
	}
	fflush(stdout);
}

void
tier_text_result(const char *action, const char *device, const json_t *result)
{
	char size[32];

	if (strcmp(action, "online") == 0)
		printf("node %.0f has %s of %s memory from %s%s\n", number_of(result, "node"),
		       text_bytes(json_object_get(result, "online_bytes"), size, sizeof(size)),
		       text_of(result, "kind"), device,
		       json_is_true(json_object_get(result, "movable"))
			       ? ", for programs only (movable)"
			       : ", for programs and the kernel");
	else
		printf("%s is offline\n", device);
}
