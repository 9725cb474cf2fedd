/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_views.c - answers to `sluice topology` that another version may have given, or nobody: each
 * view draws them, or says that it cannot.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "topo_views.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, 0, NULL);
	struct topo_model *model = json_is_object(json) ? topo_model_new(json) : NULL;
	char *text = NULL;
	size_t length = 0;
	FILE *stream;
	int r;

	json_decref(json);
	if (!model)
		return 0;
	stream = open_memstream(&text, &length);
	FUZZ_REQUIRE(topo_tree_print(model, stream) == 0);
	FUZZ_REQUIRE(topo_svg_print(model, stream) == 0);
	r = topo_xml_print(model, stream);
	FUZZ_REQUIRE(r == 0 || r == -ENODATA);
	FUZZ_REQUIRE(topo_explain_all_print(model, stream) == 0);
	r = topo_explain_print(model, 1, stream);
	FUZZ_REQUIRE(r == 0 || r == -ENOENT);
	FUZZ_REQUIRE(fclose(stream) == 0 && length > 0);
	free(text);
	topo_model_free(model);
	return 0;
}
