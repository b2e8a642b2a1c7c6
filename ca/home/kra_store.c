#include "kra_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "oids.h"
#include "pem.h"
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

bool
kra_store_add(const struct config *config, struct view certificate, struct err *err)
{
	struct buf *list = NULL, text = {0};
	struct pkix_cert c = {0};
	char *hash = NULL, *path = NULL;
	size_t count = 0;
	bool ok = false;

	if (!oids_init(err) || !pem_certificates(certificate, &list, &count, err))
		goto out;
	if (count != 1) {
		err_set(err, ERROR_INVALID_DATA, "%zu certificates where one is expected", count);
		goto out;
	}
	if (!pkix_cert_decode(buf_view(&list[0]), &c, err))
		goto out;
	if (!pkix_cert_has_eku(&c, oid_dotted(OID_KP_KEY_RECOVERY_AGENT))) {
		err_set(err, CERT_E_WRONG_USAGE,
		    "no key recovery agent certificate: extended key usage %s is missing",
		    oid_dotted(OID_KP_KEY_RECOVERY_AGENT));
		goto out;
	}
	if ((hash = hex_encode(view_of(c.sha1, sizeof c.sha1), '\0')) == NULL ||
	    (path = kra_path(config, hash)) == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = pem_append(&text, "CERTIFICATE", buf_view(&c.raw), err) &&
	     file_create(path, buf_view(&text), 0644, err);
out:
	pem_list_free(&list, count);
	pkix_cert_free(&c);
	buf_free(&text);
	free(hash);
	free(path);
	return ok || err_prefix(err, "adding to the KRA store");
}

bool
kra_store_remove(const struct config *config, const char *sha1_hex, struct err *err)
{
	struct buf hash = {0};
	char *name = NULL, *path = NULL;
	bool ok = false;

	if (!hex_decode(sha1_hex, &hash, err))
		goto out;
	if (hash.len != SHA1_HEX_LEN / 2) {
		err_set(err, E_INVALIDARG, "a SHA-1 hash has %d hexadecimal digits", SHA1_HEX_LEN);
		goto out;
	}
	if ((name = hex_encode(buf_view(&hash), '\0')) == NULL ||
	    (path = kra_path(config, name)) == NULL) {
		err_nomem(err);
		goto out;
	}
	if (unlink(path) != 0) {
		err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		    "%s: cannot remove", path);
		goto out;
	}
	ok = true;
out:
	buf_free(&hash);
	free(name);
	free(path);
	return ok || err_prefix(err, "removing from the KRA store");
}

static int
is_store_name(const struct dirent *d)
{
	return strspn(d->d_name, "0123456789abcdef") == SHA1_HEX_LEN &&
	       strcmp(d->d_name + SHA1_HEX_LEN, SUFFIX) == 0;
}

/* One file of the store: the certificate must be the one that the name says. */
static bool
read_entry(const struct config *config, const char *name, struct buf *out, struct err *err)
{
	char *path = text_printf("%s/kra/%s", config->state_dir, name), *hash = NULL;
	struct buf *list = NULL;
	struct pkix_cert c = {0};
	size_t count = 0;
	bool ok = false;

	if (path == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!pem_certificates_file(path, &list, &count, err))
		goto out;
	if (!pkix_cert_decode(buf_view(&list[0]), &c, err)) {
		err_prefix(err, "%s", path);
		goto out;
	}
	hash = hex_encode(view_of(c.sha1, sizeof c.sha1), '\0');
	if (count != 1 || hash == NULL || strncmp(hash, name, SHA1_HEX_LEN) != 0) {
		err_set(err, DIRCA_E_CONFIG,
		    "%s: is not the certificate with the SHA-1 hash of its name", path);
		goto out;
	}
	*out = list[0];
	list[0] = (struct buf){0};
	ok = true;
out:
	free(path);
	free(hash);
	pkix_cert_free(&c);
	pem_list_free(&list, count);
	return ok;
}

bool
kra_store_list(
    const struct config *config, struct buf **list_out, size_t *count_out, struct err *err)
{
	char *folder = config_path(config, "kra");
	struct dirent **names = NULL;
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = false;
	int found = -1;

	*list_out = NULL;
	*count_out = 0;
	if (folder == NULL) {
		err_nomem(err);
		goto out;
	}
	/* Sorted, so that the ring of KRAs has one order. */
	found = scandir(folder, &names, is_store_name, alphasort);
	if (found < 0 && errno != ENOENT) {
		err_errno(err, DIRCA_E_IO, "%s: cannot list the KRA store", folder);
		goto out;
	}
	if (found > KRA_STORE_MAX) {
		err_set(
		    err, DIRCA_E_CONFIG, "%s: more than %d certificates", folder, KRA_STORE_MAX);
		goto out;
	}
	if ((list = calloc(found > 0 ? (size_t)found : 1, sizeof *list)) == NULL) {
		err_nomem(err);
		goto out;
	}
	for (int i = 0; i < found; i++, count++)
		if (!read_entry(config, names[i]->d_name, &list[count], err))
			goto out;
	*list_out = list;
	*count_out = count;
	list = NULL;
	ok = true;
out:
	for (int i = 0; i < found; i++)
		free(names[i]);
	free(names);
	kra_store_free(&list, count);
	free(folder);
	return ok;
}

void
kra_store_free(struct buf **list, size_t count)
{
	pem_list_free(list, count);
}
