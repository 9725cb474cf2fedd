/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic int current_level = LOG_LEVEL_WARN;
static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const int syslog_priority[] = {3, 4, 6, 7};

void
log_set_level(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

int
log_level_parse(const char *text, enum log_level *ret)
{
	for (int i = 0; i < 4; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void
log_at(enum log_level level, const char *topic, const char *format, ...)
{
	char line[1024];
	int used;
	va_list args;

	if ((int)level > atomic_load(&current_level))
		return;
	if (getenv("JOURNAL_STREAM"))
		used = snprintf(line, sizeof(line), "<%d>%s: ", syslog_priority[level], topic);
	else
		used = snprintf(line, sizeof(line), "%.32s: %s%s: ", program_invocation_short_name,
				level == LOG_LEVEL_ERROR  ? "error: "
				: level == LOG_LEVEL_WARN ? "warning: "
							  : "",
				topic);
	va_start(args, format);
	used += vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, args);
	va_end(args);
	if (used > (int)sizeof(line) - 2)
		used = (int)sizeof(line) - 2;
	line[used++] = '\n';
	/* One write, so that lines of several threads do not mix. */
	if (write(STDERR_FILENO, line, (size_t)used) < 0)
		return;
}
