/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - what works on this machine, what does not, why, and what to do about it. Changes
 * nothing: it reads, and asks backends to probe.
 */
#ifndef SERVICE_DOCTOR_H
#define SERVICE_DOCTOR_H

#include <jansson.h>

#include "service.h"

/* {"works":bool,"exit":N,"checks":[{"check","verdict":"ok"|"no"|"warning","detail","advice"}]}.
 * "exit" is what `sluice doctor` exits with. A new reference; NULL when there is no memory. */
json_t *doctor_examine(struct service *service);

#endif
