/* A CA is made of its copy. */
#include "backup_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "cms.h"
#include "file.h"
#include "given.h"
#include "init.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkix.h"
#include "plain.h"
#include "service_key.h"
#include "text.h"

#define DISCARDS         100
#define DISCARD_PAUSE_US 50000

struct restoring {
	const char *folder;
	const struct backup *from;
	const struct backup_target *to;
	char *part;           /* the state folder until it is whole */
	struct config config; /* that of `to`, with `part` for a state folder; borrowed */
	size_t recipient;     /* which one of the copy has the key */
	int lock;
};

static void
restoring_free(struct restoring *r)
{
	if (r->part != NULL)
		backup_discard(r->part);
	free(r->part);
	own_fd(&r->lock);
}

/* "state/vault/ca.key" of the copy in the folder that is being made; NULL: it lies elsewhere. */
static char *
target_path(const struct restoring *r, const struct backup_item *item)
{
	size_t len = strlen(BACKUP_STATE);

	return strncmp(item->path, BACKUP_STATE, len) == 0
		   ? text_printf("%s/%s", r->part, item->path + len)
		   : NULL;
}

/* ---- before anything is written ---- */

static bool
check_ca(const struct restoring *r, struct err *err)
{
	return strcmp(r->from->ca_name, r->to->config->ca_name) == 0 ||
	       err_set(err, DIRCA_E_CONFIG, "the copy is of CA '%s', dircad.conf says '%s'",
		   r->from->ca_name, r->to->config->ca_name);
}

/* An empty folder may be there, as a package makes it. Asked with the lock: another's copy may have
 * got its name just before. */
static bool
check_place(const struct restoring *r, struct err *err)
{
	const char *state = r->to->config->state_dir;
	OWNED(texts_free) struct texts names = {0};
	struct err ignored;

	if (!backup_names(AT_FDCWD, state, &names, &ignored) || names.count == 0)
		return true;
	return err_set(err, ERROR_FILE_EXISTS,
	    "%s is not empty: nothing is restored over what is there", state);
}

/* Which of the recipients of the copy has the key. */
static bool
find_recipient(struct restoring *r, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("%s/" BACKUP_RECIPIENTS, r->folder);
	OWNED(pem_certs_free) struct pem_certs file = {0};
	bool found = false;

	if (!given_certificates(path, &file, err))
		return false;
	for (size_t i = 0; i < file.count && !found; i++) {
		OWNED(pkix_cert_free) struct pkix_cert cert = {0};
		OWNED(own_pkey) EVP_PKEY *key = NULL;
		struct err ignored;

		found = pkix_cert_decode(buf_view(&file.list[i]), &cert, &ignored) &&
			pkix_public_key(cert.spki, &key, &ignored) &&
			pkix_same_key(key, r->to->key);
		r->recipient = i;
	}
	return found || err_set(err, DIRCA_E_KEY_MISMATCH,
			    "the key is none of the recipients of the copy (%s)", path);
}

/* Two at once would each discard what the other makes: the folder in which the CA is made is the
 * lock, too. Nobody but root opens it, until it is whole; it gets the CA's name or is discarded, so
 * that nothing stays behind; given up with the process. *fd_out -1: it is gone by now. */
static bool
hold(const char *part, int *fd_out, struct err *err)
{
	OWNED(own_fd) int fd = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat held, there;

	*fd_out = -1;
	if (fd == -1)
		return errno == ENOENT || err_errno(err, DIRCA_E_IO, "%s", part);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(err, DIRCA_E_CHANGED, "another copy is being restored in %s", part);
	if (fstat(fd, &held) != 0 || lstat(part, &there) != 0 || held.st_dev != there.st_dev ||
	    held.st_ino != there.st_ino)
		return true;
	*fd_out = fd;
	fd = -1;
	return true;
}

static bool
begin(struct restoring *r, struct err *err)
{
	OWNED(own_memory) char *part = backup_beside(r->to->config->state_dir, ".restoring");

	/* Of a run that did not come to its end. What that had check the database may still be
	 * about it, and put a file there while the others are removed. */
	for (int i = 0; i < DISCARDS; i++) {
		OWNED(own_fd) int fd = -1;
		bool made = mkdir(part, 0700) == 0;

		if (!made && errno != EEXIST)
			return err_errno(err, DIRCA_E_IO, "%s: cannot be made", part);
		if (!hold(part, &fd, err))
			return false;
		if (fd != -1 && made) {
			r->lock = fd;
			fd = -1;
			r->part = own_give(&part);
			return true;
		}
		if (fd != -1)
			backup_discard(part);
		usleep(i > 0 ? DISCARD_PAUSE_US : 0);
	}
	return err_set(err, DIRCA_E_IO, "%s: cannot be discarded", part);
}

/* ---- files ---- */

static bool
restore_plain(const char *from, const struct backup_item *item, const char *to, struct err *err)
{
	OWNED(own_fd) int fd = -1;
	uint8_t sha256[32];
	int64_t size;

	return file_open(from, &fd, err) && backup_copy(fd, from, to, &size, sha256, err) &&
	       backup_item_is(item, size, sha256, from, err);
}

static bool
unseal(const struct restoring *r, const char *from, const struct backup_item *item,
    struct secret *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(cms_enveloped_free) struct cms_enveloped message = {0};
	uint8_t sha256[32];

	/* What is looked at is what is opened: a file that is read twice may be two. */
	if (!file_read(from, 2 * BACKUP_SECRET_MAX, &der, err))
		return false;
	SHA256(der.ptr, der.len, sha256);
	return backup_item_is(item, (int64_t)der.len, sha256, from, err) &&
	       cms_enveloped_decode(buf_view(&der), &message, err) &&
	       cms_enveloped_open(&message, r->recipient, r->to->key, out, err);
}

