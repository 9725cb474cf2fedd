/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum: the program that shows that moving pages changes none. Every word of its arena is
 * known from the page's number, the page's generation and the word's place, so all 4 KiB are
 * compared, not a sum of them. Threads read and rewrite random pages of their own share; a
 * rewritten page is of the next generation, so a page that came back from a stale copy shows.
 * Generations are kept outside the arena. See README.md.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wl_arena.h"
#include "wl_args.h"
#include "wl_parse.h"
#include "wl_rng.h"
#include "wl_time.h"

#define WORDS (ARENA_PAGE / sizeof(uint64_t))
#define THREADS_MAX 256
#define TOLD_MAX 16 /* differences that are described; all are counted */

struct options {
	const char *name, *report;
	uint64_t size, threads, seed, start_on;
	double seconds, rewrite_percent;
	bool has_start_on;
	enum arena_thp thp;
};

struct run {
	struct options options;
	FILE *out;
	uint64_t *base;
	uint32_t *generations; /* one a page */
	uint64_t pages;
	_Atomic uint64_t differences;
	atomic_bool stop;
	pthread_mutex_t out_lock;
};

/* Thread `number` alone works on pages number, number + threads, and so on. */
struct worker {
	struct run *run;
	uint64_t number;
	uint64_t verified, rewrites;
	pthread_t thread;
};

static const char help[] =
	"Usage: checksum [OPTION]...\n"
	"Fills memory with content that is known for each word, then reads and rewrites random\n"
	"pages and compares every word, and all pages once more at the end. Prints a JSON line "
	"with\n"
	"the counts, and one for each of the first 16 differences. Exit status 1 if anything\n"
	"differs. SIGTERM and SIGINT go on to the last comparison.\n"
	"\n"
	"  --size SIZE        the arena (64M)\n"
	"  --seconds SECONDS  to read and rewrite; 0: until a signal (30)\n"
	"  --rewrite PERCENT  pages that are rewritten after they were compared (50)\n"
	"  --threads N        that do so, each on pages of its own (1)\n"
	"  --seed N           of content and random numbers (1)\n"
	"  --start-on NODE    fill it on this node; no policy stays on the arena\n"
	"  --thp on|off|default  huge pages for the arena (default)\n"
	"  --report FILE      write the lines there instead of standard output\n"
	"  --name NAME        in each line (checksum)\n"
	"  --help\n";

/* Returns -1 to go on, else the exit status. */
static int
options_read(struct options *o, int argc, char **argv)
{
	const struct args_row rows[] = {
		{"size", ARGS_SIZE, &o->size, "a size such as 64M", 0, 0, NULL, NULL},
		{"seconds", ARGS_NUMBER, &o->seconds, "seconds, or 0 for no end", 0, 1000000000,
		 NULL, NULL},
		{"rewrite", ARGS_NUMBER, &o->rewrite_percent, "a percentage from 0 to 100", 0, 100,
		 NULL, NULL},
		{"threads", ARGS_COUNT, &o->threads, "a number from 1 to 256", 1, THREADS_MAX, NULL,
		 NULL},
		{"seed", ARGS_COUNT, &o->seed, "a whole number", 0, UINT64_MAX, NULL, NULL},
		{"start-on", ARGS_COUNT, &o->start_on, "the number of a node", 0, NODES_MAX - 1,
		 &o->has_start_on, NULL},
		{"thp", ARGS_THP, &o->thp, NULL, 0, 0, NULL, NULL},
		{"report", ARGS_TEXT, &o->report, NULL, 0, 0, NULL, NULL},
		{"name", ARGS_NAME, &o->name, NULL, 0, 0, NULL, NULL},
		{NULL, ARGS_TEXT, NULL, NULL, 0, 0, NULL, NULL},
	};
	int status;

	*o = (struct options){
		.name = "checksum",
		.size = UINT64_C(64) << 20,
		.seconds = 30,
		.rewrite_percent = 50,
		.threads = 1,
		.seed = 1,
	};
	status = args_read("checksum", help, rows, argc, argv);
	if (status < 0 && o->size / ARENA_PAGE < o->threads)
		return args_usage("checksum", "--size must be at least %s",
				  "a page of 4 KiB for each thread");
	return status;
}

static int
failed(const char *what, int r, const char *advice)
{
	fprintf(stderr, "checksum: %s: %s%s\n", what, strerror(-r), advice);
	return EXIT_FAILURE;
}

static uint64_t
page_key(const struct run *run, uint64_t page)
{
	return rng_seed(run->options.seed ^ run->generations[page], page);
}

