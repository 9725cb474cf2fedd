/* SPDX-License-Identifier: Apache-2.0 */
/* trace_blocks.c - see trace_blocks.h. */
#include "trace_blocks.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define WINDOW_BYTES 65536

void
trace_blocks_free(struct blocks *blocks)
{
	free(blocks->at);
	memset(blocks, 0, sizeof(*blocks));
}

int
trace_blocks_add(struct blocks *blocks, const struct block *block)
{
	if (blocks->count == blocks->capacity) {
		size_t capacity = blocks->capacity * 2 + 64;
		struct block *at = realloc(blocks->at, capacity * sizeof(*at));

		if (!at)
			return -ENOMEM;
		blocks->at = at;
		blocks->capacity = capacity;
	}
	blocks->at[blocks->count++] = *block;
	return 0;
}

void
trace_blocks_put(const struct blocks *blocks, struct bytes *raw)
{
	uint64_t last_ns = 0;

	bytes_put_number(raw, blocks->count);
	for (size_t i = 0; i < blocks->count; i++) {
		const struct format_header *header = &blocks->at[i].header;
		uint8_t bytes[3] = {header->type, header->flags, header->time_shift};

		bytes_put(raw, bytes, sizeof(bytes));
		bytes_put_number(raw, header->stored_bytes);
		bytes_put_number(raw, header->raw_bytes);
		bytes_put_number(raw, header->samples);
		bytes_put_number(raw, zigzag((int64_t)(header->first_ns - last_ns)));
		bytes_put_number(raw, header->last_ns - header->first_ns);
		last_ns = header->last_ns;
	}
}

/* It must describe a file of exactly that many bytes up to the index. -EBADMSG, -ENOMEM. */
static int
blocks_get(struct blocks *blocks, const uint8_t *data, size_t count, uint64_t file_bytes)
{
	struct cursor cursor = {data, data + count, 0};
	uint64_t blocks_max = file_bytes / FORMAT_HEADER_BYTES, number, last_ns = 0;

	number = cursor_number_to(&cursor, blocks_max);
	for (uint64_t i = 0; i < number; i++) {
		const uint8_t *bytes = cursor_bytes(&cursor, 3);
		struct block block = {.offset = blocks->end};
		struct format_header *header = &block.header;

		if (!bytes)
			return -EBADMSG;
		*header = (struct format_header){
			.type = bytes[0], .flags = bytes[1], .time_shift = bytes[2], .number = i};
		header->stored_bytes = (uint32_t)cursor_number_to(&cursor, FORMAT_STORED_MAX);
		header->raw_bytes = (uint32_t)cursor_number_to(&cursor, FORMAT_RAW_MAX);
		header->samples = (uint32_t)cursor_number_to(&cursor, UINT32_MAX);
		header->first_ns = last_ns + (uint64_t)unzigzag(cursor_number(&cursor));
		header->last_ns = header->first_ns + cursor_number(&cursor);
		last_ns = header->last_ns;
		if (cursor.bad || header->last_ns < header->first_ns || header->time_shift > 30 ||
		    file_bytes - blocks->end < FORMAT_HEADER_BYTES + header->stored_bytes)
			return -EBADMSG;
		blocks->end += FORMAT_HEADER_BYTES + header->stored_bytes;
		if (trace_blocks_add(blocks, &block) < 0)
			return -ENOMEM;
	}
	return blocks->end == file_bytes ? 0 : -EBADMSG;
}

/* 0: all of it; 1: the file ends before; -errno. */
static int
read_at(int fd, void *to, size_t count, uint64_t offset)
{
	uint8_t *at = to;

	while (count > 0) {
		ssize_t r = pread(fd, at, count, (off_t)offset);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return 1;
		at += r;
		count -= (size_t)r;
		offset += (uint64_t)r;
	}
	return 0;
}

int
trace_block_load(int fd, const struct block *block, struct bytes *stored, struct bytes *ret,
		 void *zstd_context)
{
	const struct format_header *header = &block->header;
	size_t got;
	int r;

	stored->count = ret->count = 0;
	if (!bytes_room(stored, header->stored_bytes) ||
	    !bytes_room(ret, header->raw_bytes + (size_t)BYTES_VARINT_MAX))
		return -ENOMEM;
	r = read_at(fd, stored->at, header->stored_bytes, block->offset + FORMAT_HEADER_BYTES);
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	/* The checksum is the frame's, and is checked here. */
	got = ZSTD_decompressDCtx(zstd_context, ret->at, header->raw_bytes, stored->at,
				  header->stored_bytes);
	if (ZSTD_isError(got) || got != header->raw_bytes)
		return -EBADMSG;
	ret->count = got;
	return 0;
}

