/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluiced_main.c - main of sluiced: command line, configuration, signals, and the loop.
 *
 * With --private=FD it serves the one connection that it was handed, for `sluice run` and for verbs
 * when no service runs, and ends (putting everything back) when that connection does.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "control.h"
#include "exit_status.h"
#include "log.h"
#include "parse.h"
#include "service.h"

#define TICK_MS 500

struct command_line {
	const char *config; /* NULL: the default place, if there is one */
	int private_fd;     /* -1: public */
};

static void
print_help(void)
{
	printf("Usage: sluiced [OPTION]...\n"
	       "Keep hot memory in the fast tier and cold memory in the slow ones.\n"
	       "\n"
	       "  --config FILE            read this configuration, not " CONFIG_DEFAULT_PATH "\n"
	       "  --help, --version\n"
	       "\n"
	       "Each key of the configuration is an option too:\n");
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_table[id];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->metavar ? " " : "",
			 row->metavar ? row->metavar : "");
		printf("  %-24s %s", left, row->help);
		if (row->fallback && row->fallback[0])
			printf(" (%s)", row->fallback);
		printf("\n");
	}
}

/* 1: the program is done (help, version). */
static int
read_arguments(int argc, char **argv, struct options *options, struct command_line *ret,
	       struct sluice_err *reterr)
{
	uint64_t fd;

	for (int i = 1; i < argc; i++) {
		int r = options_take_argument(options, argc, argv, &i, reterr);

		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help();
			return 1;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("sluiced %s\n", SLUICE_VERSION);
			return 1;
		}
		if (strncmp(argv[i], "--private=", 10) == 0) {
			r = parse_u64(argv[i] + 10, 3, 1023, &fd, reterr);
			if (r < 0)
				return r;
			ret->private_fd = (int)fd;
		} else if (strncmp(argv[i], "--config=", 9) == 0) {
			ret->config = argv[i] + 9;
		} else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			ret->config = argv[++i];
		} else {
			return sluice_fail(reterr, -EINVAL,
					   "unknown argument '%s'; 'sluiced --help' lists all",
					   argv[i]);
		}
	}
	return 0;
}

static int
read_config(const struct command_line *line, struct options *options, struct sluice_err *reterr)
{
	int r;

	if (line->config)
		return config_read(line->config, options, reterr);
	r = config_read(CONFIG_DEFAULT_PATH, options, reterr);
	/* A user's own service does without what only root may read. */
	return r == -ENOENT || (r == -EACCES && line->private_fd >= 0) ? 0 : r;
}

static void
log_effective(const struct options *options)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		enum option_id option = (enum option_id)id;

		for (size_t i = 0; i < options_count(options, option); i++)
			log_info("config", "%s = %s (%s)", option_table[id].name,
				 options_text(options, option, i),
				 option_layer_name(options_layer(options, option)));
	}
}

static int
open_signals(struct sluice_err *reterr)
{
	sigset_t wanted;
	int fd;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	/* Before the engine's thread exists, so that it inherits the mask. */
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : sluice_fail(reterr, -errno, "signalfd: %s", strerror(errno));
}

/* Each target and each CPU takes some descriptors: all that we may have, as nothing here uses
 * select(2), for which the usual limit is kept low. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_debug("service", "cannot raise the limit of open files: %s", strerror(errno));
}

/* The folder of the socket, when it is ours to make. */
static void
make_folder(const char *socket_path)
{
	char folder[4096];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", socket_path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			log_debug("service", "cannot make '%s': %s", folder, strerror(errno));
	}
}

static int
serve(struct service *service, struct control *control, int signal_fd, struct sluice_err *reterr)
{
	uint64_t watchdog_us = 0, next_tick_ns = 0;
	int has_watchdog = !service->is_private && sd_watchdog_enabled(0, &watchdog_us) > 0;
	int timeout_ms = TICK_MS, ended = 0, r = 0;

	if (has_watchdog && watchdog_us / 2000 < TICK_MS)
		timeout_ms = (int)(watchdog_us / 2000);
	while (!ended) {
		uint64_t now_ns;

		r = control_serve(control, timeout_ms, signal_fd, &ended, reterr);
		if (r < 0)
			break;
		if (service->is_private && control_clients(control) == 0)
			ended = 1;
		if (has_watchdog)
			sd_notify(0, "WATCHDOG=1");
		now_ns = clock_now_ns();
		if (now_ns >= next_tick_ns) {
			service_tick(service);
			next_tick_ns = now_ns + (uint64_t)TICK_MS * 1000000u;
		}
	}
	return r;
}

static int
run_service(const struct options *options, const struct command_line *line, int *ret_exit,
	    struct sluice_err *reterr)
{
	const char *path = options_text(options, OPTION_SOCKET, 0);
	struct service *service = NULL;
	struct control *control = NULL;
	int signal_fd = open_signals(reterr);
	int r;

	*ret_exit = EXIT_GENERAL;
	if (signal_fd < 0)
		return signal_fd;
	raise_file_limit();
	r = service_new(options, line->private_fd >= 0, &service, reterr);
	if (r == 0)
		r = control_new(&service_control_ops, service, &control, reterr);
	if (r == 0 && line->private_fd >= 0) {
		r = control_adopt(control, line->private_fd, reterr);
	} else if (r == 0) {
		r = service_start_engine(service, ret_exit, reterr);
		if (r == 0) {
			make_folder(path);
			r = control_listen(control, path, reterr);
			if (r < 0)
				*ret_exit = exit_status_of(STAGE_OTHER, r);
		}
		if (r == 0) {
			log_info("service", "serving %s", path);
			sd_notifyf(0, "READY=1\nSTATUS=Tiering with policy %s",
				   options_text(options, OPTION_POLICY, 0));
		}
	}
	if (r == 0)
		r = serve(service, control, signal_fd, reterr);
	if (line->private_fd < 0) /* the unit around a private service is somebody else's */
		sd_notify(0, "STOPPING=1");
	control_free(control);
	service_free(service);
	close(signal_fd);
	return r;
}

int
main(int argc, char **argv)
{
	struct command_line line = {.private_fd = -1};
	struct options *options = options_new();
	struct sluice_err err = {0, ""};
	int status = EXIT_USAGE;
	int r;

	if (!options)
		return EXIT_GENERAL;
	r = read_arguments(argc, argv, options, &line, &err);
	if (r == 0)
		r = read_config(&line, options, &err);
	if (r == 0) {
		log_set_level((enum log_level)options_number(options, OPTION_LOG_LEVEL));
		log_effective(options);
		r = run_service(options, &line, &status, &err);
	} else if (r > 0) {
		status = EXIT_OK;
	}
	options_free(options);
	if (r < 0) {
		fprintf(stderr, "sluiced: %s\n", err.msg);
		return status;
	}
	return EXIT_OK;
}
