/* SPDX-License-Identifier: Apache-2.0 */
/* trace_new.c - see trace_new.h. What goes wrong leaves what was there before. */
#include "trace_new.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_text.h"
#include "parse.h"
#include "synth.h"

/* input: what is read for it, or NULL. */
static int
begin_output(struct trace *trace, const char *input)
{
	struct sluice_trace_writer_options options = {
		.size = sizeof(options),
		.waits = 1,
		.time_shift = trace->exact_times ? 0 : UINT32_MAX,
	};
	struct sluice_err err = {0, ""};
	mode_t mask;
	int fd, r;

	if (!trace->output)
		return cli_fail(trace->cli, EXIT_USAGE, -EINVAL,
				"where to? sluice trace %s needs -o FILE", trace->words[0]);
	if (input && output_file_same(input, trace->output))
		return cli_fail(trace->cli, EXIT_USAGE, -EINVAL,
				"'%s' is what is read: write the new trace to another file",
				trace->output);
	/* A trace shows what a program did, so it is its owner's to read, from the first moment. */
	mask = umask(077);
	r = output_file_open(&trace->file, trace->output);
	umask(mask);
	if (r < 0)
		return cli_fail(trace->cli, EXIT_GENERAL, r, "cannot write '%s': %s", trace->output,
				strerror(-r));
	fd = fcntl(fileno(trace->file.stream), F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || (trace->file.temporary[0] && fchmod(fd, 0600) < 0))
		r = sluice_fail(&err, -errno, "cannot write '%s': %s", trace->output,
				strerror(errno));
	if (r == 0)
		r = sluice_trace_writer_new(fd, &options, &trace->writer, &err);
	else if (fd >= 0)
		close(fd);
	if (r == 0)
		return EXIT_OK;
	(void)output_file_close(&trace->file, r);
	return cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err.msg);
}

/* r, with its sentence, is what came before. */
static int
end_output(struct trace *trace, int r, struct sluice_err *err, uint64_t skipped)
{
	struct sluice_trace_writer_stats stats;
	struct sluice_err own = {0, ""};
	int finish = sluice_trace_writer_finish(trace->writer, &stats, &own);
	char size[16];

	if (r == 0 && finish < 0) {
		r = finish;
		*err = own;
	}
	finish = output_file_close(&trace->file, r);
	if (r == 0 && finish < 0)
		r = sluice_fail(err, finish, "cannot write '%s': %s", trace->output,
				strerror(-finish));
	if (r < 0)
		return cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err->msg);
	if (trace->cli->json) {
		json_t *answer =
			json_pack("{s:b, s:o, s:I, s:I, s:I, s:I}", "ok", 1, "file",
				  json_text(trace->output), "samples", (json_int_t)stats.samples,
				  "lost_samples", (json_int_t)stats.lost_samples, "skipped",
				  (json_int_t)skipped, "file_bytes", (json_int_t)stats.file_bytes);

		cli_print_json(answer);
		json_decref(answer);
	} else {
		printf("%llu samples in '%s' (%s)", (unsigned long long)stats.samples,
		       trace->output, format_size(stats.file_bytes, size, sizeof(size)));
		if (skipped)
			printf("; %llu without an address were left out",
			       (unsigned long long)skipped);
		putchar('\n');
	}
	return EXIT_OK;
}

int
trace_new_cut(struct trace *trace)
{
	struct sluice_trace_reader *reader = NULL;
	struct sluice_err err = {0, ""};
	int r = sluice_trace_open(trace->words[1], &reader, &err), status;

	if (r < 0)
		return cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err.msg);
	status = begin_output(trace, trace->words[1]);
	if (status == EXIT_OK)
		status = end_output(trace, trace_cut(reader, &trace->cut, trace->writer, &err),
				    &err, 0);
	sluice_trace_close(reader);
	return status;
}

int
trace_new_import(struct trace *trace)
{
	static const struct {
		const char *name;
		int (*read)(FILE *in, const char *name, const struct import_options *options,
			    struct sluice_trace_writer *writer, struct import_stats *ret,
			    struct sluice_err *reterr);
	} formats[] = {{"perf", import_perf}, {"damo", import_damo}, {"lackey", import_lackey}};
	struct import_stats stats = {0};
	struct sluice_err err = {0, ""};
	const char *path = trace->words[2];
	size_t i = 0;
	FILE *in;
	int status, r;

	while (i < 3 && strcmp(formats[i].name, trace->words[1]) != 0)
		i++;
	if (i == 3)
		return cli_fail(trace->cli, EXIT_USAGE, -EINVAL,
				"cannot import '%s'; known: perf, damo, lackey", trace->words[1]);
	in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!in)
		return cli_fail(trace->cli, EXIT_GENERAL, -errno, "cannot open '%s': %s", path,
				strerror(errno));
	status = begin_output(trace, in == stdin ? NULL : path);
	if (status == EXIT_OK) {
		r = formats[i].read(in, in == stdin ? "standard input" : path, &trace->import,
				    trace->writer, &stats, &err);
		status = end_output(trace, r, &err, stats.skipped);
	}
	if (in != stdin)
		fclose(in);
	return status;
}

int
trace_new_make(struct trace *trace)
{
	struct sluice_err err = {0, ""};
	int r = synth_parse(trace->words[1], &trace->make.pattern, &err), status;

	if (r < 0)
		return cli_fail(trace->cli, EXIT_USAGE, r, "%s", err.msg);
	status = begin_output(trace, NULL);
	if (status != EXIT_OK)
		return status;
	return end_output(trace, make_trace(&trace->make, trace->writer, &err), &err, 0);
}