/* Content that no other page, word or generation has: each word is a step of the page's own key. */
static uint64_t
word_value(uint64_t key, size_t word)
{
	return rng_mix(key + (word + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

static void
page_write(const struct run *run, uint64_t page)
{
	volatile uint64_t *at = run->base + page * WORDS;
	uint64_t key = page_key(run, page);

	for (size_t word = 0; word < WORDS; word++)
		at[word] = word_value(key, word);
}

static void
difference_tell(struct run *run, uint64_t page, size_t word, uint64_t expected, uint64_t got)
{
	const volatile uint64_t *at = run->base + page * WORDS + word;
	uint64_t number = atomic_fetch_add(&run->differences, 1);

	if (number >= TOLD_MAX)
		return;
	pthread_mutex_lock(&run->out_lock);
	fprintf(run->out,
		"{\"difference\":true,\"name\":\"%s\",\"page\":%" PRIu64
		",\"address\":\"0x%" PRIxPTR "\",\"expected\":\"0x%016" PRIx64
		"\",\"got\":\"0x%016" PRIx64 "\",\"generation\":%" PRIu32 "}\n",
		run->options.name, page, (uintptr_t)at, expected, got, run->generations[page]);
	fflush(run->out);
	pthread_mutex_unlock(&run->out_lock);
	fprintf(stderr,
		"checksum: page %" PRIu64 " differs at 0x%" PRIxPTR ": expected 0x%016" PRIx64
		", got 0x%016" PRIx64 "\n",
		page, (uintptr_t)at, expected, got);
}

/* Compares all of the page; tells its first difference. */
static bool
page_verify(struct run *run, uint64_t page)
{
	const volatile uint64_t *at = run->base + page * WORDS;
	uint64_t key = page_key(run, page);

	for (size_t word = 0; word < WORDS; word++) {
		uint64_t expected = word_value(key, word), got = at[word];

		if (got != expected) {
			difference_tell(run, page, word, expected, got);
			return false;
		}
	}
	return true;
}

static void *
work_thread(void *argument)
{
	struct worker *w = argument;
	struct run *run = w->run;
	uint64_t threads = run->options.threads;
	uint64_t own = (run->pages - w->number + threads - 1) / threads;
	uint64_t rng = rng_seed(run->options.seed, w->number);
	uint64_t rewrite_below = (uint64_t)(run->options.rewrite_percent / 100 * 0x1p32);

	while (!atomic_load_explicit(&run->stop, memory_order_relaxed)) {
		uint64_t page = w->number + mul_high(rng_next(&rng), own) * threads;

		w->verified++;
		if (!page_verify(run, page)) {
			atomic_store(&run->stop, true);
			kill(getpid(), SIGUSR1);
			break;
		}
		if (rng_next(&rng) >> 32 < rewrite_below) {
			run->generations[page]++;
			page_write(run, page);
			w->rewrites++;
		}
	}
	return NULL;
}

/* In a thread of its own, so that a policy goes no further than filling. */
static void *
fill_thread(void *argument)
{
	struct run *run = argument;
	int r = run->options.has_start_on ? arena_bind((unsigned)run->options.start_on) : 0;

	for (uint64_t page = 0; r == 0 && page < run->pages; page++)
		page_write(run, page);
	return (void *)(intptr_t)r;
}

static int
fill(struct run *run)
{
	pthread_t thread;
	void *result;
	int r = -pthread_create(&thread, NULL, fill_thread, run);

	if (r < 0)
		return r;
	pthread_join(thread, &result);
	return (int)(intptr_t)result;
}

/* Lets the threads work for the time asked for, or until a signal or a difference. */
static int
work(struct run *run, const sigset_t *signals, struct worker *workers)
{
	uint64_t started = 0;
	int r = 0;

	for (; r == 0 && started < run->options.threads; started++) {
		struct worker *w = &workers[started];

		w->run = run;
		w->number = started;
		r = -pthread_create(&w->thread, NULL, work_thread, w);
		if (r < 0)
			break;
	}
	if (r == 0)
		time_wait(time_now_s() + (run->options.seconds > 0 ? run->options.seconds : 1e9),
			  signals);
	atomic_store(&run->stop, true);
	for (uint64_t i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	return r;
}

static int
run_all(struct run *run, const sigset_t *signals)
{
	const struct options *o = &run->options;
	struct worker *workers = calloc(o->threads, sizeof(*workers));
	uint64_t verified = run->pages, rewrites = 0;
	double start_s = time_now_s();
	int r = workers ? fill(run) : -ENOMEM;

	if (r == 0)
		r = work(run, signals, workers);
	if (r < 0) {
		free(workers);
		return failed("cannot fill and read the arena", r, "");
	}
	for (uint64_t page = 0; page < run->pages; page++)
		page_verify(run, page);
	for (uint64_t i = 0; i < o->threads; i++) {
		verified += workers[i].verified;
		rewrites += workers[i].rewrites;
	}
	free(workers);

	uint64_t differences = atomic_load(&run->differences);

	fprintf(run->out,
		"{\"summary\":true,\"name\":\"%s\",\"arena\":\"0x%" PRIxPTR "\",\"pages\":%" PRIu64
		",\"verified\":%" PRIu64 ",\"rewrites\":%" PRIu64 ",\"differences\":%" PRIu64
		",\"seconds\":%.3f}\n",
		o->name, (uintptr_t)run->base, run->pages, verified, rewrites, differences,
		time_now_s() - start_s);
	fflush(run->out);
	if (ferror(run->out))
		return failed("cannot write the report", -EIO, "");
	return differences ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static struct run run = {.out_lock = PTHREAD_MUTEX_INITIALIZER};
	struct options *o = &run.options;
	unsigned char *base;
	sigset_t signals;
	int status = options_read(o, argc, argv);

	if (status >= 0)
		return status;
	run.pages = o->size / ARENA_PAGE;
	run.out = o->report ? fopen(o->report, "we") : stdout;
	if (!run.out)
		return failed(o->report, -errno, "; --report needs a file that can be written");

	int r = o->has_start_on ? arena_node_fits((unsigned)o->start_on, o->size) : 0;

	if (r < 0)
		return failed("--start-on", r,
			      r == -ENOENT ? "; that node has no memory"
					   : "; the arena does not fit in what is free there");
	r = arena_map(o->size, o->thp, &base);
	if (r < 0)
		return failed("cannot map the arena", r, "; a smaller --size may help");
	run.base = (uint64_t *)(void *)base;
	run.generations = calloc(run.pages, sizeof(*run.generations));
	if (!run.generations)
		return failed("cannot keep the pages' generations", -ENOMEM, "");

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	r = -pthread_sigmask(SIG_BLOCK, &signals, NULL);
	status = r < 0 ? failed("cannot block signals", r, "") : run_all(&run, &signals);
	free(run.generations);
	if (o->report && fclose(run.out) && status == 0)
		status = failed(o->report, -errno, "");
	return status;
}
