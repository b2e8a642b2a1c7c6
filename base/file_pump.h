/* A file read once, from beginning to end: copied, and its hash. */
#ifndef BASE_FILE_PUMP_H
#define BASE_FILE_PUMP_H

#include <stdint.h>

#include "err.h"

/* Reads `from` to the end that it has then; writes what it reads to `to` too, unless that is -1.
 * `name` is for sentences. */
bool file_pump(
    int from, int to, const char *name, int64_t *size_out, uint8_t sha256_out[32], struct err *err);

#endif
