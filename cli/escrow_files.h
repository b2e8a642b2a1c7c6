/*
 * Files with private keys as an administrator brings them (escrow.h): one by one or whole folders,
 * with their passwords, the keys that open them, and certificates of keys that come without.
 */
#ifndef CLI_ESCROW_FILES_H
#define CLI_ESCROW_FILES_H

#include "cli.h"
#include "escrow.h"

/* A line of the list of passwords: FILE,PASSWORD[,USER]. */
struct escrow_line {
	char *file; /* without folders */
	struct secret password;
	char *user; /* NULL: none */
};
struct escrow_files {
	const struct cli *cli;
	struct secret *passwords;
	size_t password_count;
	struct escrow_line *lines;
	size_t line_count;
	struct escrow_certificates certificates;
	struct pfx_content openers;
	struct pkix_certs trusted; /* CAs whose recovery BLOBs are opened */
};
/* Reads what the options name. */
bool escrow_files_open(const struct cli *cli, struct escrow_files *out, struct err *err);
void escrow_files_close(struct escrow_files *f);

/* What is in a file, or why that is not known (`why` is not NULL): the items are the callee's to
 * take. False ends the reading. */
typedef bool escrow_found(void *arg, const char *path, struct escrow_items *items,
    const struct err *why, struct err *err);
/* Every file, and those of every folder by name, one after the other. */
bool escrow_files_read(struct escrow_files *f, char *const *paths, size_t count,
    escrow_found *found, void *arg, struct err *err);

#endif
