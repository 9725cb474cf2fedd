/* SPDX-License-Identifier: Apache-2.0 */
/* policy_card.h - what a policy says of itself, as a copy that outlives its file. */
#ifndef PLUGIN_POLICY_CARD_H
#define PLUGIN_POLICY_CARD_H

#include <stdint.h>

#define POLICY_CARD_PARAMS_MAX 32

/* Texts that are longer are cut. */
struct policy_card {
	uint32_t abi, size;
	char name[64], summary[192];
	uint32_t param_count;
	struct policy_card_param {
		char key[64], fallback[64], help[256];
	} params[POLICY_CARD_PARAMS_MAX];
};

#endif
