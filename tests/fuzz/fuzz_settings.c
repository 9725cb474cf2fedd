/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_settings.c - the record that `sluice restore` acts upon as root, and the kernel setting that
 * it is about, parted by a line "==": sampler/settings.h. Whatever the record says, nothing but a
 * file below /proc/sys and /sys is written.
 */
#include <string.h>

#include "fuzz.h"
#include "log.h"
#include "settings.h"
#include "settings_record.h"

#define SETTING "root/proc/sys/kernel/numa_balancing"
static const char canary[] = "what nobody may change\n";
static const char *const outside[] = {"root/etc/canary", "canary", "state/canary"};

/* The name under which a record is looked at is that of the path in its second line. */
static void
name_of(const uint8_t *data, size_t size, char name[RECORD_NAME_BYTES])
{
	const uint8_t *line = memchr(data, '\n', size), *end;
	char path[RECORD_PATH_BYTES];
	size_t length;

	strcpy(name, "proc!sys!kernel!numa_balancing");
	if (!line)
		return;
	line++;
	end = memchr(line, '\n', size - (size_t)(line - data));
	length = end ? (size_t)(end - line) : 0;
	if (length == 0 || length >= sizeof(path) || memchr(line, '\0', length))
		return;
	memcpy(path, line, length);
	path[length] = '\0';
	/* Nothing is done with a record of another name, as the record itself is checked first. */
	if (record_path_ok(path))
		record_name(path, name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings *settings;
	char root[128], state[128], name[RECORD_NAME_BYTES], file[RECORD_NAME_BYTES + 32];
	char value[SETTINGS_VALUE_BYTES] = "";
	struct sluice_err err = {0, ""};
	size_t length, count = 0;
	const uint8_t *part = fuzz_part(&data, &size, &length);
	int r;

	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		fuzz_write(outside[i], canary, sizeof(canary) - 1);
	fuzz_write("root/sys/kernel/mm/numa/demotion_enabled", "true\n", 5);
	fuzz_write("root/proc/sys/kernel/random/boot_id", "boot\n", 5);
	fuzz_write(SETTING, data, size);
	name_of(part, length, name);
	snprintf(file, sizeof(file), "state/settings/%s", name);
	snprintf(root, sizeof(root), "%s/root", fuzz_folder());
	snprintf(state, sizeof(state), "%s/state", fuzz_folder());
	if (!settings) /* makes the folder with the right mode */
		FUZZ_REQUIRE(settings_open(root, state, &settings, NULL) == 0);
	fuzz_write(file, part, length);
	r = settings_restore_stale(root, state, &count, &err);
	FUZZ_REQUIRE(count <= 1);
	FUZZ_REQUIRE(r == 0 || (err.code == r && err.msg[0]));
	/* Done with, or left for somebody to look at. */
	FUZZ_REQUIRE((fuzz_read(file) == NULL) == (count == 1));
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		const char *text = fuzz_read(outside[i]);

		FUZZ_REQUIRE(text && strcmp(text, canary) == 0);
	}
	if (count == 0)
		fuzz_remove(file);
	if (settings_get(settings, "/proc/sys/kernel/numa_balancing", value, sizeof(value), NULL) ==
	    0)
		FUZZ_REQUIRE(strlen(value) < sizeof(value) && !strchr(value, '\n'));
	return 0;
}
