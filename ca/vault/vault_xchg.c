/* The CA exchange keys: each a file and an EVP_PKEY, and a copy of that for every worker. */
#include "vault_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "log.h"
#include "text.h"

#define XCHG_MAX      64 /* a broken front cannot fill the disk */
#define XCHG_BITS_MIN 2048
#define XCHG_BITS_MAX 4096
#define PREFIX        "xchg-"
#define SUFFIX        ".key"
#define HEX_LEN       (2 * VAULT_ID_LEN)

/* SHA-1 of the BIT STRING's octets (RFC 5280 4.2.1.2, method 1). */
static bool
key_id(EVP_PKEY *key, uint8_t id[VAULT_ID_LEN], struct err *err)
{
	X509_PUBKEY *spki = NULL;
	const unsigned char *bits;
	int len;
	bool ok;

	ok = X509_PUBKEY_set(&spki, key) == 1 &&
	     X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, spki) == 1 &&
	     EVP_Q_digest(NULL, "SHA1", NULL, bits, (size_t)len, id, NULL) == 1;
	X509_PUBKEY_free(spki);
	return ok || err_openssl(err, DIRCA_E_CRYPTO, "an exchange key could not be named");
}

static bool
key_path(const struct vault_xchgs *x, const uint8_t id[VAULT_ID_LEN], char path[VAULT_PATH_MAX],
    struct err *err)
{
	char *hex = hex_encode(view_of(id, VAULT_ID_LEN), '\0');
	int n;

	if (hex == NULL)
		return err_nomem(err);
	n = snprintf(path, VAULT_PATH_MAX, "%s/" PREFIX "%s" SUFFIX, x->folder, hex);
	free(hex);
	return (n > 0 && n < VAULT_PATH_MAX) ||
	       err_set(err, DIRCA_E_CONFIG, "the vault's folder has too long a name");
}

static void
xchg_free(struct vault_xchg *k, size_t workers)
{
	for (size_t i = 0; i < workers && k->copies != NULL; i++)
		EVP_PKEY_free(k->copies[i]);
	free(k->copies);
	EVP_PKEY_free(k->key);
}

/* Takes the key over, also when it fails. */
static bool
add(struct vault_xchgs *x, EVP_PKEY *key, const uint8_t id[VAULT_ID_LEN], struct err *err)
{
	struct vault_xchg *grown = NULL, new = {.key = key};

	if ((new.copies = calloc(x->workers + 1, sizeof *new.copies)) == NULL ||
	    (grown = realloc(x->list, (x->count + 1) * sizeof *grown)) == NULL) {
		xchg_free(&new, x->workers);
		return err_nomem(err);
	}
	memcpy(new.id, id, VAULT_ID_LEN);
	x->list = grown;
	x->list[x->count++] = new;
	return true;
}

static struct vault_xchg *
find(struct vault_xchgs *x, struct view id)
{
	for (size_t i = 0; i < x->count; i++)
		if (view_eq(id, view_of(x->list[i].id, VAULT_ID_LEN)))
			return &x->list[i];
	return NULL;
}

/* ---- loading ---- */

static bool
is_key_name(const char *name)
{
	return strlen(name) == strlen(PREFIX) + HEX_LEN + strlen(SUFFIX) &&
	       strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
	       strspn(name + strlen(PREFIX), "0123456789abcdef") == HEX_LEN &&
	       strcmp(name + strlen(PREFIX) + HEX_LEN, SUFFIX) == 0;
}

/* What file_create leaves behind when the machine stops in its middle: a key that nobody was told
 * of. */
static bool
is_leftover(const char *name)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && strstr(name, SUFFIX ".new-") != NULL;
}

static bool
load(struct vault_xchgs *x, const char *name, struct err *err)
{
	char path[VAULT_PATH_MAX], expected[VAULT_PATH_MAX];
	uint8_t id[VAULT_ID_LEN];
	EVP_PKEY *key = NULL;
	int n = snprintf(path, sizeof path, "%s/%s", x->folder, name);

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(err, DIRCA_E_CONFIG, "the vault's folder has too long a name");
	if (!vault_key_read(path, x->passphrase, &key, err))
		return false;
	if (!key_id(key, id, err) || !key_path(x, id, expected, err)) {
		EVP_PKEY_free(key);
		return false;
	}
	if (strcmp(path, expected) != 0) {
		EVP_PKEY_free(key);
		return err_set(
		    err, DIRCA_E_CONFIG, "%s: the exchange key in it has another name", path);
	}
	return add(x, key, id, err);
}

static bool
load_all(struct vault_xchgs *x, struct err *err)
{
	DIR *folder = opendir(x->folder);
	struct dirent *entry;
	struct err reason;

	if (folder == NULL)
		return err_errno(err, DIRCA_E_IO, "%s: cannot read the vault's folder", x->folder);
	while ((entry = readdir(folder)) != NULL) {
		if (is_leftover(entry->d_name))
			unlinkat(dirfd(folder), entry->d_name, 0);
		else if (is_key_name(entry->d_name) && !load(x, entry->d_name, &reason))
			log_error("exchange key not loaded", LOG_STR("file", entry->d_name),
			    LOG_REASON(&reason));
	}
	closedir(folder);
	return true;
}

