/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_answer.c - what the service sends, read by the command line: client/client.h, and the tables
 * and figures that are made of it. A newer service, or something else that answers at that path,
 * must not bring `sluice` down.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "fuzz.h"
#include "run_report.h"
#include "status_text.h"
#include "top_model.h"

static int listener = -1;
static char path[100];
static FILE *nowhere;

static void
prepare(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(path, sizeof(path), "%s/socket", fuzz_folder());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FUZZ_REQUIRE(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	FUZZ_REQUIRE(listen(listener, 4) == 0);
	nowhere = fopen("/dev/null", "w");
	FUZZ_REQUIRE(nowhere);
}

static void
use(json_t *object, struct top_model *model, struct run_report *report)
{
	struct sluice_err err = {0, ""};
	int status = 0;

	if (client_answer_error(object, &status, &err) < 0)
		FUZZ_REQUIRE(err.code < 0 && status > 0 && status < 126);
	status_text_print(object, nowhere);
	top_model_update(model, object);
	run_report_options(report, object);
	run_report_status(report, object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const command[] = {"true", NULL};
	struct run_report *report = run_report_new(command);
	struct top_model model = {0};
	struct client *client = NULL;
	json_t *object = NULL;
	size_t sent = 0;
	int fd, r = 0;

	if (listener < 0)
		prepare();
	FUZZ_REQUIRE(report);
	FUZZ_REQUIRE(client_connect(path, &client, NULL) == 0);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	FUZZ_REQUIRE(fd >= 0);
	run_report_begin(report);
	while (r == 0 || (r == -EAGAIN && fd >= 0)) {
		if (fd >= 0 && sent < size) {
			ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);

			sent += n > 0 ? (size_t)n : 0;
		} else if (fd >= 0) {
			close(fd);
			fd = -1;
		}
		r = client_receive(client, 0, &object, NULL);
		if (r == 0) {
			use(object, &model, report);
			json_decref(object);
		}
	}
	FUZZ_REQUIRE(r == -EPIPE || r == -EPROTO);
	run_report_end(report, 0, 0);
	run_report_print(report, nowhere);
	run_report_print_json(report, nowhere);
	run_report_free(report);
	top_model_clear(&model);
	client_free(client);
	if (fd >= 0)
		close(fd);
	return 0;
}
