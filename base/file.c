#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "own.h"
#include "text.h"

static bool
check_size(int fd, const char *path, size_t max, size_t *size_out, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, DIRCA_E_IO, "%s: %s", path,
		    S_ISDIR(st.st_mode) ? "a folder, not a regular file" : "not a regular file");
	if ((uint64_t)st.st_size > max)
		return err_set(err, DIRCA_E_TOO_LARGE, "%s: larger than %zu bytes", path, max);
	*size_out = (size_t)st.st_size;
	return true;
}

/* `flags` beside those for reading. */
static bool
open_any(const char *path, int flags, int *fd_out, struct err *err)
{
	/* O_NONBLOCK: a FIFO in the place of a file is refused, not waited for. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);

	if (fd == -1 && errno == ELOOP && (flags & O_NOFOLLOW) != 0)
		return err_set(err, DIRCA_E_IO, "%s: a symbolic link, which is not followed", path);
	if (fd == -1)
		return err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		    "%s: cannot open", path);
	*fd_out = fd;
	return true;
}

static bool
open_sized(const char *path, int flags, size_t max, int *fd_out, size_t *size_out, struct err *err)
{
	int fd;

	if (!open_any(path, flags, &fd, err))
		return false;
	if (!check_size(fd, path, max, size_out, err)) {
		close(fd);
		return false;
	}
	*fd_out = fd;
	return true;
}

bool
file_open(const char *path, int *fd_out, struct err *err)
{
	size_t size;

	return open_sized(path, O_NOFOLLOW, SIZE_MAX, fd_out, &size, err);
}

bool
file_entrust(const char *path, uid_t owner, gid_t group, mode_t mode, struct err *err)
{
	OWNED(own_fd) int fd = -1;
	struct stat st;

	if (!file_open(path, &fd, err))
		return false;
	if (fstat(fd, &st) == 0 && st.st_nlink > 1)
		return err_set(err, DIRCA_E_IO,
		    "%s: this file has another name too, by a hard link: whose it is there is not "
		    "changed from here",
		    path);
	return (fchown(fd, owner, group) == 0 && fchmod(fd, mode) == 0) ||
	       err_errno(err, DIRCA_E_IO, "%s: owner and mode", path);
}

bool
file_open_stream(const char *path, bool pipes, FILE **out, struct err *err)
{
	OWNED(own_fd) int fd = -1;
	struct stat st;
	size_t size;

	*out = NULL;
	if (!open_any(path, 0, &fd, err))
		return false;
	if (!(pipes && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) &&
	    !check_size(fd, path, SIZE_MAX, &size, err))
		return false;
	if (fcntl(fd, F_SETFL, 0) == -1 || (*out = fdopen(fd, "r")) == NULL)
		return err_errno(err, DIRCA_E_IO, "%s: cannot open", path);
	fd = -1;
	return true;
}

/* Reads exactly `len` bytes; a file that changes its size meanwhile is an error. */
static bool
read_all(int fd, uint8_t *to, size_t len, const char *path, struct err *err)
{
	uint8_t more;

	while (len > 0) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, DIRCA_E_IO, "%s: cannot read", path);
		if (n == 0)
			return err_set(
			    err, DIRCA_E_IO, "%s: became shorter while it was read", path);
		to += n;
		len -= (size_t)n;
	}
	if (read(fd, &more, 1) != 0)
		return err_set(err, DIRCA_E_IO, "%s: became longer while it was read", path);
	return true;
}

static bool
read_whole(const char *path, int flags, size_t max, struct buf *out, struct err *err)
{
	OWNED(own_fd) int fd = -1;
	size_t size;
	bool ok;

	*out = (struct buf){0};
	if (!open_sized(path, flags, max, &fd, &size, err))
		return false;
	ok = buf_alloc(size, out, err) && read_all(fd, out->ptr, size, path, err);
	if (!ok)
		buf_free(out);
	return ok;
}

bool
file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	return read_whole(path, 0, max, out, err);
}

