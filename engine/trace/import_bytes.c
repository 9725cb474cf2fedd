/* SPDX-License-Identifier: Apache-2.0 */
/* import_bytes.c - see import_bytes.h. */
#include "import_bytes.h"

#include <stdlib.h>
#include <zlib.h>

#define CHUNK 65536
#define ANY_HEADER (15 + 32) /* zlib's, or gzip's */

struct import_bytes {
	FILE *in;
	int is_compressed, has_ended;
	const char *problem;
	z_stream stream;
	unsigned char packed[CHUNK], plain[CHUNK];
	size_t at, count; /* of plain */
};

struct import_bytes *
import_bytes_new(FILE *in, int is_compressed)
{
	struct import_bytes *bytes = calloc(1, sizeof(*bytes));

	if (!bytes)
		return NULL;
	bytes->in = in;
	if (is_compressed && inflateInit2(&bytes->stream, ANY_HEADER) != Z_OK) {
		free(bytes);
		return NULL;
	}
	bytes->is_compressed = is_compressed;
	return bytes;
}

void
import_bytes_free(struct import_bytes *bytes)
{
	if (!bytes)
		return;
	if (bytes->is_compressed)
		inflateEnd(&bytes->stream);
	free(bytes);
}

static size_t
read_some(struct import_bytes *bytes, unsigned char *buffer)
{
	size_t count = fread(buffer, 1, CHUNK, bytes->in);

	if (!count && ferror(bytes->in))
		bytes->problem = "it cannot be read";
	return count;
}

/* Until something came out, or nothing is left. */
static void
inflate_some(struct import_bytes *bytes)
{
	z_stream *stream = &bytes->stream;
	int r = Z_OK;

	stream->next_out = bytes->plain;
	stream->avail_out = CHUNK;
	while (r == Z_OK && stream->avail_out == CHUNK) {
		if (!stream->avail_in) {
			stream->next_in = bytes->packed;
			stream->avail_in = (uInt)read_some(bytes, bytes->packed);
			if (!stream->avail_in)
				break;
		}
		r = inflate(stream, Z_NO_FLUSH);
	}
	bytes->count = CHUNK - stream->avail_out;
	if (r == Z_STREAM_END)
		bytes->has_ended = 1;
	else if (r != Z_OK)
		bytes->problem = "its compressed data is damaged";
	else if (!bytes->count && !bytes->problem)
		bytes->problem = "its compressed data is cut off";
}

int
import_bytes_next(void *self)
{
	struct import_bytes *bytes = self;

	if (bytes->at < bytes->count)
		return bytes->plain[bytes->at++];
	bytes->at = bytes->count = 0;
	if (bytes->has_ended || bytes->problem)
		return -1;
	if (bytes->is_compressed)
		inflate_some(bytes);
	else
		bytes->count = read_some(bytes, bytes->plain);
	if (!bytes->count) {
		bytes->has_ended = 1;
		return -1;
	}
	return bytes->plain[bytes->at++];
}

const char *
import_bytes_problem(const struct import_bytes *bytes)
{
	return bytes->problem;
}
