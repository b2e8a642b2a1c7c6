/*
 * Files: read whole with a cap, and write so that a reader sees the old or the new content, never
 * half of it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "buf.h"

/* Whole file; DIRCA_E_TOO_LARGE over `max` bytes, ERROR_FILE_NOT_FOUND if absent. */
bool file_read(const char *path, size_t max, struct buf *out, struct err *err);
/* As file_read, for a file that decides whom to trust: DIRCA_E_CONFIG unless it belongs to root or
 * to this process's user, who alone may write it. A symbolic link is refused. */
bool file_read_owned(const char *path, size_t max, struct buf *out, struct err *err);
/* Does the folder belong to root or to this process's user, who alone may write it? DIRCA_E_CONFIG;
 * ERROR_FILE_NOT_FOUND if there is none. */
bool file_check_folder(const char *path, struct err *err);
/* As file_read into a secret. */
bool file_read_secret(const char *path, size_t max, struct secret *out, struct err *err);
/* Writes a temporary file beside `path` (O_CREAT|O_EXCL|O_NOFOLLOW), fsyncs, renames over `path`,
 * fsyncs the folder. */
bool file_replace(const char *path, struct view content, mode_t mode, struct err *err);
/* As file_replace, but ERROR_FILE_EXISTS if `path` exists. For keys and PFX files use mode 0600. */
bool file_create(const char *path, struct view content, mode_t mode, struct err *err);

#endif
