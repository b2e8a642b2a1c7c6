/* The copy is made. */
#include "backup_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "cms.h"
#include "file.h"
#include "given.h"
#include "home_files.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

#define RECIPIENTS_MAX 8
#define RSA_BITS_LEAST 2048

struct recipients {
	struct pem_certs file;
	struct pkix_cert certs[RECIPIENTS_MAX];
	EVP_PKEY *keys[RECIPIENTS_MAX];
	struct cms_kra to[RECIPIENTS_MAX];
};

struct making {
	const struct backup_source *from;
	char *part; /* the folder until it is whole */
	struct recipients recipients;
	struct owner owners[3];
	struct backup *out;
};

static void
recipients_free(struct recipients *r)
{
	for (size_t i = 0; i < r->file.count && i < RECIPIENTS_MAX; i++) {
		pkix_cert_free(&r->certs[i]);
		EVP_PKEY_free(r->keys[i]);
	}
	pem_certs_free(&r->file);
}

static void
making_free(struct making *m)
{
	recipients_free(&m->recipients);
	if (m->part != NULL)
		backup_discard(m->part);
	free(m->part);
}

/* ---- to whom ---- */

static bool
recipient_key(const struct pkix_cert *cert, EVP_PKEY **out, struct err *err)
{
	uint16_t usage = pkix_cert_key_usage(cert);
	bool rsa;

	if (!pkix_public_key(cert->spki, out, err))
		return false;
	rsa = EVP_PKEY_is_a(*out, "RSA") == 1;
	if (!rsa && EVP_PKEY_is_a(*out, "EC") != 1)
		return err_set(err, NTE_BAD_ALGID, "its key is neither RSA nor EC");
	if (rsa && EVP_PKEY_get_bits(*out) < RSA_BITS_LEAST)
		return err_set(
		    err, NTE_BAD_ALGID, "its RSA key has less than %d bits", RSA_BITS_LEAST);
	return (usage & (rsa ? PKIX_KU_KEY_ENCIPHERMENT : PKIX_KU_KEY_AGREEMENT)) != 0 ||
	       err_set(err, CERT_E_WRONG_USAGE, "its key usage has no %s",
		   rsa ? "keyEncipherment" : "keyAgreement");
}

/* An end that has passed does not keep a copy from being made: the key opens it all the same. */
static bool
read_recipients(const struct config *config, struct recipients *r, struct err *err)
{
	const char *path = config->backup_recipients;
	OWNED(buf_free) struct buf text = {0};

	if (path == NULL)
		return err_set(err, DIRCA_E_CONFIG,
		    "backup_recipients in dircad.conf names no file: a copy holds the CA key, and "
		    "is encrypted to the certificates in it");
	if (!file_read_owned(path, PEM_FILE_MAX, &text, err) ||
	    !given_certificates_of(path, buf_view(&text), &r->file, err))
		return err_prefix(err, "backup_recipients");
	if (r->file.count > RECIPIENTS_MAX)
		return err_set(
		    err, DIRCA_E_CONFIG, "%s: more than %d certificates", path, RECIPIENTS_MAX);
	for (size_t i = 0; i < r->file.count; i++) {
		if (!pkix_cert_decode(buf_view(&r->file.list[i]), &r->certs[i], err) ||
		    !recipient_key(&r->certs[i], &r->keys[i], err))
			return err_prefix(err, "%s: certificate %zu", path, i + 1);
		r->to[i] = (struct cms_kra){
		    r->certs[i].issuer, r->certs[i].serial, r->keys[i], .reader = CMS_READER_OAEP};
	}
	return true;
}

static bool
seal(const struct recipients *r, struct view secret, struct buf *out, struct err *err)
{
	return cms_enveloped_seal(secret, r->to, r->file.count, CMS_AES_256_CBC, out, err);
}

/* ---- whose ---- */

