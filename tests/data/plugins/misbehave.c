/* SPDX-License-Identifier: Apache-2.0 */
/*
 * misbehave.c - a policy that does wrong in one way, chosen by its parameter `how`, in every n-th
 * decision; for the tests of what becomes of it. In others it asks to move region 0 to tier 0.
 */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sluice/policy.h"

static const struct sluice_param params[] = {
	{"how", "not", "what to do wrong"},
	{"every", "1", "in which decisions: every n-th"},
	{0},
};

struct misbehave {
	const struct sluice_host *host;
	char how[32];
	unsigned int every, count;
};

static volatile int sink;
static volatile int zero;
static int *volatile nowhere; /* NULL, but the compiler does not know */

static int
overflow(int depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	return depth < 0 ? room[0] : overflow(depth + 1) + room[0];
}

static void
while_loading(const char *how, const char *service)
{
	struct rlimit limit = {1, 1};

	if (strcmp(how, "load-outlive") == 0)
		sink = prctl(PR_SET_PDEATHSIG, 0);
	if (strcmp(how, "load-limit") == 0)
		sink = prlimit(atoi(service), RLIMIT_CORE, &limit, NULL);
	if (strcmp(how, "load-write") == 0)
		sink = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
	if (strcmp(how, "load-read") == 0 && open("/etc/passwd", O_RDONLY) >= 0)
		_exit(8); /* nothing but libraries is to be seen */
}

/* The arguments are those of the program: sluice-policy has the service's pid and the settings
 * there, of which the last counts later on. */
__attribute__((constructor)) static void
in_constructor(int argc, char **argv)
{
	for (int i = 5; i + 1 < argc; i += 2)
		if (strcmp(argv[i], "how") == 0)
			while_loading(argv[i + 1], argv[1]);
}

static void
map(size_t bytes, int flags)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		_exit(6); /* it must not be had */
}

static void
in_init(const char *how)
{
	if (strcmp(how, "init-share") == 0)
		map(4096, MAP_SHARED);
	if (strcmp(how, "init-stack") == 0)
		map(4096, MAP_PRIVATE | MAP_GROWSDOWN);
	if (strcmp(how, "init-much") == 0)
		map(8ull << 30, MAP_PRIVATE);
	if (strcmp(how, "init-addresses") == 0 &&
	    mmap(NULL, 8ull << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		_exit(7);
	if (strcmp(how, "init-crash") == 0)
		*nowhere = 1;
	if (strcmp(how, "init-open") == 0)
		sink = open("/etc/passwd", O_RDONLY);
	if (strcmp(how, "init-loop") == 0)
		for (;;)
			sink++;
}

static int
misbehave_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	       struct sluice_err *reterr)
{
	struct misbehave *self = calloc(1, sizeof(*self));

	if (!self)
		return sluice_fail(reterr, -12, "no memory");
	self->host = host;
	strncpy(self->how, values[0], sizeof(self->how) - 1);
	self->every = (unsigned int)atoi(values[1]);
	in_init(self->how);
	*ret_self = self;
	return 0;
}

static void *
nothing(void *arg)
{
	return arg;
}

static void
do_wrong(struct misbehave *self, const struct sluice_view *view, struct sluice_plan *plan)
{
	const char *how = self->how;
	pthread_t thread;

	if (strcmp(how, "null") == 0)
		*nowhere = 1;
	if (strcmp(how, "wild") == 0)
		*(volatile int *)0x123456789000 = 1;
	if (strcmp(how, "view") == 0)
		((struct sluice_region *)(uintptr_t)view->regions)->tier = 1;
	if (strcmp(how, "unprotect") == 0) {
		uintptr_t page = (uintptr_t)view->regions & ~(uintptr_t)4095;

		(void)mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
		((struct sluice_region *)(uintptr_t)view->regions)->tier = 1;
	}
	if (strcmp(how, "overflow") == 0)
		sink = overflow(0);
	if (strcmp(how, "divide") == 0)
		sink = 100 / zero;
	if (strcmp(how, "abort") == 0)
		abort();
	if (strcmp(how, "trap") == 0)
		__builtin_trap();
	if (strcmp(how, "loop") == 0)
		for (;;)
			sink++;
	if (strcmp(how, "exit") == 0)
		exit(3);
	if (strcmp(how, "_exit") == 0)
		_exit(4);
	if (strcmp(how, "fork") == 0)
		sink = fork();
	if (strcmp(how, "thread") == 0)
		sink = pthread_create(&thread, NULL, nothing, NULL);
	if (strcmp(how, "open") == 0)
		sink = open("/etc/passwd", O_RDONLY);
	if (strcmp(how, "print") == 0) {
		sink = (int)write(1, "hello\n", 6);
	}
	if (strcmp(how, "socket") == 0)
		sink = socket(AF_UNIX, SOCK_STREAM, 0);
	if (strcmp(how, "kill") == 0)
		kill(getppid(), SIGKILL);
	if (strcmp(how, "sleep") == 0)
		sink = (int)sleep(100);
	if (strcmp(how, "region") == 0)
		self->host->move(plan, view->region_count, 0, 1);
	if (strcmp(how, "tier") == 0)
		self->host->move(plan, 0, view->tier_count, 1);
	if (strcmp(how, "nan") == 0)
		self->host->move(plan, 0, 0, NAN);
	if (strcmp(how, "malloc") == 0) {
		char *much = malloc(64u << 20);

		if (much)
			_exit(5); /* it must not be had */
	}
	if (strcmp(how, "scribble") == 0) {
		/* Where the engine reads the plan: its moves are what the handle points to. */
		uint64_t *moves = *(uint64_t **)(void *)plan;

		self->host->move(plan, 0, 0, 1);
		moves[0] = 1ull << 40;
	}
	if (strcmp(how, "early") == 0) { /* says that it has answered (channel.h), and goes on */
		++*(volatile unsigned int *)(void *)(((char **)(void *)plan)[0] - 16384 + 64);
		for (;;)
			sink++;
	}
	if (strcmp(how, "trample") == 0)
		memset(((char **)(void *)plan)[0] - 16384, 0xff, 16384); /* before the moves */
}

static int
misbehave_decide(void *data, const struct sluice_view *view, struct sluice_plan *plan,
		 struct sluice_err *reterr)
{
	struct misbehave *self = data;

	if (++self->count % self->every == 0) {
		if (strcmp(self->how, "decline") == 0)
			return sluice_fail(reterr, -61, "nothing to decide on");
		if (strcmp(self->how, "forge") == 0)
			return sluice_fail(reterr, -61, "no\n<0>kernel: panic\033[2J\302\233J");
		do_wrong(self, view, plan);
		if (strcmp(self->how, "scribble") == 0)
			return 0; /* another move() would mend it */
	}
	if (view->region_count)
		self->host->move(plan, 0, 0, 1);
	return 0;
}

static void
misbehave_fini(void *self)
{
	if (self && strcmp(((struct misbehave *)self)->how, "fini-loop") == 0)
		for (;;)
			sink++;
	free(self);
}

SLUICE_POLICY(.name = NAME, .summary = "does wrong, for tests", .params = params,
	      .init = misbehave_init, .decide = misbehave_decide, .fini = misbehave_fini);
