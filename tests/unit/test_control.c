/* SPDX-License-Identifier: Apache-2.0 */
/* test_control.c - the control socket: framing, bad input, slow and rude clients, exit statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "control.h"
#include "exit_status.h"

struct world {
	struct control *control;
	int fd; /* the client's end of a pair */
	int requests, events;
	size_t answer_bytes; /* pad answers to about this */
	uint64_t watch_ms;
};

static json_t *
on_request(void *ctx, struct control_client *client, const json_t *request)
{
	struct world *world = ctx;
	char *pad = NULL;
	json_t *answer;

	world->requests++;
	if (json_object_get(request, "fail"))
		return control_error(-ESRCH, 3, "no such thing");
	if (world->watch_ms)
		control_watch(client, world->watch_ms);
	answer = json_pack("{s:b, s:i}", "ok", 1, "n", world->requests);
	if (world->answer_bytes) {
		pad = calloc(1, world->answer_bytes + 1);
		memset(pad, 'x', world->answer_bytes);
		json_object_set_new(answer, "pad", json_string(pad));
		free(pad);
	}
	return answer;
}

static json_t *
on_event(void *ctx)
{
	struct world *world = ctx;

	world->events++;
	return json_pack("{s:s, s:i}", "event", "status", "n", world->events);
}

static const struct control_ops ops = {.request = on_request, .event = on_event};

static int
setup_world(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int ends[2];

	if (control_new(&ops, world, &world->control, NULL) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ||
	    control_adopt(world->control, ends[1], NULL) < 0)
		return -1;
	world->fd = ends[0];
	*state = world;
	return 0;
}

static int
teardown_world(void **state)
{
	struct world *world = *state;

	control_free(world->control);
	if (world->fd >= 0)
		close(world->fd);
	free(world);
	return 0;
}

static void
serve(struct world *world, int times)
{
	int other;

	for (int i = 0; i < times; i++)
		assert_int_equal(control_serve(world->control, 5, -1, &other, NULL), 0);
}

static void
say(struct world *world, const char *text)
{
	assert_int_equal(send(world->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	serve(world, 2);
}

/* The next line from the service as JSON; NULL when there is none. */
static json_t *
hear(struct world *world)
{
	static char line[1 << 20];
	size_t used = 0;

	while (used < sizeof(line) - 1 && recv(world->fd, line + used, 1, MSG_DONTWAIT) == 1) {
		if (line[used++] == '\n') {
			json_t *object = json_loadb(line, used, 0, NULL);

			assert_non_null(object);
			return object;
		}
	}
	assert_int_equal(used, 0);
	return NULL;
}

static void
hear_error(struct world *world, const char *name, int exit_status)
{
	json_t *answer = hear(world);
	json_t *error = json_object_get(answer, "error");

	assert_non_null(answer);
	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_string_equal(json_string_value(json_object_get(error, "errno")), name);
	assert_int_equal(json_integer_value(json_object_get(error, "exit")), exit_status);
	assert_true(strlen(json_string_value(json_object_get(error, "message"))) > 0);
	json_decref(answer);
}

static void
hear_number(struct world *world, int n)
{
	json_t *answer = hear(world);

	assert_non_null(answer);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_int_equal(json_integer_value(json_object_get(answer, "n")), n);
	json_decref(answer);
}

static void
test_lines(void **state)
{
	struct world *world = *state;

	say(world, "{\"verb\":\"a\"}\n");
	hear_number(world, 1);
	say(world, "{\"verb\":"); /* in two pieces */
	assert_null(hear(world));
	say(world, "\"b\"}\n{\"verb\":\"c\"}\n{\"ver"); /* and two and a bit in one */
	hear_number(world, 2);
	hear_number(world, 3);
	assert_null(hear(world));
	say(world, "b\":1}\n");
	hear_number(world, 4);
}

static void
test_bad_lines_are_answered(void **state)
{
	static const char *const lines[] = {
		"nonsense\n", "[1]\n", "\n", "{\"a\":1,\"a\":2}\n", "{\"a\":\"\xff\"}\n", "{}{}\n",
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		say(world, lines[i]);
		hear_error(world, "EBADMSG", EXIT_USAGE);
	}
	assert_int_equal(world->requests, 0);
	say(world, "{\"fail\":1}\n"); /* and the connection is as good as before */
	hear_error(world, "ESRCH", EXIT_NO_PROCESS);
	assert_int_equal(control_clients(world->control), 1);
}

static size_t
open_files(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Of descriptors that come along one is kept, and none is left behind. */
static void
test_descriptors(void **state)
{
	struct world *world = *state;
	size_t before = open_files();

	for (int count = 1; count <= 3; count++) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(3 * sizeof(int))];
		} room;
		struct iovec part = {(void *)(uintptr_t) "{}\n", 3};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = room.bytes,
					 .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
		struct cmsghdr *head;

		memset(&room, 0, sizeof(room));
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		for (int i = 0; i < count; i++)
			memcpy(CMSG_DATA(head) + (size_t)i * sizeof(int), &world->fd, sizeof(int));
		assert_int_equal(sendmsg(world->fd, &message, MSG_NOSIGNAL), 3);
		serve(world, 2);
		hear_number(world, count);
		assert_int_equal(open_files(), before + 1);
	}
	/* It goes with its client, whose own end is closed too. */
	control_free(world->control);
	world->control = NULL;
	assert_int_equal(open_files(), before - 1);
}