static void
note_owner(const struct making *m, const struct stat *st, struct backup_item *out)
{
	const struct owner *front = &m->owners[BACKUP_FRONT], *vault = &m->owners[BACKUP_VAULT];

	out->mode = st->st_mode & 01777;
	if (st->st_uid != 0)
		out->user = st->st_uid == vault->uid && st->st_uid != front->uid ? BACKUP_VAULT
										 : BACKUP_FRONT;
	if (st->st_gid != 0)
		out->group = st->st_gid == vault->gid && st->st_gid != front->gid ? BACKUP_VAULT
										  : BACKUP_FRONT;
}

/* ---- a file ---- */

static bool
has_end(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && strcmp(name + n - e, end) == 0;
}

/* Relative to the state folder. What another run or process made for a moment, and what the copy is
 * better without (backup.h). The database comes as its copy. */
static bool
is_left_out(const char *name)
{
	static const char *const starts[] = {"dirca.db", "dircad.pid", "vault/xchg-",
	    "vault/import-", "trust/backup.lock", "trust/kra-enabled.lock"};

	for (size_t i = 0; i < COUNT_OF(starts); i++)
		if (strncmp(name, starts[i], strlen(starts[i])) == 0 && !has_end(name, ".uri"))
			return true;
	return strstr(name, ".new-") != NULL;
}

/* What lies in the vault's folder is secret unless it is known not to be. */
static bool
is_secret(const char *name)
{
	static const char *const open_ends[] = {"/journal", ".crt"};

	if (strncmp(name, "vault/", 6) != 0)
		return has_end(name, ".key");
	for (size_t i = 0; i < COUNT_OF(open_ends); i++)
		if (has_end(name, open_ends[i]))
			return false;
	return true;
}

static void
tell(const struct making *m, const char *path)
{
	if (m->from->told != NULL)
		m->from->told(m->from->arg, path);
}

static bool
write_item(const struct making *m, struct backup_item *item, struct view bytes, struct err *err)
{
	OWNED(own_memory) char *path = backup_item_path(m->part, item);

	item->size = (int64_t)bytes.len;
	SHA256(bytes.ptr, bytes.len, item->sha256);
	return file_create(path, bytes, 0600, err);
}

static bool
seal_item(struct making *m, struct backup_item *item, struct view secret, struct err *err)
{
	OWNED(buf_free) struct buf sealed = {0};

	item->sealed = true;
	tell(m, item->path);
	return seal(&m->recipients, secret, &sealed, err) &&
	       write_item(m, item, buf_view(&sealed), err);
}

static bool
seal_file(struct making *m, int fd, const char *path, struct backup_item *item, struct err *err)
{
	OWNED(secret_free) struct secret secret = {0};

	return file_read_secret_fd(fd, path, BACKUP_SECRET_MAX, &secret, err) &&
	       seal_item(m, item, secret_view(&secret), err);
}

static bool
copy_file(struct making *m, int fd, const char *path, struct backup_item *item, struct err *err)
{
	OWNED(own_memory) char *to = backup_item_path(m->part, item);

	tell(m, item->path);
	return backup_copy(fd, path, to, &item->size, item->sha256, err);
}

/* ---- the state folder ---- */

/* One file or folder of it. What it is, whose, and what is in it are read from one descriptor: the
 * names are in the hands of the front, which may put something else in their place meanwhile. */
struct found {
	int fd;
	struct stat st;
};

static void
found_free(struct found *f)
{
	own_fd(&f->fd);
}

/* fd -1: it is gone by now, and was not needed; or it is a socket, of which nothing is kept. */
static bool
look(int folder, const char *name, const char *path, struct found *out, struct err *err)
{
	out->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (out->fd == -1)
		return errno == ENOENT || errno == ENXIO || err_errno(err, DIRCA_E_IO, "%s", path);
	return fstat(out->fd, &out->st) == 0 || err_errno(err, DIRCA_E_IO, "%s", path);
}

static struct backup_item *
note(struct making *m, const struct found *f, const char *as)
{
	struct backup_item *item = backup_add(m->out);

	item->path = text_printf(BACKUP_STATE "%s", as);
	note_owner(m, &f->st, item);
	return item;
}

