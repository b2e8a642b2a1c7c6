/*
 * Programs of others that dirca has do what they know better. What is secret reaches them as files
 * in memory, by descriptor: never in an argument, the environment or a file on disk.
 */
#ifndef CLI_HELPER_RUN_H
#define CLI_HELPER_RUN_H

#include "buf.h"

#define HELPER_FILES_MAX 3
#define HELPER_ARGS_MAX  24
#define HELPER_NOISE_MAX 2

/* As the program has them. */
#define HELPER_FD     10
#define HELPER_FILE_0 "/proc/self/fd/10"
#define HELPER_FILE_1 "/proc/self/fd/11"
#define HELPER_FILE_2 "/proc/self/fd/12"
struct helper {
	const char *args[HELPER_ARGS_MAX]; /* NULL behind the last; the first is the program */
	struct view files[HELPER_FILES_MAX];
	size_t file_count;
	const char *package; /* where Debian has it */
	/* One whose exit status says too little is told to say more than people want to read: what
	 * it says is read, lines that begin with one of `noise` are not passed on, and where one
	 * has `sign` in it the failure is `meaning`. */
	const char *noise[HELPER_NOISE_MAX];
	const char *sign;
	enum err_code meaning;
};
/* What the program wrote into its last file goes to `out`, unless that is NULL. DIRCA_E_CONFIG: it
 * is not installed; DIRCA_E_IO, or `meaning`: it failed, and has said why. */
bool helper_run(const struct helper *h, size_t out_max, struct buf *out, struct err *err);

#endif
