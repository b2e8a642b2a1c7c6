/*
 * What it costs the vault to remember what an exchange key opened: a week of N archivals (default
 * 1,000,000), by the functions that the vault calls. Prints time per archival, size of the file,
 * memory of the table, time to load, and what one look-up in the full table takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/rand.h>

#include "vault_opened.h"

#define BATCH 4096 /* hashes made at once, outside the clock */

static const uint8_t name[20] = {1};

static double
now_s(void)
{
	struct timespec t;

	/* Of the processor: others share the machine. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
fail(const struct err *err)
{
	fprintf(stderr, "bench_opened: %s\n", err->msg);
	return 1;
}

/* Seconds for `count` archivals; negative on failure. */
static double
archive(struct vault_opened *o, unsigned count, struct err *err)
{
	static uint8_t hashes[BATCH][2][32];
	double spent = 0;

	for (unsigned done = 0; done < count; done += BATCH) {
		double begun;

		RAND_bytes(&hashes[0][0][0], (int)sizeof hashes);
		begun = now_s();
		for (unsigned i = 0; i < BATCH && done + i < count; i++)
			if (!vault_opened_claim(o, hashes[i][0], hashes[i][1], err))
				return -1;
		spent += now_s() - begun;
	}
	return spent;
}

int
main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
	char folder[] = "/tmp/dirca-bench-opened-XXXXXX", path[64];
	struct vault_opened o;
	struct err err;
	double spent, begun;
	struct stat st;

	if (count == 0 || mkdtemp(folder) == NULL) {
		fprintf(stderr, "usage: bench_opened [ARCHIVALS]\n");
		return 2;
	}
	snprintf(path, sizeof path, "%s/opened", folder);
	if (!vault_opened_create(&o, path, view_of(name, sizeof name), &err))
		return fail(&err);
	spent = archive(&o, count, &err);
	if (spent < 0 || stat(path, &st) != 0)
		return fail(&err);
	printf("%u archivals: %.2f us each; file %.1f MB; table %.1f MiB\n", count,
	    spent / count * 1e6, (double)st.st_size / 1e6,
	    (double)(o.slot_count * sizeof *o.slots) / (1 << 20));
	vault_opened_close(&o);
	begun = now_s();
	if (!vault_opened_load(&o, path, view_of(name, sizeof name), &err))
		return fail(&err);
	printf("loaded at the start: %.2f s\n", now_s() - begun);
	spent = archive(&o, BATCH, &err);
	if (spent < 0)
		return fail(&err);
	printf("one more: %.2f us\n", spent / BATCH * 1e6);
	vault_opened_close(&o);
	unlink(path);
	rmdir(folder);
	return 0;
}