static bool
restore_sealed(const struct restoring *r, const char *from, const struct backup_item *item,
    const char *to, struct err *err)
{
	OWNED(secret_free) struct secret secret = {0};

	return unseal(r, from, item, &secret, err) &&
	       file_create(to, secret_view(&secret), 0600, err);
}

static bool
restore_item(const struct restoring *r, const struct backup_item *item, struct err *err)
{
	OWNED(own_memory) char *from = backup_item_path(r->folder, item);
	OWNED(own_memory) char *to = target_path(r, item);

	if (to == NULL)
		return true;
	if (backup_item_is_folder(item))
		return mkdir(to, 0700) == 0 || errno == EEXIST ||
		       err_errno(err, DIRCA_E_IO, "%s", to);
	return item->sealed ? restore_sealed(r, from, item, to, err)
			    : restore_plain(from, item, to, err);
}

/* In the order of the list: a folder comes before what is in it. */
static bool
restore_items(const struct restoring *r, struct err *err)
{
	for (size_t i = 0; i < r->from->count; i++)
		if (!restore_item(r, &r->from->items[i], err))
			return false;
	return true;
}

/* Where dircad.conf says that it is: made, or the same. */
static bool
restore_passphrase(const struct restoring *r, struct secret *out, struct err *err)
{
	const struct backup_item *item = backup_find(r->from, BACKUP_PASSPHRASE);
	const char *file = r->to->config->passphrase_file;
	OWNED(own_memory) char *from = NULL;

	if (item == NULL)
		return true;
	if (file == NULL)
		return err_set(err, DIRCA_E_CONFIG,
		    "the CA key has a passphrase: passphrase_file in dircad.conf names the file "
		    "for it");
	if (access(file, F_OK) != 0) {
		from = backup_item_path(r->folder, item);
		if (!restore_sealed(r, from, item, file, err))
			return false;
	}
	return secret_read_file(file, out, err);
}

/* ---- what was made of it ---- */

static bool
check_key(const struct restoring *r, EVP_PKEY *key, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *certified = NULL;

	if (!pkix_public_key(r->from->ca.spki, &certified, err))
		return false;
	return pkix_same_key(certified, key) ||
	       err_set(err, DIRCA_E_KEY_MISMATCH, "the CA key is not that of the CA certificate");
}

static bool
is_for_host(const struct pkix_cert *cert, const char *host)
{
	const uint8_t *p = cert->raw.ptr;
	OWNED(own_x509) X509 *x = d2i_X509(NULL, &p, (long)cert->raw.len);

	return x != NULL &&
	       (X509_check_host(x, host, 0, 0, NULL) == 1 || X509_check_ip_asc(x, host, 0) == 1);
}

/* On another host the service has another name, and a certificate for it. */
static bool
check_service(const struct restoring *r, EVP_PKEY *key, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert tls = {0};

	if (service_certificate_read(&r->config, &tls, err) && is_for_host(&tls, r->config.host))
		return true;
	return ca_init_tls(&r->config, key, r->to->now, err);
}

static bool
check_keys(const struct restoring *r, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(&r->config, "vault");
	OWNED(secret_free) struct secret passphrase = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return restore_passphrase(r, &passphrase, err) &&
	       backup_ca_key(
		   folder, &r->from->ca, passphrase.len > 0 ? &passphrase : NULL, &key, err) &&
	       check_key(r, key, err) && check_service(r, key, err);
}

/* ---- whose it is ---- */

/* Synced with owner and mode; a folder with the names in it, too. */
static bool
give_item(
    const struct backup_item *item, const char *path, const struct owner owners[3], struct err *err)
{
	OWNED(own_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return (fd != -1 && fchown(fd, owners[item->user].uid, owners[item->group].gid) == 0 &&
		   fchmod(fd, item->mode) == 0 && fsync(fd) == 0) ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot be given to its user", path);
}

/* The last first: a folder is given away after what is in it. */
static bool
give_away(const struct restoring *r, struct err *err)
{
	struct owner owners[3];

	if (!backup_owners(r->to->config, owners, err))
		return false;
	for (size_t i = r->from->count; i-- > 0;) {
		OWNED(own_memory) char *path = target_path(r, &r->from->items[i]);

		if (path != NULL && !give_item(&r->from->items[i], path, owners, err))
			return false;
	}
	return true;
}

static bool
check_database(const struct restoring *r, struct err *err)
{
	OWNED(own_memory) char *path = config_path(&r->config, "dirca.db");

	return r->to->check_database(r->to->arg, path, err);
}

static bool
give_name(struct restoring *r, struct err *err)
{
	const char *state = r->to->config->state_dir;

	if (!file_sync_folder(r->part, err))
		return false;
	if (rename(r->part, state) != 0)
		return err_errno(err, DIRCA_E_IO, "%s: cannot be given its name", state);
	free(r->part);
	r->part = NULL;
	return file_sync_parent(state, err);
}

bool
backup_restore(
    const char *folder, const struct backup *b, const struct backup_target *to, struct err *err)
{
	OWNED(restoring_free)
	struct restoring r = {
	    .folder = folder, .from = b, .to = to, .config = *to->config, .lock = -1};

	if (!check_ca(&r, err) || !config_check_users(to->config, err) ||
	    !find_recipient(&r, err) || !begin(&r, err) || !check_place(&r, err))
		return false;
	r.config.state_dir = r.part;
	return restore_items(&r, err) && check_keys(&r, err) && give_away(&r, err) &&
	       check_database(&r, err) && give_name(&r, err);
}
