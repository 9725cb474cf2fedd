/* SPDX-License-Identifier: Apache-2.0 */
/* trace_file.c - see trace_file.h. */
#include "trace_file.h"

#include <errno.h>
#include <float.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>

#include "trace_block.h"
#include "trace_blocks.h"
#include "trace_state.h"

/* All that holds is repeated when so many times its size was written since. */
#define KEY_TIMES 8

struct trace_file {
	int fd;
	uint8_t time_shift;
	ZSTD_CCtx *zstd;
	struct trace_state *state;
	struct encoder encoder;
	int in_block;
	uint8_t flags; /* of the block */
	struct blocks blocks;
	struct bytes raw, stored;
	uint64_t offset;
	uint64_t last_ns;
	uint64_t key_ns, key_raw_bytes; /* since the last key block */
	struct trace_file_stats stats;
	struct sluice_err err;
	struct sluice_trace_sample batch[SLUICE_TRACE_BATCH_MAX];
};

int
trace_file_new(int fd, uint32_t time_shift, uint32_t level, struct trace_file **ret,
	       struct sluice_err *reterr)
{
	struct trace_file *file = ret ? calloc(1, sizeof(*file)) : NULL;

	if (!file) {
		close(fd);
		return sluice_fail(reterr, -ENOMEM, "no memory for a trace");
	}
	file->fd = fd;
	file->time_shift = (uint8_t)time_shift;
	file->zstd = ZSTD_createCCtx();
	file->state = trace_state_new(TRACE_STATE_BYTES_MAX);
	*ret = file; /* so that the caller frees it */
	if (!file->zstd || !file->state)
		return sluice_fail(reterr, -ENOMEM, "no memory for a trace");
	if (time_shift > 30)
		return sluice_fail(reterr, -EINVAL,
				   "a trace keeps times in units of 2^30 ns at most");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(file->zstd, ZSTD_c_compressionLevel, (int)level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(file->zstd, ZSTD_c_checksumFlag, 1)))
		return sluice_fail(reterr, -EINVAL, "zstd knows no level %u", level);
	return 0;
}

void
trace_file_free(struct trace_file *file)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	ZSTD_freeCCtx(file->zstd);
	trace_state_free(file->state);
	encoder_free(&file->encoder);
	trace_blocks_free(&file->blocks);
	bytes_free(&file->raw);
	bytes_free(&file->stored);
	free(file);
}

static void
fail(struct trace_file *file, int code)
{
	if (file->err.code == 0)
		sluice_fail(&file->err, code, "cannot write the trace after %llu bytes: %s",
			    (unsigned long long)file->offset, strerror(-code));
}

void
trace_file_close(struct trace_file *file)
{
	int fd = file->fd;

	file->fd = -1;
	if (fd >= 0 && close(fd) < 0 && errno != EINTR)
		fail(file, -errno);
}

int
trace_file_error(const struct trace_file *file, struct sluice_err *reterr)
{
	if (file->err.code < 0 && reterr)
		*reterr = file->err;
	return file->err.code;
}

/* Both or nothing, as far as that can be had. */
static void
write_all(struct trace_file *file, const void *head, size_t head_bytes, const void *data,
	  size_t data_bytes)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)head, head_bytes},
				 {(void *)(uintptr_t)data, data_bytes}};
	int first = 0;

	while (first < 2) {
		ssize_t done = writev(file->fd, parts + first, 2 - first);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			int code = -errno;

			/* A half block at the end is no harm, but no use either. */
			if (ftruncate(file->fd, (off_t)file->offset) < 0)
				code = code < 0 ? code : -errno;
			fail(file, code);
			return;
		}
		for (; first < 2 && (size_t)done >= parts[first].iov_len; first++)
			done -= (ssize_t)parts[first].iov_len;
		if (first < 2) {
			parts[first].iov_base = (uint8_t *)parts[first].iov_base + done;
			parts[first].iov_len -= (size_t)done;
		}
	}
	file->offset += head_bytes + data_bytes;
}

/* file->raw as a block. */
static void
write_block(struct trace_file *file, struct format_header header)
{
	struct block block = {.offset = file->offset};
	uint8_t head[FORMAT_HEADER_BYTES];
	size_t stored;

	if (file->raw.failed || !bytes_room(&file->stored, ZSTD_compressBound(file->raw.count))) {
		fail(file, -ENOMEM);
		return;
	}
	stored = ZSTD_compress2(file->zstd, file->stored.at, file->stored.capacity, file->raw.at,
				file->raw.count);
	if (ZSTD_isError(stored)) {
		fail(file, -ENOMEM);
		return;
	}
	header.time_shift = file->time_shift;
	header.raw_bytes = (uint32_t)file->raw.count;
	header.stored_bytes = (uint32_t)stored;
	header.number = file->blocks.count;
	format_header_put(&header, head);
	write_all(file, head, sizeof(head), file->stored.at, stored);
	block.header = header;
	if (header.type == FORMAT_DATA && trace_blocks_add(&file->blocks, &block) < 0)
		fail(file, -ENOMEM);
	file->stats.file_bytes = file->offset;
}

