/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - see config.h. */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct reading {
	FILE *file;
	struct options *options;
	int line;
	int bad_line;          /* the first one that we refused; 0: none */
	struct sluice_err err; /* why */
};

static int
bad(struct reading *reading, int code)
{
	reading->err.code = code;
	reading->bad_line = reading->line;
	return 0; /* libinih's word for failure */
}

/* Counts lines, as libinih tells its handler none, and refuses those that would be cut. */
static char *
next_line(char *buffer, int size, void *ctx)
{
	struct reading *reading = ctx;
	char *text = fgets(buffer, size, reading->file);

	if (!text)
		return NULL;
	reading->line++;
	if (!strchr(text, '\n') && !feof(reading->file) && reading->bad_line == 0)
		bad(reading, sluice_fail(&reading->err, -E2BIG, "the line is too long"));
	return text;
}

static int
on_line(void *ctx, const char *section, const char *key, const char *value)
{
	struct reading *reading = ctx;
	char setting[512];
	int r;

	if (reading->bad_line)
		return 0;
	if (strcmp(section, "policy") == 0) {
		if (snprintf(setting, sizeof(setting), "%s=%s", key, value) >= (int)sizeof(setting))
			return bad(reading,
				   sluice_fail(&reading->err, -EINVAL, "the setting is too long"));
		key = "policy-set";
		value = setting;
	} else if (section[0] != '\0') {
		return bad(reading,
			   sluice_fail(&reading->err, -EINVAL,
				       "unknown section [%s]; there is only [policy]", section));
	}
	if (!value)
		value = "";
	r = options_set(reading->options, LAYER_FILE, key, value, &reading->err);
	if (r == -ENOENT)
		r = sluice_fail(&reading->err, -EINVAL,
				"unknown key '%s'; 'sluice config show' lists all", key);
	return r < 0 ? bad(reading, r) : 1;
}

int
config_read(const char *path, struct options *options, struct sluice_err *reterr)
{
	struct reading reading = {.options = options};
	int line;

	reading.file = fopen(path, "re");
	if (!reading.file)
		return sluice_fail(reterr, -errno, "cannot read the configuration '%s': %s", path,
				   strerror(errno));
	line = ini_parse_stream(next_line, &reading, on_line, &reading);
	if (line == 0 && ferror(reading.file))
		line = -1;
	fclose(reading.file);
	if (line < 0)
		return sluice_fail(reterr, -EIO, "cannot read the configuration '%s'", path);
	/* The first bad line is one that we refused, or one before it that is no INI at all. */
	if (reading.bad_line && (line == 0 || reading.bad_line <= line))
		return sluice_fail(reterr, reading.err.code, "%s:%d: %s", path, reading.bad_line,
				   reading.err.msg);
	if (line > 0)
		return sluice_fail(reterr, -EINVAL,
				   "%s:%d: not 'key = value', nor a section, nor a comment", path,
				   line);
	return 0;
}