bool
file_read_no_link(const char *path, size_t max, struct buf *out, struct err *err)
{
	return read_whole(path, O_NOFOLLOW, max, out, err);
}

static bool
check_owner(const char *path, const struct stat *st, struct err *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, DIRCA_E_CONFIG,
		    "%s: belongs to user %lu; what decides whom to trust must be root's: chown "
		    "root it",
		    path, (unsigned long)st->st_uid);
	return (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	       err_set(err, DIRCA_E_CONFIG, "%s: others than its owner may write it; chmod go-w it",
		   path);
}

bool
file_read_owned(const char *path, size_t max, struct buf *out, struct err *err)
{
	OWNED(own_fd) int fd = -1;
	size_t size;
	struct stat st;
	bool ok;

	*out = (struct buf){0};
	if (!open_sized(path, O_NOFOLLOW, max, &fd, &size, err))
		return false;
	ok = fstat(fd, &st) == 0 ? check_owner(path, &st, err)
				 : err_errno(err, DIRCA_E_IO, "%s: cannot stat", path);
	ok = ok && buf_alloc(size, out, err) && read_all(fd, out->ptr, size, path, err);
	if (!ok)
		buf_free(out);
	return ok;
}

bool
file_check_folder(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		    "%s: no such folder", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, DIRCA_E_CONFIG, "%s: is no folder", path);
	return check_owner(path, &st, err);
}

bool
file_check_private(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(err, DIRCA_E_IO, "%s: cannot stat", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(
		    err, DIRCA_E_CONFIG, "%s: belongs to user %lu", path, (unsigned long)st.st_uid);
	return (st.st_mode & (S_IRWXG | S_IRWXO)) == 0 ||
	       err_set(err, DIRCA_E_CONFIG,
		   "%s: others than its owner may read or write it; chmod go= it", path);
}

static bool
read_secret(int fd, size_t size, const char *path, struct secret *out, struct err *err)
{
	bool ok = secret_alloc(size, out, err) && read_all(fd, out->ptr, size, path, err);

	if (!ok)
		secret_free(out);
	return ok;
}

bool
file_read_secret_fd(int fd, const char *path, size_t max, struct secret *out, struct err *err)
{
	size_t size;

	*out = (struct secret){0};
	return check_size(fd, path, max, &size, err) && read_secret(fd, size, path, out, err);
}

bool
file_read_secret(const char *path, size_t max, struct secret *out, struct err *err)
{
	OWNED(own_fd) int fd = -1;
	size_t size;

	*out = (struct secret){0};
	return open_sized(path, 0, max, &fd, &size, err) && read_secret(fd, size, path, out, err);
}

bool
file_write_all(int fd, struct view content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.ptr, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		content.ptr += n;
		content.len -= (size_t)n;
	}
	return true;
}

bool
file_sync_folder(const char *folder, struct err *err)
{
	OWNED(own_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd != -1 && fsync(fd) == 0) ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot fsync the folder", folder);
}

bool
file_sync_parent(const char *path, struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(path);

	return file_sync_folder(dirname(copy), err);
}

/* Over nothing. A stick that goes from machine to machine has a file system without links. */
static bool
name_anew(const char *name, const char *path)
{
	if (link(name, path) == 0)
		return true;
	return (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) &&
	       renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
}

bool
file_name_beside(const char *path, char **out, struct err *err)
{
	uint64_t unique;

	*out = NULL;
	if (getrandom(&unique, sizeof unique, 0) != (ssize_t)sizeof unique)
		return err_errno(
		    err, DIRCA_E_IO, "%s: no random name for its temporary file", path);
	*out = text_printf("%s.new-%016" PRIx64, path, unique);
	return true;
}

