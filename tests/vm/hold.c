/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: keeps a disabled perf event on page faults open as long as a guest lives.
 *
 * The kernel patches the code of its page faults when the first such event is opened and when the
 * last is closed, as a service that starts and ends does. QEMU translates code of one CPU while
 * another one writes it, and then the breakpoint that stands there meanwhile is run later ("Oops:
 * int3" in do_user_addr_fault, when a program faulted all the time: two runs of five of
 * test_refusals.sh). With one event open all the time nothing is patched.
 */
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.disabled = 1,
	};

	if (syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0)
		return 1;
	for (;;)
		pause();
}
