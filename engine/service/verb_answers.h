/* SPDX-License-Identifier: Apache-2.0 */
/* verb_answers.h - what a verb answers with. */
#ifndef SERVICE_VERB_ANSWERS_H
#define SERVICE_VERB_ANSWERS_H

#include <jansson.h>

#include "control.h"
#include "exit_status.h"

static inline json_t *
failure(enum fail_stage stage, int code, const struct sluice_err *err)
{
	return control_error(code, exit_status_of(stage, code), err->msg);
}

/* {"ok":true} and the members given (stolen). */
static inline json_t *
success(json_t *members)
{
	json_t *answer = json_pack("{s:b}", "ok", 1);

	if (members)
		json_object_update(answer, members);
	json_decref(members);
	return answer;
}

#endif