bool
vault_xchgs_open(struct vault_xchgs *x, const char *folder, const struct secret *passphrase,
    size_t workers, struct err *err)
{
	*x = (struct vault_xchgs){.folder = folder, .passphrase = passphrase, .workers = workers};
	pthread_mutex_init(&x->lock, NULL);
	return load_all(x, err);
}

void
vault_xchgs_close(struct vault_xchgs *x)
{
	for (size_t i = 0; i < x->count; i++)
		xchg_free(&x->list[i], x->workers);
	free(x->list);
	x->list = NULL;
	x->count = 0;
}

/* ---- requests ---- */

static EVP_PKEY *
generate(int rsa_bits, struct err *err)
{
	EVP_PKEY *key;

	if (rsa_bits != 0 &&
	    (rsa_bits < XCHG_BITS_MIN || rsa_bits > XCHG_BITS_MAX || rsa_bits % 8 != 0)) {
		err_set(err, E_INVALIDARG,
		    "an exchange key of %d bits; RSA with %d to %d bits or P-256 (0) is possible",
		    rsa_bits, XCHG_BITS_MIN, XCHG_BITS_MAX);
		return NULL;
	}
	key = rsa_bits != 0 ? EVP_RSA_gen((unsigned)rsa_bits) : EVP_EC_gen("P-256");
	if (key == NULL)
		err_openssl(err, DIRCA_E_CRYPTO, "the exchange key could not be made");
	return key;
}

/* Stored before anybody learns of it: a certificate for a key that a crash took away would make
 * clients fail for a week. */
static bool
store(struct vault_xchgs *x, EVP_PKEY *key, const uint8_t id[VAULT_ID_LEN], struct err *err)
{
	char path[VAULT_PATH_MAX];
	bool ok = false;

	pthread_mutex_lock(&x->lock);
	if (x->count >= XCHG_MAX) {
		err_set(err, DIRCA_E_TOO_LARGE,
		    "the vault holds %d exchange keys already; forget those that have expired",
		    XCHG_MAX);
		goto out;
	}
	if (!key_path(x, id, path, err) || !vault_key_write(path, key, x->passphrase, err))
		goto out;
	if (EVP_PKEY_up_ref(key) != 1) {
		err_nomem(err);
		goto out;
	}
	ok = add(x, key, id, err);
out:
	pthread_mutex_unlock(&x->lock);
	return ok;
}

bool
vault_xchgs_create(struct vault_xchgs *x, int rsa_bits, struct buf *spki_out,
    uint8_t id_out[VAULT_ID_LEN], struct err *err)
{
	EVP_PKEY *key = generate(rsa_bits, err);
	bool ok;

	*spki_out = (struct buf){0};
	ok = key != NULL && key_id(key, id_out, err) && store(x, key, id_out, err) &&
	     pkix_key_spki(key, spki_out, err);
	EVP_PKEY_free(key);
	return ok;
}

static bool
remove_file(const char *folder, const char *path, struct err *err)
{
	bool ok = true;
	int fd;

	if (unlink(path) != 0 && errno != ENOENT)
		return err_errno(err, DIRCA_E_IO, "%s: cannot remove the exchange key", path);
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || fsync(fd) != 0)
		ok = err_errno(err, DIRCA_E_IO, "%s: cannot fsync", folder);
	if (fd != -1)
		close(fd);
	return ok;
}

bool
vault_xchgs_forget(struct vault_xchgs *x, struct view id, struct err *err)
{
	char path[VAULT_PATH_MAX];
	struct vault_xchg *k;
	bool ok = false;

	pthread_mutex_lock(&x->lock);
	if ((k = find(x, id)) == NULL) {
		err_set(
		    err, CRYPT_E_NOT_FOUND, "the vault has no exchange key of that name to forget");
		goto out;
	}
	if (!key_path(x, k->id, path, err) || !remove_file(x->folder, path, err))
		goto out;
	xchg_free(k, x->workers);
	*k = x->list[--x->count];
	ok = true;
out:
	pthread_mutex_unlock(&x->lock);
	return ok;
}

bool
vault_xchgs_get(
    struct vault_xchgs *x, struct view id, size_t worker, EVP_PKEY **out, struct err *err)
{
	struct vault_xchg *k;
	bool ok = false;

	*out = NULL;
	pthread_mutex_lock(&x->lock);
	if ((k = find(x, id)) == NULL) {
		err_set(err, DIRCA_E_XCHG_CERT,
		    "the vault has no such exchange key; it was forgotten or belongs to another "
		    "CA");
		goto out;
	}
	if (k->copies[worker] == NULL && (k->copies[worker] = EVP_PKEY_dup(k->key)) == NULL) {
		err_openssl(err, DIRCA_E_CRYPTO, "the exchange key could not be copied");
		goto out;
	}
	if (EVP_PKEY_up_ref(k->copies[worker]) != 1) {
		err_nomem(err);
		goto out;
	}
	*out = k->copies[worker];
	ok = true;
out:
	pthread_mutex_unlock(&x->lock);
	return ok;
}
