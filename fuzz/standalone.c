/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over files without libFuzzer: `fuzz_json FILE...`. Each
 * input is copied to a block of exactly its size, so that valgrind and
 * AddressSanitizer see a read past its end.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

enum { INPUT_MAX = 1 << 20 };

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *room = malloc(INPUT_MAX);

	if (file == NULL || room == NULL) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	size_t len = fread(room, 1, INPUT_MAX, file);
	fclose(file);
	uint8_t *exact = realloc(room, len > 0 ? len : 1);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 1;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += run_file(argv[i]);
	printf("%d inputs\n", count);
	return 0;
}
