/* SPDX-License-Identifier: Apache-2.0 */
/* policy_spawn.c - the shared memory of a policy's process, and the process itself. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "plugin_internal.h"
#include "policy_process_parts.h"

#define PROGRAM "sluice-policy"
#ifndef SLUICE_LIBEXEC_DIR
#define SLUICE_LIBEXEC_DIR "/usr/libexec/sluice"
#endif
#define DECIDE_MS_DEFAULT 1000u
#define LIST_MS_DEFAULT 10000u
/* Descriptors are put out of the way of those that the program is started with. */
#define FD_AWAY 16

/* Beside the running program, where an installation has it, or where this one was to have it. */
static int
find_program(const char *wanted, char path[PATH_MAX], struct sluice_err *reterr)
{
	static const char *const places[] = {"", "../libexec/sluice/", "../bin/"};
	char own[PATH_MAX - 64];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (wanted) {
		snprintf(path, PATH_MAX, "%s", wanted);
		return access(path, X_OK) == 0 ? 0
					       : sluice_fail(reterr, -ENOENT, "cannot run '%s': %s",
							     path, strerror(errno));
	}
	own[length > 0 ? length : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		slash[1] = '\0';
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, PATH_MAX, "%s%s%s", own, places[i], PROGRAM);
		if (access(path, X_OK) == 0)
			return 0;
	}
	snprintf(path, PATH_MAX, "%s/%s", SLUICE_LIBEXEC_DIR, PROGRAM);
	if (access(path, X_OK) == 0)
		return 0;
	return sluice_fail(reterr, -ENOENT,
			   "the program '" PROGRAM "', in which policies run, is neither beside "
			   "this program nor in " SLUICE_LIBEXEC_DIR "; install it, or use "
			   "--policy-in-process");
}

/* A file of memory that nobody can make smaller, which would kill us when we look at it; with
 * only_ours nobody but us can write to it, either. */
static void *
make_shared(const char *name, size_t bytes, int only_ours, int *ret_fd, struct sluice_err *reterr)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *memory = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
			      0);
	if (memory != MAP_FAILED &&
	    fcntl(fd, F_ADD_SEALS, only_ours ? seals | F_SEAL_FUTURE_WRITE : seals) < 0) {
		munmap(memory, bytes);
		memory = MAP_FAILED;
	}
	if (memory == MAP_FAILED) {
		sluice_fail(reterr, -errno, "cannot share %zu bytes with a policy's process: %s",
			    bytes, strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*ret_fd = fd;
	return memory;
}

static size_t
plan_bytes(const struct policy_process *process)
{
	return CHANNEL_PLAN_BYTES + process->options.entry_max * sizeof(struct channel_move);
}

static size_t
whole_pages(size_t bytes)
{
	return (bytes + CHANNEL_PAGE - 1) / CHANNEL_PAGE * CHANNEL_PAGE;
}

int
policy_process_new(const struct policy_process_options *options, const char *name,
		   const char *const *folders, const struct plugin_setting *settings,
		   size_t setting_count, struct policy_process **ret, struct sluice_err *reterr)
{
	struct policy_process *process = calloc(1, sizeof(*process));
	char *plan;
	int r;

	if (!process)
		return sluice_fail(reterr, -ENOMEM, "no memory for a policy's process");
	process->policy_fd = process->view_fd = process->plan_fd = -1;
	process->options.entry_max = options->entry_max;
	process->options.view_bytes = whole_pages(options->view_bytes);
	process->options.decide_ms = options->decide_ms ? options->decide_ms : DECIDE_MS_DEFAULT;
	process->settings = settings;
	process->setting_count = setting_count;
	process->copy_offset = CHANNEL_VIEW_BYTES + process->options.view_bytes;
	process->options.view_bytes_all =
		process->copy_offset +
		whole_pages(options->entry_max * sizeof(struct sluice_region));
	/* A view with more to each region than this build knows has room as well. */
	if (!options->view_bytes)
		process->options.view_bytes_all +=
			whole_pages(options->entry_max * sizeof(struct sluice_region));
	process->policy_fd = plugin_find(name, folders, process->path, reterr);
	r = process->policy_fd < 0
		    ? process->policy_fd
		    : find_program(options->program, process->options.program, reterr);
	if (r == 0)
		process->view = make_shared("sluice-view", process->options.view_bytes_all, 1,
					    &process->view_fd, reterr);
	if (process->view) {
		plan = make_shared("sluice-plan", plan_bytes(process), 0, &process->plan_fd,
				   reterr);
		process->plan = (struct channel_plan *)(void *)plan;
		if (plan)
			process->moves = (struct channel_move *)(void *)(plan + CHANNEL_PLAN_BYTES);
	}
	if (r == 0 && !process->plan)
		r = -ENOMEM;
	if (r < 0) {
		policy_process_free(process);
		return r;
	}
	*ret = process;
	return 0;
}

void
policy_process_free(struct policy_process *process)
{
	if (!process)
		return;
	policy_process_end(process);
	if (process->view)
		munmap(process->view, process->options.view_bytes_all);
	if (process->plan)
		munmap(process->plan, plan_bytes(process));
	if (process->view_fd >= 0)
		close(process->view_fd);
	if (process->plan_fd >= 0)
		close(process->plan_fd);
	if (process->policy_fd >= 0)
		close(process->policy_fd);
	free(process);
}

/* The descriptors of the process, and nothing else of ours. */
static int
give_files(posix_spawn_file_actions_t *actions, const int away[3])
{
	static const int wanted[3] = {CHANNEL_POLICY_FD, CHANNEL_VIEW_FD, CHANNEL_PLAN_FD};
	int r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, 0, 1);
	for (int i = 0; i < 3 && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(actions, away[i], wanted[i]);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, CHANNEL_PLAN_FD + 1);
	return r;
}

