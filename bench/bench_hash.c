/* SPDX-License-Identifier: MIT */
/*
 * Password hashes per second on all cores, with libsodium's own memory and with
 * the work area, in alternating rounds. Prints name, hashes, hashes/s of each
 * way, and the ratio of the second to the first. Arguments: rounds, seconds of
 * each.
 */
#include "base/clock.h"
#include "crypto/password.h"
#include "crypto/workarea.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 64, KEPT = 1 };

static const struct password_params params = { PASSWORD_ARGON2ID, 19456, 2 };
static int64_t until_ms;

static void *hash_until(void *state)
{
	size_t *count = state;
	for (; clock_mono_ms() < until_ms; ++*count) {
		CLEANUP(arena_free) struct arena *mem = arena_new(0);
		struct span stored;
		if (password_hash(&params, SPAN("correct horse"), &rng_system, mem, &stored) !=
		    STATUS_OK)
			exit(1);
	}
	return NULL;
}

static size_t run_round(size_t threads, int64_t ms)
{
	pthread_t ids[THREADS_MAX];
	size_t counts[THREADS_MAX] = { 0 }, sum = 0;
	until_ms = clock_mono_ms() + ms;
	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, hash_until, &counts[i]) != 0)
			exit(1);
	for (size_t i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		sum += counts[i];
	}
	return sum;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
	long seconds = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t threads = cores < 1 ? 1 : cores < THREADS_MAX ? (size_t)cores : THREADS_MAX;
	size_t hashes[2] = { 0 };
	int64_t ms[2] = { 0 };
	if (rounds < 1 || seconds < 1 || password_start() != STATUS_OK)
		return 1;
	for (long i = 0; i < 2 * rounds; i++) {
		int64_t begun = clock_mono_ms();
		workarea_switch(i % 2 == KEPT);
		hashes[i % 2] += run_round(threads, seconds * 1000);
		ms[i % 2] += clock_mono_ms() - begun;
		workarea_trim(0);
	}
	double stock = (double)hashes[0] * 1000 / (double)ms[0];
	double kept = (double)hashes[KEPT] * 1000 / (double)ms[KEPT];
	printf("hash_stock\t%zu\t%.1f/s\n", hashes[0], stock);
	printf("hash_work_area\t%zu\t%.1f/s\n", hashes[KEPT], kept);
	printf("hash_ratio\t%zu threads\t%.2f\n", threads, kept / stock);
	return 0;
}
