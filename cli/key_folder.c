/* A folder of PEM files, one a key: private key, certificate, chain; named by the certificate's
 * SHA-1, for its owner alone. */
#include "key_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "file.h"
#include "key_input.h"
#include "key_output.h"
#include "mem.h"
#include "output.h"
#include "own.h"
#include "own_folder.h"
#include "pkix.h"
#include "text.h"
#include "trust.h"

#define MACHINE_FOLDER "/etc/dirca/keys"
#define USER_FOLDER    ".local/share/dirca/keys"
#define SUFFIX         ".pem"
#define HASH_LEAST     8 /* digits that name a certificate */

/* free(); the folder that is meant. */
static char *
folder_of(const struct cli_options *o, struct err *err)
{
	const char *home = getenv("HOME");

	if (o->folder != NULL)
		return mem_text(o->folder);
	if (!o->user_store)
		return mem_text(MACHINE_FOLDER);
	if (home != NULL && home[0] == '/')
		return text_printf("%s/" USER_FOLDER, home);
	err_set(err, DIRCA_E_CONFIG, "HOME does not name a folder; --folder does");
	return NULL;
}

/* ---- in ---- */

/* The certificate and its issuers, of all that came along. */
static bool
chain_of(
    const struct pfx_content *c, const struct pfx_entry *e, struct pkix_certs *out, struct err *err)
{
	OWNED(own_memory) struct view *pool = mem_zero(c->other_count + 1, sizeof *pool);

	for (size_t i = 0; i < c->other_count; i++)
		pool[i] = buf_view(&c->others[i].certificate);
	return pkix_certs_add(out, buf_view(&e->certificate), err) &&
	       trust_parents(out, pool, c->other_count, err);
}

static bool
make_file(EVP_PKEY *key, const struct pkix_certs *chain, const struct secret *password,
    struct secret *out, struct err *err)
{
	OWNED(own_memory) struct pfx_entry *list = mem_zero(chain->count, sizeof *list);
	const struct pfx_content c = {
	    .keys = list, .key_count = 1, .others = list + 1, .other_count = chain->count - 1};

	list[0].key = key;
	for (size_t i = 0; i < chain->count; i++)
		list[i].certificate = chain->list[i].raw;
	return key_output_pem(&c, KEY_PEM, password, out, err);
}

static bool
import_one(const struct cli_options *o, const char *folder, const struct pfx_content *c,
    const struct pfx_entry *e, const struct secret *password, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs chain = {0};
	OWNED(secret_free) struct secret content = {0};
	OWNED(own_memory) char *hash = NULL, *path = NULL;
	struct stat st;

	if (!chain_of(c, e, &chain, err))
		return false;
	hash = hex_encode(view_of(chain.list[0].sha1, sizeof chain.list[0].sha1), '\0');
	path = text_printf("%s/%s" SUFFIX, folder, hash);
	if (!o->force && lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		printf("%s: there already\n", path);
		return true;
	}
	if (!make_file(e->key, &chain, password, &content, err))
		return false;

	const struct output file = {.path = path, .content = secret_view(&content), .mode = 0600};

	if (!outputs_write(&file, 1, o->force, err))
		return false;
	printf("%s\n", path);
	return true;
}

bool
key_folder_import(const struct cli_options *o, struct pfx_content *c, struct err *err)
{
	OWNED(own_memory) char *folder = folder_of(o, err);
	OWNED(secret_free) struct secret password = {0};
	bool encrypts = o->out_password_file != NULL;

	if (folder == NULL || !file_make_folder(folder, err) ||
	    (encrypts && !cli_password(o->out_password_file, "", false, &password, err)))
		return false;
	for (size_t i = 0; i < c->key_count; i++)
		if (!import_one(o, folder, c, &c->keys[i], encrypts ? &password : NULL, err))
			return false;
	return true;
}

/* ---- out ---- */

static bool
holds(const char *text, const char *wanted)
{
	OWNED(own_memory) char *in = text != NULL ? text_fold(text) : NULL;
	OWNED(own_memory) char *what = text_fold(wanted);

	return in != NULL && what != NULL && strstr(in, what) != NULL;
}

static bool
is_hex(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static bool
is_wanted(const struct pfx_entry *e, const char *wanted)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_memory) char *hash = NULL, *serial = NULL, *subject = NULL;
	struct err ignored;

	if (e->certificate.len == 0 ||
	    !pkix_cert_decode(buf_view(&e->certificate), &cert, &ignored))
		return false;
	hash = hex_encode(view_of(cert.sha1, sizeof cert.sha1), '\0');
	serial = pkix_serial_text(cert.serial);
	subject = pkix_name_text(cert.subject);
	if (is_hex(wanted) &&
	    ((strlen(wanted) >= HASH_LEAST && strncasecmp(hash, wanted, strlen(wanted)) == 0) ||
		(serial != NULL && strcasecmp(serial, wanted) == 0)))
		return true;
	return holds(subject, wanted);
}

static bool
take(struct pfx_content *from, const char *wanted, struct pfx_content *out, struct err *err)
{
	for (size_t i = 0; i < from->key_count; i++)
		if (is_wanted(&from->keys[i], wanted)) {
			if (out->key_count > 0)
				return err_set(err, TYPE_E_AMBIGUOUSNAME,
				    "more than one key here is '%s'; the SHA-1 of the certificate, "
				    "or its first %d digits, names one",
				    wanted, HASH_LEAST);
			pfx_merge(out, from);
			return true;
		}
	return true;
}

bool
key_folder_export(
    const struct cli_options *o, const char *wanted, struct pfx_content *out, struct err *err)
{
	OWNED(key_passwords_free) struct key_passwords passwords = {0};
	OWNED(own_memory) char *path = folder_of(o, err);
	OWNED(own_folder) DIR *folder = path != NULL ? opendir(path) : NULL;
	const struct dirent *entry;

	if (path == NULL || !key_passwords_read(&o->password_files, &passwords, err))
		return false;
	if (folder == NULL)
		return err_errno(err, errno == ENOENT ? CRYPT_E_NOT_FOUND : DIRCA_E_IO, "%s", path);
	while (errno = 0, (entry = readdir(folder)) != NULL) {
		OWNED(pfx_content_free) struct pfx_content c = {0};
		OWNED(own_memory) char *file = text_printf("%s/%s", path, entry->d_name);
		size_t len = strlen(entry->d_name);

		if (len <= strlen(SUFFIX) ||
		    strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		if (!key_input_read(file, &passwords, &c, err) || !take(&c, wanted, out, err))
			return false;
	}
	return out->key_count > 0 ||
	       err_set(err, CRYPT_E_NOT_FOUND, "%s has no key '%s'", path, wanted);
}
