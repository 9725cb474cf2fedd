/* SPDX-License-Identifier: Apache-2.0 */
/* control_error.c - see control_error.h. */
#include "control_error.h"

#include <string.h>

json_t *
control_error(int code, int exit_status, const char *message)
{
	const char *name = strerrorname_np(-code);
	json_t *text = json_string(message);

	if (!text) /* not UTF-8: a file name of somebody's */
		text = json_string("the reason cannot be shown, as it is not UTF-8");
	return json_pack("{s:b, s:{s:s, s:i, s:o, s:i}}", "ok", 0, "error", "errno",
			 name ? name : "EIO", "code", -code, "message", text, "exit", exit_status);
}
