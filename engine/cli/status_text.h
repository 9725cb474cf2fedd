/* SPDX-License-Identifier: Apache-2.0 */
/* status_text.h - a status object as tables for people; for `sluice status` and a piped `top`. */
#ifndef CLI_STATUS_TEXT_H
#define CLI_STATUS_TEXT_H

#include <jansson.h>
#include <stdio.h>

void status_text_print(const json_t *status, FILE *stream);

/* How the policy's process does; of a whole status. */
void status_text_policy(const json_t *status, FILE *stream);

#endif
