/* SPDX-License-Identifier: Apache-2.0 */
/* cage.c - see cage.h. */
#include "cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"

/* Of private memory: policies keep a few bytes for each region, and there are millions at most. */
#define DATA_BYTES_MAX (4ull << 30)
/* Of addresses beyond what is mapped at the start: the same, and room for libraries. */
#define MAPPED_BYTES_MAX (DATA_BYTES_MAX + (1ull << 30))
#define STACK_BYTES_MAX (64ull << 20)
/* What RLIMIT_DATA does not count, or takes from others. */
#define MAP_UNCOUNTED (MAP_TYPE | MAP_GROWSDOWN | MAP_HUGETLB)

static scmp_filter_ctx filters[CAGE_STEPS];

/* Waiting, ending, and what these need. The clock is read without a system call on most machines,
 * not on all; restart_syscall is how an interrupted wait goes on. */
static const int always[] = {
	SCMP_SYS(futex),           SCMP_SYS(exit),
	SCMP_SYS(exit_group),      SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(clock_gettime),
};
static const int memory[] = {
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mprotect),
};
/* Until the last step, as later ones are entered by these. */
static const int stepping[] = {SCMP_SYS(seccomp), SCMP_SYS(getrandom)};
static const int loading[] = {
	SCMP_SYS(read),        SCMP_SYS(pread64),      SCMP_SYS(close),     SCMP_SYS(close_range),
	SCMP_SYS(fstat),       SCMP_SYS(newfstatat),   SCMP_SYS(lseek),     SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),  SCMP_SYS(access),       SCMP_SYS(faccessat), SCMP_SYS(getcwd),
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(setrlimit), SCMP_SYS(getpid),
};

static int
allow(scmp_filter_ctx filter, const int *calls, size_t count, uint32_t action)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = seccomp_rule_add(filter, action, calls[i], 0);
		if (r == -EDOM)
			r = 0; /* this architecture does not have it */
	}
	return r;
}
#define ALLOW(filter, calls, action)                                                               \
	allow(filter, calls, sizeof(calls) / sizeof((calls)[0]), action)

/* A policy's constructors run while it is loaded, so what later steps need of these is allowed for
 * that only: not to outlive the service (PR_SET_PDEATHSIG), nor to set its limits. */
static int
allow_loading(scmp_filter_ctx filter)
{
	int r = ALLOW(filter, loading, SCMP_ACT_ALLOW);

	if (r == 0) /* to read only */
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, 0));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				     SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				     SCMP_A0(SCMP_CMP_EQ, 0));
	return r;
}

static scmp_filter_ctx
make_filter(enum cage_step step)
{
	/* Trapped, so that our handler can say which call it was, and end. */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int r;

	if (!filter)
		return NULL;
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* it is set already */
	if (r == 0)
		r = ALLOW(filter, always, SCMP_ACT_ALLOW);
	if (r == 0 && step < CAGE_DECIDE)
		r = ALLOW(filter, memory, SCMP_ACT_ALLOW);
	if (r == 0 && step < CAGE_DECIDE)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_UNCOUNTED, MAP_PRIVATE));
	if (r == 0 && step < CAGE_DECIDE)
		r = ALLOW(filter, stepping, SCMP_ACT_ALLOW);
	if (r == 0 && step == CAGE_LOAD)
		r = allow_loading(filter);
	if (r == 0 && step == CAGE_DECIDE) {
		r = allow(filter, memory + 1, sizeof(memory) / sizeof(memory[0]) - 1,
			  SCMP_ACT_ERRNO(ENOMEM));
		if (r == 0)
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(mmap), 0);
		/* brk tells failure by not moving the break; libc would take a negative errno for
		 * an address. */
		if (r == 0)
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(brk), 0);
	}
	if (r < 0) {
		seccomp_release(filter);
		return NULL;
	}
	return filter;
}

static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}};

	return (int)syscall(SYS_capset, &header, none);
}

/* When memory is short we are to go before the service does, and before most others. */
static void
offer_to_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "500", 3) < 0)
		(void)0; /* it was more already */
	close(fd);
}

static int
limit(int what, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)what, &limit) < 0)
		return -1;
	if (limit.rlim_max > most)
		limit.rlim_max = most;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &limit);
}

/* Addresses, too: page tables of what is only read, or of a mapping that is counted nowhere else,
 * take memory as well. */
static int
limit_mapped(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	int known = file && fscanf(file, "%llu", &pages) == 1;

	if (file)
		fclose(file);
	if (!known) {
		errno = EIO;
		return -1;
	}
	return limit(RLIMIT_AS,
		     pages * (unsigned long long)sysconf(_SC_PAGESIZE) + MAPPED_BYTES_MAX);
}

static void
show(int rules, int fd, uint64_t access)
{
	struct landlock_path_beneath_attr beneath = {.allowed_access = access, .parent_fd = fd};

	(void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
}

/* A policy's constructors can open files to read, as the dynamic linker has to. So only libraries
 * are to be seen, and the policy: no keys, no memory of other processes, and no devices, of which
 * some act when they are opened (watchdogs). Kernels without Landlock show what our user may read.
 */
static int
show_libraries_only(void)
{
	static const char *const places[] = {"/usr", "/lib",       "/lib64",    "/lib32",
					     "/opt", "/nix/store", "/gnu/store"};
	struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE |
								  LANDLOCK_ACCESS_FS_READ_DIR};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0), fd, r;

	if (rules < 0)
		return 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		fd = open(places[i], O_PATH | O_CLOEXEC);
		if (fd < 0)
			continue;
		show(rules, fd, attr.handled_access_fs);
		close(fd);
	}
	fd = open("/etc/ld.so.cache", O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		show(rules, fd, LANDLOCK_ACCESS_FS_READ_FILE);
		close(fd);
	}
	show(rules, CHANNEL_POLICY_FD, LANDLOCK_ACCESS_FS_READ_FILE);
	r = (int)syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
	return r;
}

int
cage_build(int parent_pid, struct sluice_err *reterr)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return sluice_fail(reterr, -errno, "PR_SET_PDEATHSIG: %s", strerror(errno));
	if (getppid() != parent_pid)
		return sluice_fail(reterr, -ESRCH, "the service has ended");
	offer_to_oom();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || drop_capabilities() < 0 ||
	    limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, 0) < 0 || limit(RLIMIT_NPROC, 0) < 0 ||
	    limit(RLIMIT_MEMLOCK, 0) < 0 || limit(RLIMIT_DATA, DATA_BYTES_MAX) < 0 ||
	    limit(RLIMIT_STACK, STACK_BYTES_MAX) < 0 || limit_mapped() < 0 ||
	    show_libraries_only() < 0)
		return sluice_fail(reterr, -errno, "cannot give up rights: %s", strerror(errno));
	for (int step = 0; step < CAGE_STEPS; step++) {
		filters[step] = make_filter((enum cage_step)step);
		if (!filters[step])
			return sluice_fail(reterr, -ENOTSUP, "libseccomp makes no filter here");
	}
	return 0;
}

int
cage_enter(enum cage_step step, struct sluice_err *reterr)
{
	int r;

	if (step == CAGE_INIT && (close_range(0, ~0u, 0) < 0 || limit(RLIMIT_NOFILE, 0) < 0 ||
				  prctl(PR_SET_DUMPABLE, 0) < 0))
		return sluice_fail(reterr, -errno, "cannot give up files: %s", strerror(errno));
	r = seccomp_load(filters[step]);
	if (r < 0)
		return sluice_fail(reterr, -ENOTSUP,
				   "this kernel does not filter system calls (seccomp): %s",
				   strerror(-r));
	return 0;
}