bool
file_part_write(
    const char *path, struct view content, mode_t mode, struct file_part *out, struct err *err)
{
	OWNED(file_part_free) struct file_part p = {0};
	OWNED(own_fd) int fd = -1;

	*out = (struct file_part){0};
	if (!file_name_beside(path, &p.name, err))
		return false;
	p.path = mem_text(path);
	fd = open(p.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd == -1 && errno == ENOENT)
		return err_set(err, DIRCA_E_IO,
		    "%s: cannot create: its folder is not there; make it, or name another", path);
	if (fd == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot create", path);
	p.state = FILE_PART_BESIDE;
	if (!file_write_all(fd, content))
		return err_errno(err, DIRCA_E_IO, "%s: cannot write", path);
	if (fsync(fd) != 0)
		return err_errno(err, DIRCA_E_IO, "%s: cannot fsync", path);
	*out = p;
	p = (struct file_part){0};
	return true;
}

static bool
not_placed(const struct file_part *p, struct err *err)
{
	return err_errno(err, errno == EEXIST ? ERROR_FILE_EXISTS : DIRCA_E_IO,
	    "%s: cannot put in place", p->path);
}

static bool
place_anew(struct file_part *p, struct err *err)
{
	if (!name_anew(p->name, p->path))
		return not_placed(p, err);
	p->state = FILE_PART_NEW;
	return file_sync_parent(p->path, err);
}

static bool
place_over(struct file_part *p, struct err *err)
{
	if (rename(p->name, p->path) != 0)
		return not_placed(p, err);
	p->state = FILE_PART_OVER;
	return file_sync_parent(p->path, err);
}

static bool
exchange(const struct file_part *p)
{
	return renameat2(AT_FDCWD, p->name, AT_FDCWD, p->path, RENAME_EXCHANGE) == 0;
}

bool
file_part_place(struct file_part *p, bool replace, struct err *err)
{
	struct stat st;

	if (!replace)
		return place_anew(p, err);
	if (!exchange(p)) {
		if (errno == ENOENT)
			return place_anew(p, err);
		/* some file systems know of no such thing */
		return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP
			   ? place_over(p, err)
			   : not_placed(p, err);
	}
	p->state = FILE_PART_EXCHANGED;
	if (lstat(p->name, &st) != 0 || !S_ISREG(st.st_mode)) {
		p->state = exchange(p) ? FILE_PART_BESIDE : FILE_PART_OVER;
		return err_set(
		    err, DIRCA_E_IO, "%s: what stands there is no regular file", p->path);
	}
	return file_sync_parent(p->path, err);
}

bool
file_part_take_back(struct file_part *p)
{
	bool back = p->state == FILE_PART_BESIDE ||
		    (p->state == FILE_PART_NEW && unlink(p->path) == 0) ||
		    (p->state == FILE_PART_EXCHANGED && exchange(p));

	if (back)
		p->state = FILE_PART_BESIDE;
	else if (p->state == FILE_PART_EXCHANGED)
		p->state = FILE_PART_KEPT;
	return back;
}

void
file_part_free(struct file_part *p)
{
	if (p->state == FILE_PART_BESIDE || p->state == FILE_PART_NEW ||
	    p->state == FILE_PART_EXCHANGED)
		unlink(p->name);
	free(p->path);
	free(p->name);
	*p = (struct file_part){0};
}

bool
file_replace(const char *path, struct view content, mode_t mode, struct err *err)
{
	OWNED(file_part_free) struct file_part p = {0};

	return file_part_write(path, content, mode, &p, err) && place_over(&p, err);
}

bool
file_create(const char *path, struct view content, mode_t mode, struct err *err)
{
	OWNED(file_part_free) struct file_part p = {0};

	return file_part_write(path, content, mode, &p, err) && place_anew(&p, err);
}

bool
file_make_folder(const char *path, struct err *err)
{
	OWNED(own_memory) char *part = mem_text(path);

	for (char *p = part + 1;; p++) {
		char kept = *p;

		if (kept != '/' && kept != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return err_errno(err, DIRCA_E_IO, "%s", part);
		if (kept == '\0')
			return file_check_folder(path, err);
		*p = kept;
	}
}
