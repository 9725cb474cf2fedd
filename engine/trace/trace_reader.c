/* SPDX-License-Identifier: Apache-2.0 */
/* trace_reader.c - reading a trace: one item after the other, or from a time on. See trace.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "trace_block.h"
#include "trace_blocks.h"
#include "trace_state.h"

struct sluice_trace_reader {
	int fd;
	char name[256];
	struct blocks blocks;
	size_t next_block;
	int in_block;    /* the decoder is in the block before next_block */
	int was_damaged; /* what holds has to be taken from what is repeated next, */
	int retells;     /* which is under way */
	uint64_t last_ns;

	struct trace_state *state;            /* NULL: nobody sought yet */
	int tells_state;                      /* what holds is being told, */
	struct trace_state_place state_place; /* from there on, */
	uint64_t state_ns;                    /* as of that time */
	int has_pending;                      /* an item was decoded and not told yet */
	struct packed_item pending;
	size_t pending_samples;

	ZSTD_DCtx *zstd;
	struct bytes stored, raw;
	struct decoder decoder;
	struct sluice_trace_item item;
	struct item_room room;
	struct sluice_trace_sample samples[SLUICE_TRACE_BATCH_MAX];
};

static int
find_blocks(struct sluice_trace_reader *reader, struct sluice_err *reterr)
{
	uint32_t version = 0;
	int r = trace_blocks_find(&reader->blocks, reader->fd, &version);

	if (r == -EPROTO)
		return sluice_fail(reterr, r,
				   "'%s' has blocks of version %u of the format, and this Sluice "
				   "reads version %u: a newer one is needed",
				   reader->name, version, SLUICE_TRACE_VERSION);
	if (r < 0)
		return sluice_fail(reterr, r, "cannot read '%s': %s", reader->name, strerror(-r));
	return 0;
}

/* A file in which not one block is sound is something else; an empty one may become one. */
static int
check_kind(const struct sluice_trace_reader *reader, struct sluice_err *reterr)
{
	const struct blocks *blocks = &reader->blocks;

	for (size_t i = 0; i < blocks->count; i++) {
		if (!blocks->at[i].damaged_bytes)
			return 0;
	}
	if (!blocks->count && !blocks->is_whole && blocks->tail_bytes > 0) {
		uint8_t head[FORMAT_HEADER_BYTES];
		ssize_t got = pread(reader->fd, head, sizeof(head), 0);
		uint32_t begins = 0;

		/* The first block, cut off. */
		for (ssize_t i = 0; i < got && i < 4; i++)
			begins |= (uint32_t)head[i] << 8 * i;
		if (got > 0 && begins == (got >= 4 ? FORMAT_SKIPPABLE
						   : FORMAT_SKIPPABLE & ((1u << 8 * got) - 1)))
			return 0;
	} else if (!blocks->count) {
		return 0;
	}
	return sluice_fail(reterr, -EBADMSG,
			   "'%s' is no trace; 'sluice record' makes one, and 'sluice trace import' "
			   "makes one of other tools' recordings",
			   reader->name);
}

int
sluice_trace_open_fd(int fd, const char *name, struct sluice_trace_reader **ret,
		     struct sluice_err *reterr)
{
	struct sluice_trace_reader *reader = calloc(1, sizeof(*reader));
	struct stat st;
	int r = 0;

	if (!reader) {
		close(fd);
		return sluice_fail(reterr, -ENOMEM, "no memory for reading '%s'", name);
	}
	reader->fd = fd;
	snprintf(reader->name, sizeof(reader->name), "%s", name);
	reader->zstd = ZSTD_createDCtx();
	if (!reader->zstd)
		r = sluice_fail(reterr, -ENOMEM, "no memory for reading '%s'", name);
	else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		r = sluice_fail(reterr, -EINVAL,
				"'%s' is no regular file, and a trace is read from one", name);
	if (r == 0)
		r = find_blocks(reader, reterr);
	if (r == 0)
		r = check_kind(reader, reterr);
	if (r < 0) {
		sluice_trace_close(reader);
		return r;
	}
	*ret = reader;
	return 0;
}

