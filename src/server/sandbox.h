/* SPDX-License-Identifier: MIT */
/*
 * sandbox: what is left to an attacker who runs code in us. No core dumps and
 * no debugger; in a worker no new programs, no new processes, no listening, no
 * writing to files, no memory that is writable and executable.
 *
 * A system call outside the list fails with EPERM, so that a surprise is one
 * request's 503 and no remote switch to kill the service; calls that only an
 * attacker makes (execve, ptrace, ...) end the process. Where the kernel lacks
 * seccomp or landlock that part is left out.
 *
 * Left out whole from sanitized and coverage builds.
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include "base/status.h"

/* In the parent, before a secret is read; children inherit it. */
void sandbox_harden(void);

/* In a worker, before it has threads. Logs what the kernel lacks. What is read
 * later (resolver files, CA certificates) stays readable. STATUS_INTERNAL: the
 * filter could not be made. */
MUST_CHECK enum status sandbox_enter(void);

#endif
