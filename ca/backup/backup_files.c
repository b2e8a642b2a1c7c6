/* Files and folders of a copy. */
#include "backup_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "ca_key.h"
#include "file.h"
#include "file_pump.h"
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

char *
backup_beside(const char *folder, const char *end)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	return text_printf("%.*s%s", (int)len, folder, end);
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
backup_copy(int from, const char *name, const char *to, int64_t *size_out, uint8_t sha256_out[32],
    struct err *err)
{
	OWNED(own_fd) int fd = -1;

	if (to != NULL &&
	    (fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot create", to);
	return file_pump(from, fd, name, size_out, sha256_out, err) &&
	       (fd < 0 || fsync(fd) == 0 ||
		   err_errno(err, DIRCA_E_IO, "%s: cannot be copied", name));
}

bool
backup_item_is(const struct backup_item *i, int64_t size, const uint8_t sha256[32],
    const char *path, struct err *err)
{
	return (size == i->size && memcmp(sha256, i->sha256, sizeof i->sha256) == 0) ||
	       err_set(err, DIRCA_E_BACKUP, "%s is not what was copied", path);
}

bool
backup_ca_key(const char *folder, const struct pkix_cert *ca, const struct secret *passphrase,
    EVP_PKEY **out, struct err *err)
{
	uint32_t version;

	return pkix_cert_ca_version(ca, &version, err) &&
	       ca_key_open(folder, CA_VERSION_KEY(version), passphrase, out, err);
}

bool
backup_owners(const struct config *config, struct owner out[3], struct err *err)
{
	const char *const users[] = {NULL, config->user, config->vault_user};

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		const struct passwd *pw = users[i] != NULL ? getpwnam(users[i]) : NULL;

		if (users[i] != NULL && pw == NULL)
			return err_set(err, DIRCA_E_CONFIG, "there is no user %s", users[i]);
		out[i] = pw != NULL ? (struct owner){pw->pw_uid, pw->pw_gid}
				    : (struct owner){geteuid(), getegid()};
	}
	return true;
}

static int
is_name(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

bool
backup_names(int at, const char *folder, struct texts *out, struct err *err)
{
	struct dirent **list = NULL;
	int count = scandirat(at, folder, &list, is_name, alphasort);

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

	if (!backup_names(AT_FDCWD, folder, &names, &ignored))
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
