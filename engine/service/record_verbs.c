/* SPDX-License-Identifier: Apache-2.0 */
/* record_verbs.c - see record_verbs.h. */
#include "record_verbs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "service.h"
#include "verb_answers.h"

/* How long the end of a recording may hold up other clients: the file is theirs, and may lie where
 * nothing answers any more. */
#define PATIENCE_MS 3000u

/* As many as can be attached. */
static int
read_pids(const json_t *request, int32_t pids[ENGINE_TARGETS_MAX], size_t *ret_count,
	  struct sluice_err *reterr)
{
	const json_t *list = json_object_get(request, "pids");
	size_t count = json_array_size(list);

	*ret_count = 0;
	if (list && (!json_is_array(list) || count > ENGINE_TARGETS_MAX))
		return sluice_fail(reterr, -EBADMSG, "\"pids\" must be an array of at most %d",
				   ENGINE_TARGETS_MAX);
	for (size_t i = 0; i < count; i++) {
		json_int_t pid = json_integer_value(json_array_get(list, i));

		if (pid <= 0 || pid > INT32_MAX)
			return sluice_fail(reterr, -EBADMSG,
					   "\"pids\" must hold positive integers");
		pids[(*ret_count)++] = (int32_t)pid;
	}
	return 0;
}

/* The file that came with the request; it is the caller's. */
static int
take_file(struct control_client *client, struct sluice_err *reterr)
{
	int fd = control_take_fd(client);
	struct stat st;

	if (fd < 0)
		return sluice_fail(reterr, -EBADMSG,
				   "\"record\" needs the descriptor of a file with its request");
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		return fd;
	close(fd);
	return sluice_fail(reterr, -EINVAL, "a trace is written to a regular file that is empty");
}

static int
start_engine(struct service *service, const json_t *only, int *ret_exit, struct sluice_err *reterr)
{
	int r;

	if (json_is_true(only)) {
		if (!service->is_private || (service->engine && !service->watch_only)) {
			*ret_exit = EXIT_GENERAL;
			return sluice_fail(reterr, -EBUSY,
					   "the engine runs already, and moves; only a private one "
					   "that does not run yet can record without moving");
		}
		service->watch_only = 1;
	}
	r = service_start_engine(service, ret_exit, reterr);
	if (r < 0)
		service->watch_only = 0;
	return r;
}

json_t *
record_begin(struct service *service, struct control_client *client, const json_t *request)
{
	const json_t *command = json_object_get(request, "command");
	const json_t *only = json_object_get(request, "only");
	const struct sluice_trace_writer_options options = {
		.size = sizeof(options), .time_shift = UINT32_MAX, .patience_ms = PATIENCE_MS};
	struct sluice_trace_writer *writer = NULL;
	int32_t pids[ENGINE_TARGETS_MAX];
	struct sluice_err err = {0, ""};
	int status = EXIT_USAGE, fd = take_file(client, &err), r = fd;
	size_t count = 0;

	if (r >= 0 && ((command && !json_is_string(command)) || (only && !json_is_boolean(only))))
		r = sluice_fail(&err, -EBADMSG,
				"\"command\" must be a text, and \"only\" true or false");
	if (r >= 0)
		r = read_pids(request, pids, &count, &err);
	if (r >= 0 && service->records) {
		status = EXIT_GENERAL;
		r = sluice_fail(&err, -EBUSY, "a recording is under way already");
	}
	if (r >= 0)
		r = start_engine(service, only, &status, &err);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return control_error(r, status, err.msg);
	}
	r = sluice_trace_writer_new(fd, &options, &writer, &err);
	if (r == 0 && command)
		sluice_trace_write_meta(writer, clock_now_ns(), "command",
					json_string_value(command));
	if (r == 0)
		r = engine_record(service->engine, writer, pids, count, &err);
	if (r < 0) {
		sluice_trace_writer_finish(writer, NULL, NULL);
		return failure(STAGE_OTHER, r, &err);
	}
	service->records = client;
	service->recording = writer;
	log_info("service", "recording begins");
	return success(NULL);
}

static json_t *
stats_members(const struct sluice_trace_writer_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "samples", (json_int_t)stats->samples,
			 "lost_samples", (json_int_t)stats->lost_samples, "lost_items",
			 (json_int_t)stats->lost_items, "file_bytes", (json_int_t)stats->file_bytes,
			 "blocks", (json_int_t)stats->blocks, "cpu_ms",
			 (json_int_t)(stats->cpu_ns / 1000000));
}

json_t *
record_status(struct service *service)
{
	struct sluice_trace_writer_stats stats;

	if (!service->recording)
		return control_error(-ENOENT, EXIT_GENERAL, "nothing is being recorded");
	sluice_trace_writer_get_stats(service->recording, &stats);
	if (stats.error < 0)
		return control_error(stats.error, EXIT_GENERAL,
				     "the trace cannot be written any more");
	return success(stats_members(&stats));
}

static int
end(struct service *service, struct sluice_trace_writer_stats *ret, struct sluice_err *reterr)
{
	struct sluice_trace_writer *writer = service->recording;

	if (service->engine)
		engine_record_end(service->engine);
	service->recording = NULL;
	service->records = NULL;
	log_info("service", "recording ends");
	return sluice_trace_writer_finish(writer, ret, reterr);
}

json_t *
record_end(struct service *service, struct control_client *client)
{
	struct sluice_trace_writer_stats stats;
	struct sluice_err err = {0, ""};

	if (!service->recording || service->records != client)
		return control_error(-ENOENT, EXIT_GENERAL, "nothing is being recorded for you");
	if (end(service, &stats, &err) < 0)
		return failure(STAGE_OTHER, err.code, &err);
	return success(stats_members(&stats));
}

void
record_close(struct service *service)
{
	struct sluice_err err = {0, ""};

	if (service->recording && end(service, NULL, &err) < 0)
		log_warn("service", "%s", err.msg);
}
