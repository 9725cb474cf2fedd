/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - how every function of Sluice says what went wrong.
 *
 * Functions return 0 or a negative errno. The last parameter, `struct sluice_err *reterr`, may be
 * NULL; otherwise a failing function fills it with one sentence that says what failed, where, and
 * what to do. The struct is the caller's, holds no pointers, and may be copied.
 */
#ifndef SLUICE_ERR_H
#define SLUICE_ERR_H

#include <stdarg.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sluice_err {
	int code; /* the negative errno that the function returned */
	char msg[508];
};

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
/* Fill *reterr (may be NULL) and give back `code`, so that a failure is one line:
 *     return sluice_fail(reterr, -EINVAL, "'%s' is not a size", text);
 * Any thread. A sentence longer than the buffer is cut. */
static inline int
sluice_fail(struct sluice_err *reterr, int code, const char *format, ...)
{
	if (reterr) {
		va_list args;

		va_start(args, format);
		reterr->code = code;
		vsnprintf(reterr->msg, sizeof(reterr->msg), format, args);
		va_end(args);
	}
	return code;
}

#ifdef __cplusplus
}
#endif
#endif
