/* SPDX-License-Identifier: Apache-2.0 */
/* CLOCK_MONOTONIC, and waiting for an instant or a signal, whichever comes first. */
#ifndef WL_TIME_H
#define WL_TIME_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_S 1e9

static inline double
time_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}

/*
 * Waits until @until_s of that clock. @signals must be blocked in every thread. Returns the signal
 * that came, or 0 when the time is there (at once where it has passed and no signal is pending).
 */
static inline int
time_wait(double until_s, const sigset_t *signals)
{
	for (;;) {
		double left = until_s - time_now_s();
		struct timespec timeout = {0, 0};

		if (left > 0) {
			timeout.tv_sec = (time_t)left;
			timeout.tv_nsec = (long)((left - (double)timeout.tv_sec) * NS_PER_S);
		}

		int signal = sigtimedwait(signals, NULL, &timeout);

		if (signal > 0)
			return signal;
		if (errno == EAGAIN && time_now_s() >= until_s)
			return 0;
	}
}

#endif