void
trace_file_flush(struct trace_file *file)
{
	if (!file->in_block)
		return;
	file->in_block = 0;
	file->raw.count = 0;
	if (file->err.code < 0)
		return;
	if (encoder_finish(&file->encoder, &file->raw) < 0) {
		fail(file, -ENOMEM);
		return;
	}
	file->key_raw_bytes += file->raw.count;
	file->stats.blocks++;
	write_block(file, (struct format_header){
				  .type = FORMAT_DATA,
				  .flags = file->flags,
				  .samples = file->encoder.samples,
				  .first_ns = file->encoder.first_ns,
				  .last_ns = file->encoder.last.time_ns,
			  });
}

static void
begin(struct trace_file *file, uint8_t flags)
{
	file->in_block = 1;
	file->flags = flags;
	encoder_begin(&file->encoder, file->last_ns, file->time_shift);
}

/* All that holds, in as many blocks as that takes. */
static void
repeat_state(struct trace_file *file)
{
	struct packed_item item;
	struct trace_state_place place = {0};

	while (trace_state_next(file->state, &place, &item)) {
		item.time_ns = file->last_ns;
		if (encoder_is_full(&file->encoder)) {
			trace_file_flush(file);
			begin(file, 0);
		}
		encoder_item(&file->encoder, &item);
	}
	file->key_ns = file->last_ns;
	file->key_raw_bytes = 0;
}

/* A block in which there is room for one more item; file->last_ns is its time. */
static void
need_block(struct trace_file *file)
{
	int is_key;

	if (file->in_block && !encoder_is_full(&file->encoder))
		return;
	trace_file_flush(file);
	is_key = file->blocks.count == 0 ||
		 ((file->last_ns - file->key_ns >= FORMAT_KEY_NS ||
		   file->key_raw_bytes >= FORMAT_KEY_RAW_BYTES) &&
		  file->key_raw_bytes >= KEY_TIMES * trace_state_bytes(file->state));
	begin(file, is_key ? FORMAT_KEY : 0);
	if (is_key)
		repeat_state(file);
}

static int
is_valid(const struct sluice_trace_sample *s)
{
	return s->kind < SLUICE_TRACE_SAMPLE_KINDS && s->addr + s->len_bytes >= s->addr &&
	       s->events >= 0 && s->events <= FLT_MAX && s->exposure_s >= 0 &&
	       s->exposure_s <= FLT_MAX && s->spread >= 0 && s->spread <= FLT_MAX;
}

void
trace_file_samples(struct trace_file *file, uint64_t time_ns,
		   const struct sluice_trace_sample *samples, size_t count)
{
	size_t valid = 0;

	if (file->err.code < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct sluice_trace_sample *to = &file->batch[valid];

		if (!is_valid(&samples[i]))
			continue;
		*to = samples[i];
		/* Of -0, which comes of logarithms, 0 is made: bits of what is not negative. */
		to->events += 0.0f;
		to->exposure_s += 0.0f;
		to->spread += 0.0f;
		valid++;
	}
	file->last_ns = time_ns;
	if (valid) {
		need_block(file);
		encoder_samples(&file->encoder, time_ns, file->batch, valid);
		file->stats.samples += valid;
	}
	if (valid < count)
		trace_file_lost(file, count - valid);
}

void
trace_file_item(struct trace_file *file, const struct packed_item *item)
{
	int r;

	if (file->err.code < 0)
		return;
	file->last_ns = item->time_ns;
	/* First, so that what a key block repeats is what held before it. */
	need_block(file);
	r = trace_state_take(file->state, item);
	if (r == 1)
		encoder_item(&file->encoder, item);
	else if (r < 0)
		file->stats.lost_items++;
}

void
trace_file_lost(struct trace_file *file, uint64_t samples)
{
	struct bytes body = {0};

	bytes_put_number(&body, samples);
	if (!body.failed)
		trace_file_item(file, &(struct packed_item){.kind = SLUICE_TRACE_LOST,
							    .time_ns = file->last_ns,
							    .body = body.at,
							    .body_bytes = body.count});
	bytes_free(&body);
}

int
trace_file_pending(const struct trace_file *file)
{
	return file->in_block && file->encoder.items > 0;
}

void
trace_file_end(struct trace_file *file)
{
	uint8_t end[FORMAT_END_BYTES];
	uint64_t index = 0;

	if (file->encoder.items == 0 && file->blocks.count > 0)
		file->in_block = 0;
	trace_file_flush(file);
	if (file->err.code < 0)
		return;
	index = file->offset;
	file->raw.count = 0;
	trace_blocks_put(&file->blocks, &file->raw);
	if (file->raw.count > FORMAT_RAW_MAX)
		return; /* readers go from header to header then */
	write_block(file, (struct format_header){.type = FORMAT_INDEX,
						 .first_ns = file->last_ns,
						 .last_ns = file->last_ns});
	if (file->err.code < 0)
		return;
	format_end_put(index, end);
	write_all(file, end, sizeof(end), NULL, 0);
	file->stats.file_bytes = file->offset;
}

void
trace_file_get_stats(const struct trace_file *file, struct trace_file_stats *ret)
{
	*ret = file->stats;
}