/* Looks for the next header from offset on. 1: *ret_offset; 0: there is none up to the end. */
static int
look_for_header(int fd, uint64_t offset, uint64_t file_bytes, uint64_t *ret_offset)
{
	uint8_t *window = malloc(WINDOW_BYTES + FORMAT_HEADER_BYTES);
	int found = window ? 0 : -ENOMEM;

	while (found == 0 && file_bytes - offset >= FORMAT_HEADER_BYTES) {
		size_t count = file_bytes - offset < WINDOW_BYTES + FORMAT_HEADER_BYTES
				       ? file_bytes - offset
				       : WINDOW_BYTES + FORMAT_HEADER_BYTES;
		int r = read_at(fd, window, count, offset);

		if (r != 0) {
			found = r < 0 ? r : 0;
			break;
		}
		for (size_t i = 0; i + FORMAT_HEADER_BYTES <= count && !found; i++) {
			const uint8_t *at = memchr(window + i, FORMAT_SKIPPABLE & 0xff,
						   count - FORMAT_HEADER_BYTES - i + 1);
			struct format_header header;
			uint32_t version;

			if (!at)
				break;
			i = (size_t)(at - window);
			if (format_header_get(at, &header, &version) == 0) {
				*ret_offset = offset + i;
				found = 1;
			}
		}
		offset += count - FORMAT_HEADER_BYTES + 1;
	}
	free(window);
	return found;
}

/* The index, where the end says that it is; 0: not there, or not right: then it is done without. */
static int
find_by_index(struct blocks *blocks, int fd, uint64_t file_bytes)
{
	uint8_t end[FORMAT_END_BYTES], head[FORMAT_HEADER_BYTES];
	struct bytes stored = {0}, raw = {0};
	struct block block = {0};
	ZSTD_DCtx *context;
	uint32_t version;
	int r = -EBADMSG;

	if (file_bytes < sizeof(end) + sizeof(head) ||
	    read_at(fd, end, sizeof(end), file_bytes - sizeof(end)) != 0 ||
	    format_end_get(end, &block.offset) < 0 ||
	    block.offset > file_bytes - sizeof(end) - sizeof(head) ||
	    read_at(fd, head, sizeof(head), block.offset) != 0 ||
	    format_header_get(head, &block.header, &version) < 0 ||
	    block.header.type != FORMAT_INDEX)
		return 0;
	context = ZSTD_createDCtx();
	if (context)
		r = trace_block_load(fd, &block, &stored, &raw, context);
	if (r == 0)
		r = blocks_get(blocks, raw.at, raw.count, block.offset);
	ZSTD_freeDCtx(context);
	bytes_free(&stored);
	bytes_free(&raw);
	if (r < 0) {
		trace_blocks_free(blocks);
		return 0;
	}
	blocks->end = file_bytes;
	blocks->is_whole = 1;
	return 1;
}

/* A header is damaged: go on at the next one that is not. */
static int
pass_damage(struct blocks *blocks, int fd, uint64_t file_bytes)
{
	struct block block = {.offset = blocks->end};
	uint64_t next = file_bytes;
	int r = look_for_header(fd, blocks->end + 1, file_bytes, &next);

	if (r < 0)
		return r;
	block.damaged_bytes = next - blocks->end;
	blocks->end = next;
	return trace_blocks_add(blocks, &block);
}

int
trace_blocks_find(struct blocks *blocks, int fd, uint32_t *ret_version)
{
	uint8_t head[FORMAT_HEADER_BYTES];
	uint64_t file_bytes;
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	file_bytes = (uint64_t)st.st_size;
	if (blocks->is_whole || (!blocks->count && find_by_index(blocks, fd, file_bytes)))
		return 0;
	while (r == 0 && blocks->end < file_bytes) {
		struct block block = {.offset = blocks->end};
		uint64_t left = file_bytes - blocks->end, unused;

		if (left == FORMAT_END_BYTES && read_at(fd, head, left, blocks->end) == 0 &&
		    format_end_get(head, &unused) == 0) {
			blocks->end = file_bytes;
			blocks->is_whole = 1;
			break;
		}
		if (left < FORMAT_HEADER_BYTES)
			break;
		r = read_at(fd, head, sizeof(head), blocks->end);
		if (r != 0)
			return r < 0 ? r : 0;
		r = format_header_get(head, &block.header, ret_version);
		if (r == -EBADMSG) {
			r = pass_damage(blocks, fd, file_bytes);
			continue;
		}
		if (r < 0)
			break;
		if (left - FORMAT_HEADER_BYTES < block.header.stored_bytes)
			break;
		blocks->end += FORMAT_HEADER_BYTES + block.header.stored_bytes;
		r = trace_blocks_add(blocks, &block);
	}
	blocks->tail_bytes = file_bytes > blocks->end ? file_bytes - blocks->end : 0;
	return r;
}
