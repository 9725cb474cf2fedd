/* SPDX-License-Identifier: Apache-2.0 */
/* report_file.c - a page as a file, whole or not at all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

int
report_write_file(const char *path, const char *text, size_t len)
{
	size_t size = strlen(path) + sizeof(".part");
	char *part = malloc(size);
	FILE *file;
	int error = 0;

	if (!part)
		return -ENOMEM;
	snprintf(part, size, "%s.part", path);
	file = fopen(part, "w");
	if (!file) {
		error = -errno;
		free(part);
		return error;
	}
	if (fwrite(text, 1, len, file) != len)
		error = -EIO;
	if (fclose(file) != 0 && !error)
		error = -errno;
	if (!error && rename(part, path) != 0)
		error = -errno;
	if (error)
		remove(part);
	free(part);
	return error;
}

int
report_file(const char *path, const json_t *result, struct sluice_err *reterr)
{
	const char *title = report_string(result, "title");
	struct report_problem problem = {""};
	char *text = NULL;
	size_t len = 0;
	FILE *page = open_memstream(&text, &len);
	int r;

	if (!page)
		return sluice_fail(reterr, -ENOMEM, "no memory for a report");
	report_page_begin(page, title ? title : "Sluice");
	r = report_section(page, result, 1, &problem);
	report_page_end(page);
	if (fclose(page) != 0)
		r = sluice_fail(reterr, -ENOMEM, "no memory for a report");
	else if (r < 0)
		r = sluice_fail(reterr, -EINVAL, "the report: %s", problem.text);
	else if ((r = report_write_file(path, text, len)) < 0)
		sluice_fail(reterr, r, "cannot write '%s': %s", path, strerror(-r));
	free(text);
	return r;
}
