/* SPDX-License-Identifier: MIT */
/*
 * fuzz: one target per parser. A target takes any bytes, returns 0, and aborts
 * when a promise of the parser is broken.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
