/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over kept inputs, without a fuzzer: replay_<name> [file or directory...].
 * Without arguments it takes $srcdir/tests/fuzz/corpus/<name>, as `make check` calls it.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static unsigned replayed;

static void replay_file(const char *path)
{
	static uint8_t input[INPUT_MAX];
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		exit(1);
	}
	const size_t n = fread(input, 1, sizeof(input), f);

	fclose(f);
	fprintf(stderr, "%s\n", path); /* the last one named is the one that failed */
	LLVMFuzzerTestOneInput(input, n);
	replayed++;
}

static void replay(const char *path)
{
	struct dirent *entry;
	char name[4096];
	DIR *dir = opendir(path);

	if (!dir) {
		replay_file(path);
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay_file(name);
	}
	closedir(dir);
}

/* ".../replay_request" has the corpus "request". */
static void replay_own(const char *program)
{
	const char *srcdir = getenv("srcdir"), *name = strstr(program, "replay_");
	char path[4096];

	MUST(name);
	for (const char *next; (next = strstr(name + 1, "replay_"));)
		name = next;
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
		 name + strlen("replay_"));
	replay(path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1)
		replay_own(argv[0]);
	printf("%u inputs\n", replayed);
	return replayed ? 0 : 1;
}