/* In a session of its own, so that Ctrl-C reaches it through us only. */
static int
spawn(struct policy_process *process, char **argv, const int away[3])
{
	static char *const no_environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETSID);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	r = give_files(&actions, away);
	if (r == 0)
		r = posix_spawn(&process->pid, process->options.program, &actions, &attributes,
				argv, no_environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int
policy_spawn(struct policy_process *process, struct sluice_err *reterr)
{
	const int files[3] = {process->policy_fd, process->view_fd, process->plan_fd};
	char pid[24], view_bytes[24], moves_max[24];
	char *argv[5 + 2 * PLUGIN_SETTINGS_MAX + 1] = {"sluice-policy", pid, view_bytes, moves_max,
						       process->path};
	int away[3] = {-1, -1, -1}, argc = 5, r = 0;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(view_bytes, sizeof(view_bytes), "%zu", process->options.view_bytes_all);
	snprintf(moves_max, sizeof(moves_max), "%zu", process->options.entry_max);
	for (size_t i = 0; i < process->setting_count && i < PLUGIN_SETTINGS_MAX; i++) {
		argv[argc++] = (char *)(uintptr_t)process->settings[i].key;
		argv[argc++] = (char *)(uintptr_t)process->settings[i].value;
	}
	for (int i = 0; i < 3 && r == 0; i++) {
		away[i] = fcntl(files[i], F_DUPFD_CLOEXEC, FD_AWAY);
		r = away[i] < 0 ? -errno : 0;
	}
	if (r == 0)
		r = spawn(process, argv, away);
	for (int i = 0; i < 3; i++)
		if (away[i] >= 0)
			close(away[i]);
	if (r < 0) {
		process->pid = 0;
		return sluice_fail(reterr, r, "cannot start '%s': %s", process->options.program,
				   strerror(-r));
	}
	return 0;
}

int
policy_process_list(const struct policy_process_options *options, const char *const *folders,
		    void (*each)(void *ctx, const char *path, const struct policy_card *card,
				 const char *problem),
		    void *ctx, struct sluice_err *reterr)
{
	uint64_t list_ms = options->list_ms ? options->list_ms : LIST_MS_DEFAULT;
	uint64_t began_ns = clock_now_ns();
	struct plugin_dir dir;
	int r = plugin_dir_read(folders, &dir, reterr);

	if (r < 0)
		return r;
	for (size_t i = 0; i < dir.count; i++) {
		const char *path = dir.files[i].path;
		struct policy_process *process = NULL;
		struct sluice_err err = {0, ""};

		if (i > 0 && strcmp(dir.files[i].name, dir.files[i - 1].name) == 0)
			sluice_fail(&err, -EEXIST, "hidden by the policy of the same name in '%s'",
				    folders[dir.files[i - 1].folder]);
		/* Each may take as long as it is let, and whoever lists has others to serve. */
		else if (clock_now_ns() - began_ns >= list_ms * 1000000u)
			sluice_fail(&err, -ETIMEDOUT,
				    "not looked at: the policies before it took more than %llu ms",
				    (unsigned long long)list_ms);
		else if (policy_process_new(options, path, NULL, NULL, 0, &process, &err) == 0)
			(void)policy_process_start(process, 1, &err);
		if (err.code)
			each(ctx, path, NULL, err.msg);
		else
			each(ctx, path, policy_process_card(process), NULL);
		policy_process_free(process);
	}
	plugin_dir_free(&dir);
	return 0;
}