int
sluice_trace_open(const char *path, struct sluice_trace_reader **ret, struct sluice_err *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot open '%s': %s", path, strerror(errno));
	return sluice_trace_open_fd(fd, path, ret, reterr);
}

void
sluice_trace_close(struct sluice_trace_reader *reader)
{
	if (!reader)
		return;
	close(reader->fd);
	trace_blocks_free(&reader->blocks);
	trace_state_free(reader->state);
	ZSTD_freeDCtx(reader->zstd);
	bytes_free(&reader->stored);
	bytes_free(&reader->raw);
	item_room_free(&reader->room);
	free(reader);
}

static int
take_damage(struct sluice_trace_reader *reader, uint64_t lost)
{
	struct block *block = &reader->blocks.at[reader->next_block - 1];

	if (!block->damaged_bytes)
		block->bad_bytes = lost;
	reader->in_block = 0;
	reader->was_damaged = 1;
	reader->retells = 0;
	reader->item = (struct sluice_trace_item){
		.kind = SLUICE_TRACE_DAMAGE, .time_ns = reader->last_ns, .lost = lost};
	return 2;
}

/* 1: the decoder is in the next block; 2: that is damaged, as reader->item says; 0: no more. */
static int
enter_block(struct sluice_trace_reader *reader, struct sluice_err *reterr)
{
	const struct block *block;
	int r;

	do {
		if (reader->next_block == reader->blocks.count) {
			r = find_blocks(reader, reterr);
			if (r < 0 || reader->next_block == reader->blocks.count)
				return r;
		}
		block = &reader->blocks.at[reader->next_block++];
		if (block->damaged_bytes)
			return take_damage(reader, block->damaged_bytes);
	} while (block->header.type != FORMAT_DATA);
	r = trace_block_load(reader->fd, block, &reader->stored, &reader->raw, reader->zstd);
	if (r == 0)
		r = decoder_begin(&reader->decoder, &block->header, reader->raw.at,
				  reader->raw.count);
	if (r == -EBADMSG)
		return take_damage(reader, FORMAT_HEADER_BYTES + block->header.stored_bytes);
	if (r < 0)
		return sluice_fail(reterr, r, "cannot read '%s': %s", reader->name, strerror(-r));
	reader->in_block = 1;
	return 1;
}

/* The next item as it lies in the file: 1 in *packed and samples, 2 damage in reader->item, 0, or
 * -errno. */
static int
next_packed(struct sluice_trace_reader *reader, struct packed_item *packed, size_t *samples,
	    struct sluice_err *reterr)
{
	int r;

	if (reader->has_pending) {
		*packed = reader->pending;
		*samples = reader->pending_samples;
		reader->has_pending = 0;
		return 1;
	}
	for (;;) {
		if (!reader->in_block) {
			r = enter_block(reader, reterr);
			if (r != 1)
				return r;
		}
		*samples = 0;
		r = decoder_next(&reader->decoder, packed, reader->samples, samples);
		if (r == 1)
			return 1;
		reader->in_block = 0;
		if (r < 0)
			return take_damage(
				reader,
				reader->blocks.at[reader->next_block - 1].header.stored_bytes);
	}
}

/* Makes reader->item of it: 0; -ENOENT: of a kind that is not known; -EBADMSG; -ENOMEM. */
static int
unpack(struct sluice_trace_reader *reader, const struct packed_item *packed, size_t samples)
{
	int r = 0;

	if (packed->kind == SLUICE_TRACE_SAMPLES)
		reader->item = (struct sluice_trace_item){
			.kind = SLUICE_TRACE_SAMPLES,
			.pid = packed->pid,
			.time_ns = packed->time_ns,
			.count = samples,
			.samples = reader->samples,
		};
	else
		r = item_get(packed, &reader->room, &reader->item);
	if (r == 0) {
		/* Whatever the file says: times never go back. */
		if (reader->item.time_ns < reader->last_ns)
			reader->item.time_ns = reader->last_ns;
		reader->last_ns = reader->item.time_ns;
	}
	return r;
}

