/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_perf.c - lines of `perf script`:
 *
 *     stream  4711/4712  [003] 71325.123456:       4000  cpu/mem-loads,ldlat=30/P:  7f3a5c001040
 * ... stream  4712 71325.123456: mem-loads: 7f3a5c001040
 *
 * Before the time: a name (of any characters), pid/tid or one of them, perhaps a CPU. Behind it:
 * perhaps a period, the event, the address; what follows is no matter. Lines of call chains begin
 * with a blank and have no time.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import_lines.h"

#define PIDS_MAX 1024
#define COUNTING_EVERY_NS 1000000000u

/* How often accesses were drawn, told again and again, as a sample of its kind wants. */
struct counting {
	int32_t pid;
	uint64_t period, told_ns;
};

struct perf {
	struct import import;
	struct counting counting[PIDS_MAX];
	size_t pid_count;
};

/* The time is the first word of digits with a point and a colon: its place, or NULL. */
static const char *
find_time(const char *line, uint64_t *ret_ns, const char **ret_after)
{
	for (const char *at = line; *at; at++) {
		const char *end = at;

		if ((at != line && !isspace((unsigned char)at[-1])) || !import_time(&end, ret_ns) ||
		    *end != ':')
			continue;
		*ret_after = end + 1;
		return at;
	}
	return NULL;
}

/* The word before the time, or before the CPU: "4711/4712" or "4711". */
static int
read_pid(const char *line, const char *time, int32_t *ret)
{
	const char *end = time, *at;
	uint64_t pid;

	for (int tries = 0; tries < 2; tries++) {
		while (end > line && isspace((unsigned char)end[-1]))
			end--;
		for (at = end; at > line && !isspace((unsigned char)at[-1]); at--)
			;
		if (*at != '[') {
			if (!import_decimal(&at, &pid) || pid == 0 || pid > INT32_MAX ||
			    (at != end && *at != '/'))
				return 0;
			*ret = (int32_t)pid;
			return 1;
		}
		end = at;
	}
	return 0;
}

static const char *
skip_blanks(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* Behind the time: [period] event: address. 1; 0: there is no address. */
static int
read_access(const char *at, uint64_t *ret_period, uint64_t *ret_addr)
{
	const char *end;

	at = skip_blanks(at);
	*ret_period = 1;
	end = at;
	if (import_decimal(&end, ret_period) && isspace((unsigned char)*end))
		at = skip_blanks(end);
	else
		*ret_period = 1;
	/* Names of events have colons in them; the last ends the word. */
	while (*at && !isspace((unsigned char)*at))
		at++;
	if (at[-1] != ':')
		return 0;
	at = skip_blanks(at);
	return import_hex(&at, ret_addr) && (!*at || isspace((unsigned char)*at));
}

static int
tell_counting(struct perf *perf, int32_t pid, uint64_t period, uint64_t time_ns,
	      struct sluice_err *reterr)
{
	struct counting *counting = NULL;
	struct sluice_trace_sample sample = {
		.time_ns = time_ns,
		.pid = pid,
		.kind = SLUICE_TRACE_COUNTING,
		.events = (float)period,
	};

	for (size_t i = 0; i < perf->pid_count && !counting; i++) {
		if (perf->counting[i].pid == pid)
			counting = &perf->counting[i];
	}
	if (!counting) {
		if (perf->pid_count == PIDS_MAX)
			return 0;
		counting = &perf->counting[perf->pid_count++];
		*counting = (struct counting){.pid = pid};
	} else if (counting->period == period && time_ns < counting->told_ns + COUNTING_EVERY_NS) {
		return 0;
	}
	counting->period = period;
	counting->told_ns = time_ns;
	return import_sample(&perf->import, &sample, reterr);
}

static int
take_line(struct perf *perf, struct sluice_err *reterr)
{
	struct import *import = &perf->import;
	const char *line = import->line, *after, *time;
	struct sluice_trace_sample sample = {.kind = SLUICE_TRACE_COUNT};
	uint64_t period;
	int r;

	if (!line[0] || line[0] == '#')
		return 0;
	time = find_time(line, &sample.time_ns, &after);
	if (!time) {
		if (isspace((unsigned char)line[0]))
			return 0; /* a call chain */
		return import_bad(import, reterr, "no time like '71325.123456:' in '%.60s'", line);
	}
	if (!read_pid(line, time, &sample.pid))
		return import_bad(import, reterr,
				  "no process before the time in '%.60s'; print with 'perf script "
				  "-F comm,pid,time,period,event,addr'",
				  line);
	if (!read_access(after, &period, &sample.addr))
		return import_bad(
			import, reterr,
			"no event and data address behind the time in '%.60s'; record with 'perf "
			"mem record' or 'perf record -d', and print with 'perf script -F "
			"comm,pid,time,period,event,addr'",
			line);
	if (!sample.addr || !period || sample.addr >> 63) {
		import->stats.skipped++; /* the hardware did not know it, or it is the kernel's */
		return 0;
	}
	sample.events = (float)period;
	r = tell_counting(perf, sample.pid, period, sample.time_ns, reterr);
	return r < 0 ? r : import_sample(import, &sample, reterr);
}

int
import_perf(FILE *in, const char *name, const struct import_options *options,
	    struct sluice_trace_writer *writer, struct import_stats *ret, struct sluice_err *reterr)
{
	struct perf *perf = calloc(1, sizeof(*perf));
	int r;

	(void)options;
	if (!perf)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	r = import_begin(&perf->import, in, name, writer, "perf", reterr);
	while (r == 0 && (r = import_line(&perf->import, reterr)) == 1)
		r = take_line(perf, reterr);
	r = import_end(&perf->import, r, ret, reterr);
	free(perf);
	return r;
}
