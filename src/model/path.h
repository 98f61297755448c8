/* SPDX-License-Identifier: MIT */
/*
 * path: which request targets may be judged at all. The web server may decode
 * and resolve what we saw raw, so a target that has a second spelling is
 * refused rather than normalised. Pure.
 */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include "base/span.h"

#define PATH_USER_ID_MAX 64

/* The part of a raw request target before its first `?`. */
struct span path_of_target(struct span target);

/* Begins with exactly one `/`; only A-Z a-z 0-9 -_.~!$&'()*+,=:@/ ; no empty
 * segment but a last one; no segment `.` or `..`. */
bool path_is_canonical(struct span path);

/* 1 to 64 of A-Z a-z 0-9 - _. */
bool path_is_user_id(struct span segment);

#endif