int
sluice_trace_next(struct sluice_trace_reader *reader, const struct sluice_trace_item **ret,
		  struct sluice_err *reterr)
{
	struct packed_item packed;
	size_t samples;
	int r;

	for (;;) {
		int of_state = reader->tells_state;

		samples = 0;
		if (of_state) {
			r = trace_state_next(reader->state, &reader->state_place, &packed);
			packed.time_ns = reader->state_ns;
			if (r == 0) {
				reader->tells_state = 0;
				continue;
			}
		} else {
			r = next_packed(reader, &packed, &samples, reterr);
		}
		if (r <= 0)
			return r;
		if (r == 2)
			break;
		if (!of_state && packed.repeated) {
			if (!reader->was_damaged)
				continue;
			reader->retells = 1;
		} else if (reader->retells) {
			reader->retells = reader->was_damaged = 0;
		}
		r = unpack(reader, &packed, samples);
		if (r == -ENOMEM)
			return sluice_fail(reterr, r, "no memory for reading '%s'", reader->name);
		if (r == -EBADMSG && !of_state) {
			take_damage(reader, packed.body_bytes + 1);
			break;
		}
		if (r == 0)
			break;
	}
	*ret = &reader->item;
	return 1;
}

int
sluice_trace_seek(struct sluice_trace_reader *reader, uint64_t time_ns, struct sluice_err *reterr)
{
	size_t begin = 0;
	int r = find_blocks(reader, reterr);

	if (r < 0)
		return r;
	if (!reader->state)
		reader->state = trace_state_new(TRACE_STATE_BYTES_MAX);
	if (!reader->state)
		return sluice_fail(reterr, -ENOMEM, "no memory for reading '%s'", reader->name);
	trace_state_clear(reader->state);
	for (size_t i = 0; i < reader->blocks.count; i++) {
		const struct format_header *header = &reader->blocks.at[i].header;

		if (!reader->blocks.at[i].damaged_bytes && header->type == FORMAT_DATA &&
		    (header->flags & FORMAT_KEY) && header->first_ns < time_ns)
			begin = i;
	}
	reader->next_block = begin;
	reader->in_block = reader->has_pending = 0;
	reader->was_damaged = reader->retells = 0;
	reader->last_ns = 0;
	for (;;) {
		r = next_packed(reader, &reader->pending, &reader->pending_samples, reterr);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (r == 2)
			continue;
		if (!reader->pending.repeated && reader->pending.time_ns >= time_ns) {
			reader->has_pending = 1;
			break;
		}
		r = trace_state_take(reader->state, &reader->pending);
		if (r == -EFBIG)
			return sluice_fail(reterr, r,
					   "'%s' tells of more at one time than there can be",
					   reader->name);
		if (r < 0)
			return sluice_fail(reterr, -ENOMEM, "no memory for reading '%s'",
					   reader->name);
	}
	reader->last_ns = 0;
	reader->tells_state = 1;
	reader->state_place = (struct trace_state_place){0};
	reader->state_ns = time_ns;
	return 0;
}

void
sluice_trace_get_info(const struct sluice_trace_reader *reader, struct sluice_trace_info *ret)
{
	const struct blocks *blocks = &reader->blocks;

	*ret = (struct sluice_trace_info){
		.version = SLUICE_TRACE_VERSION,
		.is_whole = (uint32_t)blocks->is_whole,
		.file_bytes = blocks->end + blocks->tail_bytes,
		.tail_bytes = blocks->tail_bytes,
	};
	for (size_t i = 0; i < blocks->count; i++) {
		const struct format_header *header = &blocks->at[i].header;

		ret->damaged_bytes += blocks->at[i].damaged_bytes + blocks->at[i].bad_bytes;
		if (blocks->at[i].damaged_bytes || header->type != FORMAT_DATA)
			continue;
		if (!ret->blocks++)
			ret->first_ns = header->first_ns;
		if (header->last_ns > ret->last_ns)
			ret->last_ns = header->last_ns;
		ret->samples += header->samples;
		ret->raw_bytes += header->raw_bytes;
	}
}