static bool
take_file(
    struct making *m, const struct found *f, const char *path, const char *as, struct err *err)
{
	struct backup_item *item;

	if (!S_ISREG(f->st.st_mode))
		return err_set(err, DIRCA_E_IO, "%s: is no file", path);
	item = note(m, f, as);
	return is_secret(as) ? seal_file(m, f->fd, path, item, err)
			     : copy_file(m, f->fd, path, item, err);
}

static bool take_names(struct making *m, int folder, const char *below, struct err *err);

/* `as` ends in '/', or is empty. */
static bool
take_folder(struct making *m, const struct found *f, const char *as, struct err *err)
{
	OWNED(own_memory) char *to = backup_item_path(m->part, note(m, f, as));

	return (mkdir(to, 0700) == 0 || err_errno(err, DIRCA_E_IO, "%s", to)) &&
	       take_names(m, f->fd, as, err);
}

/* `below`: "" or "vault/". */
static bool
take_name(struct making *m, int folder, const char *below, const char *last, struct err *err)
{
	OWNED(own_memory) char *name = text_printf("%s%s", below, last);
	OWNED(own_memory) char *inside = text_printf("%s/", name);
	OWNED(own_memory) char *path = config_path(m->from->config, name);
	OWNED(found_free) struct found f = {.fd = -1};

	if (is_left_out(name))
		return true;
	if (!look(folder, last, path, &f, err))
		return false;
	if (f.fd == -1)
		return true;
	return *below == '\0' && S_ISDIR(f.st.st_mode) ? take_folder(m, &f, inside, err)
						       : take_file(m, &f, path, name, err);
}

static bool
take_names(struct making *m, int folder, const char *below, struct err *err)
{
	OWNED(texts_free) struct texts names = {0};

	if (!backup_names(folder, ".", &names, err))
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (!take_name(m, folder, below, names.list[i], err))
			return false;
	return true;
}

static bool
take_database(struct making *m, int folder, struct err *err)
{
	OWNED(own_memory) char *path = config_path(m->from->config, BACKUP_DATABASE);
	OWNED(found_free) struct found f = {.fd = -1};

	return look(folder, BACKUP_DATABASE, path, &f, err) &&
	       (f.fd == -1 || take_file(m, &f, path, "dirca.db", err));
}

