/*
 * Databases of many rows, and what the programs that measure them have in common.
 */
#ifndef TESTS_BENCH_ROWS_H
#define TESTS_BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

/* Of the processor and this thread: others share the machine. */
double bench_now_us(void);
/* Sorts the list. */
double bench_median(double *list, size_t count);
/* Ends the program with a line unless `ok`. */
void bench_must(bool ok, const char *what, const char *why);
/* Memory of the process: now, or the most it ever had. */
long bench_resident_kib(void);
long bench_peak_kib(void);
/* Makes the database `path` with `rows` rows of the table Request unless it is there, past the
 * store, which would take hours: no journal, nothing synced. `insert` adds the rows from ?1 to
 * before ?2. */
void bench_rows_fill(const char *path, long rows, const char *insert);
/* The same to a database that is there. */
void bench_rows_add(const char *path, long rows, const char *insert);
/* What adds them: archived keys, ten rows of each requester; and what a CRL lists. */
extern const char bench_rows_archived[], bench_rows_revoked[];

#endif
