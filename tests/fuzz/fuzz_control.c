/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_control.c - what clients send to the service: framing (service/control.h) and the verbs
 * (service/verbs.c), with a fake engine below them (tests/integration/fake_engine.c).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "fuzz.h"
#include "service.h"

static struct options *options;

/* Everything that answers may depend on lies under our own folder. */
static void
prepare(void)
{
	static const char *const files[] = {"root/sys/none", "root/proc/none", "state/none",
					    "policies/none"};
	char text[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		fuzz_write(files[i], "", 0);
	options = options_new();
	FUZZ_REQUIRE(options);
	snprintf(text, sizeof(text), "%s/root", fuzz_folder());
	FUZZ_REQUIRE(options_set(options, LAYER_COMMAND, "sysroot", text, NULL) == 0);
	snprintf(text, sizeof(text), "%s/state", fuzz_folder());
	FUZZ_REQUIRE(options_set(options, LAYER_COMMAND, "state-dir", text, NULL) == 0);
	snprintf(text, sizeof(text), "%s/policies", fuzz_folder());
	FUZZ_REQUIRE(options_set(options, LAYER_COMMAND, "policy-dir", text, NULL) == 0);
}

/* Every line that comes back is an answer or an event. Returns the bytes that are no line yet. */
static size_t
check_answers(char *text, size_t used)
{
	char *line = text, *end;

	while ((end = memchr(line, '\n', used - (size_t)(line - text))) != NULL) {
		json_t *answer = json_loadb(line, (size_t)(end - line), 0, NULL);
		const json_t *ok = json_object_get(answer, "ok");
		const json_t *error = json_object_get(answer, "error");

		FUZZ_REQUIRE(json_is_object(answer));
		if (json_is_false(ok))
			FUZZ_REQUIRE(json_string_length(json_object_get(error, "message")) > 0 &&
				     json_integer_value(json_object_get(error, "code")) > 0 &&
				     json_integer_value(json_object_get(error, "exit")) > 0 &&
				     json_is_string(json_object_get(error, "errno")));
		else
			FUZZ_REQUIRE(json_is_true(ok) ||
				     json_is_string(json_object_get(answer, "event")));
		json_decref(answer);
		line = end + 1;
	}
	used -= (size_t)(line - text);
	memmove(text, line, used);
	return used;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answers[1 << 20];
	struct service *service;
	struct control *control;
	size_t used = 0, sent = 0;
	int ends[2], other, idle = 0;
	int tells = 1;

	if (!options)
		prepare();
	FUZZ_REQUIRE(service_new(options, 1, &service, NULL) == 0);
	FUZZ_REQUIRE(control_new(&service_control_ops, service, &control, NULL) == 0);
	/* As if tiers and policy had been found good: the verbs below need an engine. */
	FUZZ_REQUIRE(setup_from_options(options, &service->setup, NULL) == 0);
	FUZZ_REQUIRE(engine_start(&service->setup.engine, &service->engine, NULL) == 0);
	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	FUZZ_REQUIRE(control_adopt(control, ends[1], NULL) == 0);
	for (int turn = 0; turn < 1000 && idle < 3; turn++) {
		ssize_t n;

		if (sent < size) {
			n = send(ends[0], data + sent, size - sent, MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		FUZZ_REQUIRE(control_serve(control, 0, -1, &other, NULL) == 0);
		n = recv(ends[0], answers + used, sizeof(answers) - used, 0);
		idle = n > 0 ? 0 : idle + 1;
		if (n > 0)
			used = check_answers(answers, used + (size_t)n);
		FUZZ_REQUIRE(used < sizeof(answers));
		if (sent == size && tells) { /* a last line without its end is no request */
			shutdown(ends[0], SHUT_WR);
			tells = 0;
		}
	}
	FUZZ_REQUIRE(used == 0);
	close(ends[0]);
	control_free(control);
	service_free(service);
	return 0;
}
