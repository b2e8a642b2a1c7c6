#include "kra_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cms.h"
#include "file.h"
#include "given.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "pkix.h"
#include "text.h"

#define KRA_STORE_MAX 256
#define SHA1_HEX_LEN  40
#define SUFFIX        ".crt"

/* <state>/kra/<sha1>.crt; free(). */
static char *
kra_path(const struct config *config, const char *sha1_hex)
{
	return text_printf("%s/kra/%s%s", config->state_dir, sha1_hex, SUFFIX);
}

static bool
check_size(struct view der, struct err *err)
{
	return der.len <= KRA_CERT_MAX ||
	       err_set(err, DIRCA_E_TOO_LARGE,
		   "the certificate has %zu octets; one of a key recovery agent has at most %d",
		   der.len, KRA_CERT_MAX);
}

/* A file or an answer of the administrator: one certificate, of a key recovery agent. */
static bool
read_one(struct view text, struct pkix_cert *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	if (!pem_certificate(text, &der, err) || !pkix_cert_decode(buf_view(&der), out, err) ||
	    !check_size(buf_view(&out->raw), err))
		return false;
	return pkix_cert_has_eku(out, oid_dotted(OID_KP_KEY_RECOVERY_AGENT)) ||
	       err_set(err, CERT_E_WRONG_USAGE,
		   "no key recovery agent certificate: extended key usage %s is missing",
		   oid_dotted(OID_KP_KEY_RECOVERY_AGENT));
}

static bool
add_to_store(const struct config *config, struct view certificate, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	OWNED(buf_free) struct buf text = {0};
	OWNED(own_memory) char *hash = NULL;
	OWNED(own_memory) char *path = NULL;

	if (!oids_init(err) || !read_one(certificate, &c, err))
		return false;
	hash = hex_encode(view_of(c.sha1, sizeof c.sha1), '\0');
	path = kra_path(config, hash);
	return pem_append(&text, "CERTIFICATE", buf_view(&c.raw), err) &&
	       file_create(path, buf_view(&text), 0644, err);
}

bool
kra_store_add(const struct config *config, struct view certificate, struct err *err)
{
	return add_to_store(config, certificate, err) || err_prefix(err, "adding to the KRA store");
}

bool
kra_store_has(const struct config *config, const struct pkix_cert *certificate)
{
	OWNED(own_memory)
	char *hash = hex_encode(view_of(certificate->sha1, sizeof certificate->sha1), '\0');
	OWNED(own_memory) char *path = kra_path(config, hash);
	OWNED(pem_certs_free) struct pem_certs file = {0};
	struct err ignored;

	return given_certificates(path, &file, &ignored) && file.count == 1 &&
	       view_eq(buf_view(&file.list[0]), buf_view(&certificate->raw));
}

static bool
remove_from_store(const struct config *config, const char *sha1_hex, struct err *err)
{
	OWNED(buf_free) struct buf hash = {0};
	OWNED(own_memory) char *name = NULL;
	OWNED(own_memory) char *path = NULL;

	if (!hex_decode(sha1_hex, &hash, err))
		return false;
	if (hash.len != SHA1_HEX_LEN / 2)
		return err_set(
		    err, E_INVALIDARG, "a SHA-1 hash has %d hexadecimal digits", SHA1_HEX_LEN);
	name = hex_encode(buf_view(&hash), '\0');
	path = kra_path(config, name);
	return unlink(path) == 0 ||
	       err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		   "%s: cannot remove", path);
}

bool
kra_store_remove(const struct config *config, const char *sha1_hex, struct err *err)
{
	return remove_from_store(config, sha1_hex, err) ||
	       err_prefix(err, "removing from the KRA store");
}

/* A file that is being written has no name yet (file_create). */
static int
is_entry(const struct dirent *d)
{
	return d->d_name[0] != '.' && strstr(d->d_name, SUFFIX ".new-") == NULL;
}

static bool
check_name(const char *name, const char *path, struct err *err)
{
	return (strspn(name, "0123456789abcdef") == SHA1_HEX_LEN &&
		   strcmp(name + SHA1_HEX_LEN, SUFFIX) == 0) ||
	       err_set(err, DIRCA_E_CONFIG,
		   "%s: is named otherwise than certificates of the KRA store are; `dirca kra add` "
		   "puts them there",
		   path);
}

/* Is it the one certificate of its file, which has its hash for a name? */
static bool
check_entry(
    const struct buf *list, size_t count, const char *path, const char *name, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	OWNED(own_memory) char *hash = NULL;

	if (!check_size(buf_view(&list[0]), err) || !pkix_cert_decode(buf_view(&list[0]), &c, err))
		return err_prefix(err, "%s", path);
	hash = hex_encode(view_of(c.sha1, sizeof c.sha1), '\0');
	return (count == 1 && strncmp(hash, name, SHA1_HEX_LEN) == 0) ||
	       err_set(err, DIRCA_E_CONFIG,
		   "%s: is not the certificate with the SHA-1 hash of its name", path);
}

static bool
read_entry(const char *path, const char *name, struct buf *out, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs file = {0};

	if (!check_name(name, path, err) || !given_certificates(path, &file, err) ||
	    !check_entry(file.list, file.count, path, name, err))
		return false;
	*out = buf_give(&file.list[0]);
	return true;
}

/* Whether the entry itself is why it could not be read. What else there is passes, and says nothing
 * about the entry. */
static bool
is_unusable(const char *path, const struct err *why)
{
	OWNED(own_fd) int fd = -1;
	struct stat st;

	if (why->code == E_OUTOFMEMORY)
		return false;
	if (why->code != DIRCA_E_IO)
		return true;
	if ((fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) == -1)
		return errno == ENOENT || errno == EACCES || errno == ELOOP || errno == ENXIO;
	return fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
}

struct listing {
	struct dirent **names;
	int count; /* -1: none */
};

static void
listing_free(struct listing *l)
{
	for (int i = 0; i < l->count; i++)
		free(l->names[i]);
	free(l->names);
}

/* Appends the entry to the list, or to what is left out. */
static bool
take_entry(const char *folder, const char *name, struct buf *list, size_t *count,
    struct texts *skipped, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("%s/%s", folder, name);

	if (*count == KRA_STORE_MAX)
		err_set(err, DIRCA_E_CONFIG, "%s: is behind the first %d certificates", path,
		    KRA_STORE_MAX);
	else if (read_entry(path, name, &list[*count], err))
		return ++*count > 0;
	if (!is_unusable(path, err))
		return false;
	if (skipped != NULL)
		texts_add(skipped, err->msg);
	return true;
}

bool
kra_store_list(const struct config *config, struct buf **list_out, size_t *count_out,
    struct texts *skipped_out, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, "kra");
	OWNED(listing_free) struct listing found = {.count = -1};
	struct buf *list;
	size_t count = 0;

	*list_out = NULL;
	*count_out = 0;
	/* Sorted, so that the ring of KRAs has one order. */
	found.count = scandir(folder, &found.names, is_entry, alphasort);
	if (found.count < 0 && errno != ENOENT)
		return err_errno(err, DIRCA_E_IO, "%s: cannot list the KRA store", folder);
	list = mem_zero(KRA_STORE_MAX, sizeof *list);
	for (int i = 0; i < found.count; i++)
		if (!take_entry(folder, found.names[i]->d_name, list, &count, skipped_out, err)) {
			kra_store_free(&list, count);
			return false;
		}
	*list_out = list;
	*count_out = count;
	return true;
}

void
kra_store_free(struct buf **list, size_t count)
{
	pem_list_free(list, count);
}