static bool
take_state(struct making *m, struct err *err)
{
	const char *path = m->from->config->state_dir;
	OWNED(found_free)
	struct found f = {.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

	if (f.fd == -1 || fstat(f.fd, &f.st) != 0)
		return err_errno(err, DIRCA_E_IO, "%s", path);
	/* It was copied first: what is read here is no older, and knows of all that is in it. */
	return take_folder(m, &f, "", err) && take_database(m, f.fd, err);
}

/* ---- beside it ---- */

static bool
take_beside(struct making *m, const char *name, struct view bytes, struct err *err)
{
	struct backup_item *item = backup_add(m->out);

	item->path = mem_text(name);
	item->mode = 0644;
	tell(m, name);
	return write_item(m, item, bytes, err);
}

static bool
take_recipients(struct making *m, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	for (size_t i = 0; i < m->recipients.file.count; i++)
		if (!pem_append(&text, "CERTIFICATE", buf_view(&m->recipients.file.list[i]), err))
			return false;
	return take_beside(m, BACKUP_RECIPIENTS, buf_view(&text), err);
}

static bool
take_configuration(struct making *m, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	return file_read(m->from->config_file, PEM_FILE_MAX, &text, err) &&
	       take_beside(m, BACKUP_CONFIG, buf_view(&text), err);
}

static bool
take_passphrase(struct making *m, struct err *err)
{
	const char *file = m->from->config->passphrase_file;
	OWNED(secret_free) struct secret secret = {0};
	struct backup_item *item;

	if (file == NULL)
		return true;
	item = backup_add(m->out);
	item->path = mem_text(BACKUP_PASSPHRASE);
	item->mode = 0600;
	return file_read_secret(file, BACKUP_SECRET_MAX, &secret, err) &&
	       seal_item(m, item, secret_view(&secret), err);
}

/* ---- the list, signed ---- */

static bool
write_manifest(struct making *m, EVP_PKEY *key, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("%s/" BACKUP_MANIFEST, m->part);
	OWNED(buf_free) struct buf text = {0}, message = {0};
	const struct cms_cosigner by = {.key = key, .certificate = buf_view(&m->out->ca.raw)};

	return manifest_encode(m->out, &text, err) &&
	       cms_sign_content(
		   &by, oid_dotted(OID_CA_BACKUP), buf_view(&text), m->out->made, &message, err) &&
	       file_create(path, buf_view(&message), 0600, err);
}

/* A copy without one of these would be none. */
static bool
check_complete(const struct backup *b, struct err *err)
{
	static const char *const needed[] = {
	    "state/ca.crt", "state/dirca.db", BACKUP_CA_KEY, "state/vault/journal"};

	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (backup_find(b, needed[i]) == NULL)
			return err_set(err, DIRCA_E_BACKUP, "%s is not there", needed[i]);
	return true;
}

static bool
fill(struct making *m, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return home_open_ca_key(m->from->config, &m->out->ca, &key, err) && take_state(m, err) &&
	       take_recipients(m, err) && take_configuration(m, err) && take_passphrase(m, err) &&
	       check_complete(m->out, err) && write_manifest(m, key, err);
}

/* As somebody reads it who has nothing else. */
static bool
verify(const struct making *m, struct err *err)
{
	OWNED(backup_free) struct backup again = {0};

	return backup_read(m->part, &again, err) && backup_check(m->part, &again, err);
}

/* ---- all of it ---- */

static bool
sync_folders(const struct making *m, struct err *err)
{
	for (size_t i = 0; i < m->out->count; i++) {
		const struct backup_item *item = &m->out->items[i];
		OWNED(own_memory) char *path = backup_item_path(m->part, item);

		if (backup_item_is_folder(item) && !file_sync_folder(path, err))
			return false;
	}
	return file_sync_folder(m->part, err);
}

static bool
give_name(struct making *m, const char *folder, struct err *err)
{
	if (access(folder, F_OK) == 0)
		return err_set(err, ERROR_FILE_EXISTS, "%s exists", folder);
	if (rename(m->part, folder) != 0)
		return err_errno(err, DIRCA_E_IO, "%s: cannot be given its name", folder);
	free(m->part);
	m->part = NULL;
	return file_sync_parent(folder, err);
}

static bool
begin(struct making *m, const char *folder, struct err *err)
{
	char *part;

	if (access(folder, F_OK) == 0)
		return err_set(err, ERROR_FILE_EXISTS, "%s exists", folder);
	part = backup_beside(folder, ".part");
	if (mkdir(part, 0700) != 0) {
		err_errno(err, errno == EEXIST ? ERROR_FILE_EXISTS : DIRCA_E_IO,
		    "%s: cannot be made%s", part,
		    errno == EEXIST ? "; a run that did not come to its end left it: remove it"
				    : "");
		free(part);
		return false;
	}
	m->part = part;
	return true;
}

bool
backup_make(const struct backup_source *from, const char *folder, int64_t now, struct backup *out,
    struct err *err)
{
	const struct config *config = from->config;
	OWNED(making_free) struct making m = {.from = from, .out = out};

	*out = (struct backup){
	    .ca_name = mem_text(config->ca_name), .version = mem_text(DIRCA_VERSION), .made = now};
	return oids_init(err) && backup_owners(config, m.owners, err) &&
	       read_recipients(config, &m.recipients, err) &&
	       home_first_certificate(config, "ca.crt", &out->ca, err) && begin(&m, folder, err) &&
	       fill(&m, err) && verify(&m, err) && sync_folders(&m, err) &&
	       give_name(&m, folder, err);
}
