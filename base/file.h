/*
 * Files: read whole with a cap, and write so that a reader sees the old or the new content, never
 * half of it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdio.h>
#include <sys/types.h>

#include "buf.h"

/* Whole file; DIRCA_E_TOO_LARGE over `max` bytes, ERROR_FILE_NOT_FOUND if absent. */
bool file_read(const char *path, size_t max, struct buf *out, struct err *err);
/* As file_read, but through no symbolic link: of a folder that somebody else filled. */
bool file_read_no_link(const char *path, size_t max, struct buf *out, struct err *err);
/* As file_read, for a file that decides whom to trust: DIRCA_E_CONFIG unless it belongs to root or
 * to this process's user, who alone may write it. A symbolic link is refused. */
bool file_read_owned(const char *path, size_t max, struct buf *out, struct err *err);
/* Does the folder belong to root or to this process's user, who alone may write it? DIRCA_E_CONFIG;
 * ERROR_FILE_NOT_FOUND if there is none. */
bool file_check_folder(const char *path, struct err *err);
/* Makes every part of it that is missing, for its owner alone; then as file_check_folder. */
bool file_make_folder(const char *path, struct err *err);
/* May nobody but its owner read or write the file or folder that is open, and is that root or this
 * process's user? DIRCA_E_CONFIG. */
bool file_check_private(int fd, const char *path, struct err *err);
/* As file_read into a secret. */
bool file_read_secret(const char *path, size_t max, struct secret *out, struct err *err);
/* As file_read_secret, of the file that is open and read from its beginning; `path` is for what is
 * said of it. */
bool file_read_secret_fd(int fd, const char *path, size_t max, struct secret *out, struct err *err);
/* As file_read opens it, for what is read bit by bit; where `pipes`, a FIFO too, which is at its
 * end where nobody writes to it. */
bool file_open_stream(const char *path, bool pipes, FILE **out, struct err *err);
/* Opens a file to be read and nothing else: no link, no folder, no device, no FIFO.
 * ERROR_FILE_NOT_FOUND. */
bool file_open(const char *path, int *fd_out, struct err *err);
/* Owner and mode of what file_open opens, if it has no other name: whoever may write the folder has
 * nothing else given away by putting a link in its place. */
bool file_entrust(const char *path, uid_t owner, gid_t group, mode_t mode, struct err *err);
/* Writes a temporary file beside `path` (O_CREAT|O_EXCL|O_NOFOLLOW), fsyncs, renames over `path`,
 * fsyncs the folder. */
bool file_replace(const char *path, struct view content, mode_t mode, struct err *err);
/* As file_replace, but ERROR_FILE_EXISTS if `path` exists. For keys and PFX files use mode 0600. */
bool file_create(const char *path, struct view content, mode_t mode, struct err *err);

/* For what is not in place yet: a random name that no other thread takes, nor a process with the
 * same number that crashed here before. free(). */
bool file_name_beside(const char *path, char **out, struct err *err);
/* The same in steps, for files that come all or none: each is written whole under a name beside its
 * place, then each put there, and if one cannot be, those before it are taken back. */
struct file_part {
	char *path, *name;
	enum {
		FILE_PART_NONE,
		FILE_PART_BESIDE,
		FILE_PART_NEW,       /* in place, over nothing */
		FILE_PART_EXCHANGED, /* in place; `name` is what was there */
		FILE_PART_KEPT,      /* the same, for good */
		FILE_PART_OVER       /* in place; what was there is gone */
	} state;
};
bool file_part_write(
    const char *path, struct view content, mode_t mode, struct file_part *out, struct err *err);
/* Over a regular file if `replace`, else over nothing: ERROR_FILE_EXISTS. After a failure too it
 * may be in place. */
bool file_part_place(struct file_part *p, bool replace, struct err *err);
/* What was there before is there again; false: the new file stands, and what was there, where there
 * is any left, is `name` and stays. */
bool file_part_take_back(struct file_part *p);
/* Removes what is not in place. */
void file_part_free(struct file_part *p);

/* All of it; false with errno if it cannot be. */
bool file_write_all(int fd, struct view content);
/* What was made, renamed or removed in the folder outlives a power cut. */
bool file_sync_folder(const char *folder, struct err *err);
/* As file_sync_folder, of the folder that `path` is in. */
bool file_sync_parent(const char *path, struct err *err);

#endif