static void
test_zero_byte(void **state)
{
	struct world *world = *state;

	assert_int_equal(send(world->fd, "{}\0\n", 4, 0), 4);
	serve(world, 2);
	hear_error(world, "EBADMSG", EXIT_USAGE);
}

static void
test_deep_nesting(void **state)
{
	struct world *world = *state;
	char text[20000];

	memset(text, '[', sizeof(text) - 2);
	memcpy(text + sizeof(text) - 2, "\n", 2);
	say(world, text);
	hear_error(world, "EBADMSG", EXIT_USAGE);
}

static void
test_endless_line_is_refused(void **state)
{
	struct world *world = *state;
	char *text = malloc(CONTROL_LINE_BYTES);
	size_t sent = 0;

	memset(text, 'x', CONTROL_LINE_BYTES);
	while (sent < CONTROL_LINE_BYTES) {
		ssize_t n = send(world->fd, text, CONTROL_LINE_BYTES - sent, MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		serve(world, 1);
	}
	serve(world, 2);
	hear_error(world, "EMSGSIZE", EXIT_USAGE);
	assert_int_equal(control_clients(world->control), 0);
	free(text);
}

static void
test_watch(void **state)
{
	struct world *world = *state;
	uint64_t until_ns = clock_now_ns() + 400000000u;
	int heard = 0;
	json_t *event;

	world->watch_ms = 100;
	say(world, "{}\n");
	while (clock_now_ns() < until_ns)
		serve(world, 1);
	while ((event = hear(world)) != NULL) {
		heard += json_object_get(event, "event") != NULL;
		json_decref(event);
	}
	assert_in_range(heard, 2, 5);
	world->watch_ms = 0;
}

/* A client that watches and never reads: no event is made for it once its queue is not empty, and
 * asking for more than the queue holds drops it. */
static void
test_slow_client(void **state)
{
	struct world *world = *state;
	int small = 4096, before, other;

	setsockopt(world->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	world->watch_ms = 100;
	world->answer_bytes = 600000;
	say(world, "{}\n");
	serve(world, 3);
	before = world->events;
	for (int i = 0; i < 80; i++)
		assert_int_equal(control_serve(world->control, 5, -1, &other, NULL), 0);
	assert_int_equal(world->events, before);
	assert_int_equal(control_clients(world->control), 1);
	for (int i = 0; i < 12; i++) {
		send(world->fd, "{}\n", 3, MSG_DONTWAIT | MSG_NOSIGNAL);
		assert_int_equal(control_serve(world->control, 5, -1, &other, NULL), 0);
	}
	/* What was queued may still be read; nothing more is taken, and then it is dropped. */
	assert_true(world->requests <= (int)(CONTROL_QUEUE_BYTES / 600000) + 2);
	close(world->fd);
	world->fd = -1;
	serve(world, 3);
	assert_int_equal(control_clients(world->control), 0);
}

static void
test_client_that_leaves(void **state)
{
	struct world *world = *state;

	assert_int_equal(send(world->fd, "{}\n{}\n", 6, 0), 6);
	close(world->fd);
	world->fd = -1;
	serve(world, 3);
	assert_int_equal(control_clients(world->control), 0);
}

static void
test_other_descriptor(void **state)
{
	struct world *world = *state;
	int ends[2], other = 7;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(control_serve(world->control, 1, ends[0], &other, NULL), 0);
	assert_int_equal(other, 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(control_serve(world->control, 1000, ends[0], &other, NULL), 0);
	assert_int_equal(other, 1);
	close(ends[0]);
	close(ends[1]);
}

static void
test_listening(void **state)
{
	struct world *world = *state;
	char folder[] = "/tmp/sluice-test-XXXXXX", path[128], longer[256];
	struct control *second;
	struct sluice_err err = {0, ""};
	struct client *client;
	json_t *answer;
	struct stat st;
	FILE *file;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	assert_int_equal(client_connect(path, &client, &err), -ENOENT);
	file = fopen(path, "w");
	fclose(file);
	assert_int_equal(control_listen(world->control, path, &err), -EEXIST);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(control_listen(world->control, path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(control_new(&ops, world, &second, NULL), 0);
	assert_int_equal(control_listen(second, path, &err), -EADDRINUSE);
	assert_non_null(strstr(err.msg, path));
	control_free(second);
	assert_int_equal(stat(path, &st), 0); /* which it must not have taken away */

	assert_int_equal(client_connect(path, &client, &err), 0);
	assert_int_equal(client_send(client, json_object(), &err), 0);
	serve(world, 4);
	assert_int_equal(client_receive(client, 0, &answer, &err), 0);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	assert_int_equal(client_receive(client, 0, &answer, &err), -EAGAIN);
	control_free(world->control);
	assert_int_equal(client_receive(client, 0, &answer, &err), -EPIPE);
	client_free(client);
	assert_int_equal(stat(path, &st), -1);

	memset(longer, 'l', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(control_new(&ops, world, &world->control, NULL), 0);
	assert_int_equal(control_listen(world->control, longer, &err), -ENAMETOOLONG);
	rmdir(folder);
}

/* A socket file that a killed service left is taken over. */
static void
test_stale_socket(void **state)
{
	struct world *world = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/sluice-test-XXXXXX";
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_non_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* the file stays */
	assert_int_equal(control_listen(world->control, address.sun_path, NULL), 0);
	unlink(address.sun_path);
	rmdir(folder);
}

static void
test_too_many_clients(void **state)
{
	struct world *world = *state;
	struct client *clients[CONTROL_CLIENTS_MAX];
	char folder[] = "/tmp/sluice-test-XXXXXX", path[128];
	struct sluice_err err = {0, ""};
	json_t *answer;
	int status = 0;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	assert_int_equal(control_listen(world->control, path, NULL), 0);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) { /* one is there already */
		assert_int_equal(client_connect(path, &clients[i], NULL), 0);
		serve(world, 2);
	}
	assert_int_equal(control_clients(world->control), CONTROL_CLIENTS_MAX);
	assert_int_equal(client_receive(clients[CONTROL_CLIENTS_MAX - 1], 0, &answer, &err), 0);
	assert_int_equal(client_answer_error(answer, &status, &err), -EBUSY);
	json_decref(answer);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		client_free(clients[i]);
	serve(world, 3);
	assert_int_equal(control_clients(world->control), 1);
	unlink(path);
	rmdir(folder);
}

/* A client that asks and then closes its own end for writing, as `nc -N` does. */
static void
test_half_closed(void **state)
{
	struct world *world = *state;
	char text[65536];
	size_t got = 0;
	ssize_t n;

	world->answer_bytes = 1 << 20; /* more than a socket takes at once */
	assert_int_equal(write(world->fd, "{}\n", 3), 3);
	serve(world, 1);
	assert_int_equal(shutdown(world->fd, SHUT_WR), 0);
	serve(world, 1);
	while ((n = recv(world->fd, text, sizeof(text), MSG_DONTWAIT)) > 0) {
		got += (size_t)n;
		serve(world, 1);
	}
	assert_int_equal(n, 0);
	assert_true(got > 1 << 20);
	assert_int_equal(control_clients(world->control), 0);
}

/* Without a descriptor left, a client is refused, and one that cannot even be refused does not make
 * the loop spin. */
static void
test_no_descriptors(void **state)
{
	struct world *world = *state;
	char folder[] = "/tmp/sluice-test-XXXXXX", path[128];
	struct client *first, *second;
	struct sluice_err err = {0, ""};
	struct rlimit old, none;
	json_t *answer;
	int status = 0, other, turns = 0;
	uint64_t began_ns;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	assert_int_equal(control_listen(world->control, path, NULL), 0);
	assert_int_equal(client_connect(path, &first, NULL), 0);
	assert_int_equal(client_connect(path, &second, NULL), 0);
	getrlimit(RLIMIT_NOFILE, &old);
	/* Descriptors that are open stay so; the spare one goes, as its number is the last. */
	none = (struct rlimit){(rlim_t)client_fd(first), old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(control_serve(world->control, 0, -1, &other, NULL), 0);
	/* Refused by the spare one's place; it could be had again, or not. */
	assert_int_equal(client_receive(first, 0, &answer, &err), 0);
	assert_int_equal(client_answer_error(answer, &status, &err), -EMFILE);
	assert_int_equal(status, EXIT_GENERAL);
	json_decref(answer);
	none.rlim_cur = 4; /* poll(2) itself wants as many as it is asked about */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	began_ns = clock_now_ns();
	while (clock_now_ns() - began_ns < 300000000u) {
		assert_int_equal(control_serve(world->control, 50, -1, &other, NULL), 0);
		turns++;
	}
	setrlimit(RLIMIT_NOFILE, &old);
	assert_true(turns < 20);
	/* It hears again by itself. */
	for (int i = 0; i < 40 && control_clients(world->control) < 2; i++)
		assert_int_equal(control_serve(world->control, 50, -1, &other, NULL), 0);
	assert_int_equal(control_clients(world->control), 2);
	client_free(first);
	client_free(second);
	unlink(path);
	rmdir(folder);
}

static void
test_error_text_of_strangers(void **state)
{
	json_t *error = control_error(-EPERM, 4, "process '\xff\xfe' is not ours");

	(void)state;
	assert_non_null(error);
	json_decref(error);
}

static void
test_exit_statuses(void **state)
{
	(void)state;
	assert_int_equal(exit_status_of(STAGE_OTHER, 0), EXIT_OK);
	assert_int_equal(exit_status_of(STAGE_TARGET, -ESRCH), EXIT_NO_PROCESS);
	assert_int_equal(exit_status_of(STAGE_TARGET, -EINVAL), EXIT_NOT_A_TARGET);
	assert_int_equal(exit_status_of(STAGE_TARGET, -EPERM), EXIT_NOT_PERMITTED);
	assert_int_equal(exit_status_of(STAGE_TARGET, -EALREADY), EXIT_GENERAL);
	assert_int_equal(exit_status_of(STAGE_ARGUMENTS, -EINVAL), EXIT_USAGE);
	assert_int_equal(exit_status_of(STAGE_TIERS, -ENODEV), EXIT_NO_TIER);
	assert_int_equal(exit_status_of(STAGE_POLICY, -EPERM), EXIT_POLICY);
	assert_int_equal(exit_status_of(STAGE_BACKEND, -ENOTSUP), EXIT_NO_BACKEND);
	assert_int_equal(exit_status_of(STAGE_BACKEND, -EBUSY), EXIT_NO_BACKEND);
	assert_int_equal(exit_status_of(STAGE_BACKEND, -EACCES), EXIT_NOT_PERMITTED);
	assert_int_equal(exit_status_of(STAGE_SERVICE, -ECONNREFUSED), EXIT_NO_SERVICE);
	assert_int_equal(exit_status_of(STAGE_SERVICE, -EACCES), EXIT_NOT_PERMITTED);
	for (const struct exit_status_row *row = exit_status_table; row[1].meaning; row++)
		assert_true(row[0].status < row[1].status);
}

int
main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup_world, teardown_world)
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_lines),
		WITH_WORLD(test_bad_lines_are_answered),
		WITH_WORLD(test_descriptors),
		WITH_WORLD(test_zero_byte),
		WITH_WORLD(test_deep_nesting),
		WITH_WORLD(test_endless_line_is_refused),
		WITH_WORLD(test_watch),
		WITH_WORLD(test_slow_client),
		WITH_WORLD(test_client_that_leaves),
		WITH_WORLD(test_other_descriptor),
		WITH_WORLD(test_listening),
		WITH_WORLD(test_stale_socket),
		WITH_WORLD(test_too_many_clients),
		WITH_WORLD(test_half_closed),
		WITH_WORLD(test_no_descriptors),
		cmocka_unit_test(test_error_text_of_strangers),
		cmocka_unit_test(test_exit_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
