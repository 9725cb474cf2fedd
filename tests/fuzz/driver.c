/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - main of a target without libFuzzer: replays files, then mutates them for some seconds.
 *
 * It knows nothing of coverage, so it finds less than libFuzzer does in the same time; but it needs
 * nothing but a C compiler, and a sanitizer makes it sharp. An input under which the target dies or
 * hangs is written to a file that can be replayed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "mutate.h"

#define HANG_S 20 /* for one input; generous, as machines are busy and sanitizers slow */
#define SEEDS_MAX 4096
#define FRESH 256 /* inputs between two looks at the clock */

static struct bytes seeds[SEEDS_MAX];
static size_t seed_count;
static uint8_t input[MUTATE_BYTES_MAX];
static size_t input_size;
static char crash_path[256];

/* Only async-signal-safe calls. */
static void
keep_input(void)
{
	static const char says[] = "\nthe input under which this happened: ";
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, input, input_size) != (ssize_t)input_size ||
	    write(2, says, sizeof(says) - 1) < 0 || write(2, crash_path, strlen(crash_path)) < 0 ||
	    write(2, "\n", 1) < 0)
		return;
	close(fd);
}

static void
on_signal(int number)
{
	static const char hangs[] = "\nthe target hangs\n";

	if (number == SIGALRM && write(2, hangs, sizeof(hangs) - 1) < 0)
		_exit(1);
	keep_input();
	signal(number, SIG_DFL);
	raise(number);
}

/* The sanitizers' own way to die; missing in a plain build. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void
watch(void)
{
	static const int deadly[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

	for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++) {
		/* A sanitizer tells more of these than we could, and then calls us. */
		if (__sanitizer_set_death_callback && deadly[i] != SIGABRT && deadly[i] != SIGALRM)
			continue;
		signal(deadly[i], on_signal);
	}
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(keep_input);
}

static void
run_input(void)
{
	/* A block of just this size: what the sanitizer sees is the input's own end. */
	uint8_t *exact = malloc(input_size ? input_size : 1);

	if (!exact)
		exit(2);
	memcpy(exact, input, input_size);
	LLVMFuzzerTestOneInput(exact, input_size);
	free(exact);
}

static void
load(const char *path)
{
	struct stat st;
	ssize_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(path);
		exit(2);
	}
	if (S_ISDIR(st.st_mode)) {
		DIR *list = fdopendir(fd);
		struct dirent *entry;
		char below[4096];

		while (list && (entry = readdir(list)) != NULL) {
			if (entry->d_name[0] == '.' ||
			    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
				    (int)sizeof(below))
				continue;
			load(below);
		}
		closedir(list);
		return;
	}
	size = read(fd, input, sizeof(input));
	close(fd);
	if (size < 0 || seed_count == SEEDS_MAX) {
		fprintf(stderr, "%s: cannot be read, or is one seed too many\n", path);
		exit(2);
	}
	input_size = (size_t)size;
	seeds[seed_count].data = malloc(input_size + 1);
	if (!seeds[seed_count].data)
		exit(2);
	memcpy(seeds[seed_count].data, input, input_size);
	seeds[seed_count++].size = input_size;
	run_input();
}

/* Order of a folder differs between file systems; the same seed is to give the same inputs. */
static int
compare(const void *left, const void *right)
{
	const struct bytes *a = left, *b = right;
	int r = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);

	return r ? r : (a->size > b->size) - (a->size < b->size);
}

static double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
usage(const char *name, FILE *stream, int status)
{
	fprintf(stream,
		"Usage: %s [--seconds S] [--seed N] [--keep FILE] FILE|FOLDER...\n"
		"Gives each file to the target, then changed ones for S seconds (0). The same "
		"seed\n"
		"(1) makes the same changes. An input under which it dies goes to --keep "
		"(crash).\n",
		name);
	exit(status);
}

int
main(int argc, char **argv)
{
	double seconds = 0, began;
	unsigned long long runs = 0, seed = 1;
	int i;

	snprintf(crash_path, sizeof(crash_path), "crash");
	for (i = 1; i < argc && argv[i][0] == '-'; i += 2) {
		if (strcmp(argv[i], "--help") == 0)
			usage(argv[0], stdout, 0);
		if (i + 1 >= argc)
			usage(argv[0], stderr, 2);
		if (strcmp(argv[i], "--seconds") == 0)
			seconds = strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--keep") == 0)
			snprintf(crash_path, sizeof(crash_path), "%s", argv[i + 1]);
		else
			usage(argv[0], stderr, 2);
	}
	if (i >= argc)
		usage(argv[0], stderr, 2);
	watch();
	alarm(HANG_S);
	for (; i < argc; i++)
		load(argv[i]);
	if (seed_count == 0) {
		fprintf(stderr, "%s: there is no file to begin with\n", argv[0]);
		return 2;
	}
	qsort(seeds, seed_count, sizeof(*seeds), compare);
	mutate_seed(seed);
	for (began = now_s(); now_s() - began < seconds;) {
		alarm(HANG_S);
		for (int k = 0; k < FRESH && (k % 16 || now_s() - began < seconds); k++, runs++) {
			input_size = mutate_make(seeds, seed_count, input);
			run_input();
		}
	}
	alarm(0);
	printf("%zu files replayed, %llu changed inputs survived\n", seed_count, runs);
	for (size_t s = 0; s < seed_count; s++)
		free(seeds[s].data);
	return runs == 0 && seconds > 0;
}
