/*
 * The program that root names to be told of events (event_hook of dircad.conf): no shell, no
 * arguments, an environment of its own, no descriptor of the CA; what it is told on its standard
 * input. One at a time, and not for long.
 */
#ifndef SERVICE_HOOK_H
#define SERVICE_HOOK_H

#include "buf.h"

/* Runs it and waits, `limit_ms` at most, or until `is_over` says so: then it and what it started is
 * killed. E_ACCESSDENIED: others than root and this process's user may write the program;
 * DIRCA_E_IO: it could not be run, took too long or ended with another status than 0. */
typedef bool hook_is_over(void *arg);
bool hook_run(const char *program, struct view input, int64_t limit_ms, hook_is_over *is_over,
    void *arg, struct err *err);

#endif
