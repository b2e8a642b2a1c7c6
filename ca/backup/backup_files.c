/* Files and folders of a copy. */
#include "backup_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "ca_key.h"
#include "mem.h"
#include "own_openssl.h"
#include "text.h"

void
backup_free(struct backup *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->items[i].path);
	free(b->items);
	free(b->ca_name);
	free(b->version);
	pkix_cert_free(&b->ca);
	*b = (struct backup){0};
}

int64_t
backup_size(const struct backup *b)
{
	int64_t sum = 0;

	for (size_t i = 0; i < b->count; i++)
		sum += b->items[i].size;
	return sum;
}

bool
backup_item_is_folder(const struct backup_item *i)
{
	return i->path[strlen(i->path) - 1] == '/';
}

char *
backup_item_path(const char *folder, const struct backup_item *i)
{
	return text_printf("%s/%s%s", folder, i->path, i->sealed ? BACKUP_SEALED : "");
}

struct backup_item *
backup_add(struct backup *b)
{
	b->items = mem_grow(b->items, b->count, sizeof *b->items);
	b->items[b->count] = (struct backup_item){0};
	return &b->items[b->count++];
}

const struct backup_item *
backup_find(const struct backup *b, const char *path)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->items[i].path, path) == 0)
			return &b->items[i];
	return NULL;
}

bool
backup_open(const char *path, int *fd_out, struct err *err)
{
	struct stat st;

	*fd_out = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd_out == -1)
		return err_errno(
		    err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO, "%s", path);
	return (fstat(*fd_out, &st) == 0 && S_ISREG(st.st_mode)) ||
	       err_set(err, DIRCA_E_IO, "%s: is no file", path);
}

static bool
write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* To the end that the file has then; to `to` too, unless it is -1. */
static bool
pump(int from, int to, EVP_MD_CTX *hash, int64_t *size_out)
{
	uint8_t bytes[65536];
	ssize_t n;

	*size_out = 0;
	while ((n = read(from, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (to >= 0 && !write_all(to, bytes, (size_t)n)))
			return false;
		if (EVP_DigestUpdate(hash, bytes, (size_t)n) != 1)
			return false;
		*size_out += n;
	}
	return true;
}

bool
backup_copy(int from, const char *name, const char *to, unsigned mode, int64_t *size_out,
    uint8_t sha256_out[32], struct err *err)
{
	OWNED(own_md_ctx) EVP_MD_CTX *hash = EVP_MD_CTX_new();
	OWNED(own_fd) int fd = -1;

	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 of %s", name);
	if (to != NULL &&
	    (fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)) == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot create", to);
	if (!pump(from, fd, hash, size_out) || (fd >= 0 && fsync(fd) != 0))
		return err_errno(err, DIRCA_E_IO, "%s: cannot be copied", name);
	return EVP_DigestFinal_ex(hash, sha256_out, NULL) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 of %s", name);
}

bool
backup_hash(const char *path, int64_t *size_out, uint8_t sha256_out[32], struct err *err)
{
	OWNED(own_fd) int fd = -1;

	return backup_open(path, &fd, err) &&
	       backup_copy(fd, path, NULL, 0, size_out, sha256_out, err);
}

bool
backup_sync_folder(const char *path, struct err *err)
{
	OWNED(own_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd != -1 && fsync(fd) == 0) ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot fsync the folder", path);
}

bool
backup_ca_key(const char *folder, const struct pkix_cert *ca, const struct secret *passphrase,
    EVP_PKEY **out, struct err *err)
{
	uint32_t version;

	return pkix_cert_ca_version(ca, &version, err) &&
	       ca_key_open(folder, CA_VERSION_KEY(version), passphrase, out, err);
}

static int
is_name(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

bool
backup_names(const char *folder, struct texts *out, struct err *err)
{
	struct dirent **list = NULL;
	int count = scandir(folder, &list, is_name, alphasort);

	if (count < 0)
		return err_errno(err, DIRCA_E_IO, "%s", folder);
	for (int i = 0; i < count; i++) {
		texts_add(out, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return true;
}

static void
discard(const char *folder, int depth)
{
	OWNED(texts_free) struct texts names = {0};
	struct err ignored;

	if (!backup_names(folder, &names, &ignored))
		return;
	for (size_t i = 0; i < names.count; i++) {
		OWNED(own_memory) char *path = text_printf("%s/%s", folder, names.list[i]);

		if (unlink(path) != 0 && depth > 0)
			discard(path, depth - 1);
	}
	rmdir(folder);
}

void
backup_discard(const char *folder)
{
	discard(folder, 3);
}
