/* SPDX-License-Identifier: Apache-2.0 */
/* control_error.h - a failure as JSON: what the service answers with, and what --json prints. */
#ifndef CLIENT_CONTROL_ERROR_H
#define CLIENT_CONTROL_ERROR_H

#include <jansson.h>

/* {"ok":false,"error":{...}}; code is a negative errno. NULL when there is no memory. */
json_t *control_error(int code, int exit_status, const char *message);

#endif
