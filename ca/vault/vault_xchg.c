/* The keys that clients encrypt private keys to, of one kind (exchange or import): each a file, an
 * EVP_PKEY with a copy for every worker, and its certificate, by which the vault knows how long it
 * lives. */
#include "vault_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "clock.h"
#include "extension.h"
#include "file.h"
#include "key_uri.h"
#include "log.h"
#include "mem.h"
#include "own_openssl.h"
#include "text.h"

#define KEY_SUFFIX    ".key"
#define URI_SUFFIX    ".uri" /* in place of a key that a token keeps */
#define CERT_SUFFIX   ".crt"
#define OPENED_SUFFIX ".opened"
#define HEX_LEN       (2 * VAULT_ID_LEN)
#define CERT_MAX      16384
#define KEEP_S        600 /* after its certificate's end: a request that is on its way */

static bool
key_id(EVP_PKEY *key, uint8_t id[VAULT_ID_LEN], struct err *err)
{
	OWNED(buf_free) struct buf spki = {0};

	return (pkix_key_spki(key, &spki, err) && ext_key_id(buf_view(&spki), id, err)) ||
	       err_prefix(err, "naming an exchange key");
}

static bool
file_path(const struct vault_xchgs *x, const uint8_t id[VAULT_ID_LEN], const char *suffix,
    char path[KEY_PATH_MAX], struct err *err)
{
	OWNED(own_memory) char *hex = hex_encode(view_of(id, VAULT_ID_LEN), '\0');
	int n = snprintf(path, KEY_PATH_MAX, "%s/%s%s%s", x->folder, x->kind->prefix, hex, suffix);

	return (n > 0 && n < KEY_PATH_MAX) ||
	       err_set(err, DIRCA_E_CONFIG, "the vault's folder has too long a name");
}

static void
xchg_free(struct vault_xchg *k, size_t workers)
{
	for (size_t i = 0; i < workers && k->copies != NULL; i++)
		EVP_PKEY_free(k->copies[i]);
	free(k->copies);
	EVP_PKEY_free(k->key);
	buf_free(&k->certificate);
	vault_opened_close(&k->opened);
}

/* One that is in no list yet, and has no copies. */
static void
new_xchg_free(struct vault_xchg *k)
{
	xchg_free(k, 0);
}

/* Takes what is in `new` over. */
static void
add_xchg(struct vault_xchgs *x, struct vault_xchg *new)
{
	new->copies = mem_zero(x->workers, sizeof *new->copies);
	x->list = mem_grow(x->list, x->count, sizeof *x->list);
	x->list[x->count++] = *new;
	*new = (struct vault_xchg){.opened.fd = -1};
}

static struct vault_xchg *
find(struct vault_xchgs *x, struct view id)
{
	for (size_t i = 0; i < x->count; i++)
		if (view_eq(id, view_of(x->list[i].id, VAULT_ID_LEN)))
			return &x->list[i];
	return NULL;
}

static bool
is_used_up(const struct vault_xchgs *x, const struct vault_xchg *k)
{
	return k->opened.failures >= x->failures_max || k->opened.count >= VAULT_OPENED_MAX;
}

struct vault_time
vault_time(void)
{
	return (struct vault_time){.now = clock_now(), .boot_ms = clock_boot_ms()};
}

/* ---- loading ---- */

/* The clock of now says how long it is to live; the boot clock, when that is over. One that is to
 * live longer than any can was made by a clock that was behind. */
static void
set_lived(struct vault_xchg *k, struct vault_time t)
{
	int64_t left = k->not_after - t.now;

	if (left < 0)
		left = 0;
	if (left > VAULT_XCHG_LIFE_MAX)
		left = VAULT_XCHG_LIFE_MAX;
	k->lived_ms = t.boot_ms + left * 1000;
}

static bool
has_ended(const struct vault_xchg *k, struct vault_time t)
{
	return k->not_after + KEEP_S < t.now && k->lived_ms + KEEP_S * INT64_C(1000) < t.boot_ms;
}

/* "xchg-<id>" and the suffix. */
static bool
is_name(const struct vault_xchgs *x, const char *name, const char *suffix)
{
	const char *prefix = x->kind->prefix;

	return strlen(name) == strlen(prefix) + HEX_LEN + strlen(suffix) &&
	       strncmp(name, prefix, strlen(prefix)) == 0 &&
	       strspn(name + strlen(prefix), "0123456789abcdef") == HEX_LEN &&
	       strcmp(name + strlen(prefix) + HEX_LEN, suffix) == 0;
}

static bool
is_key_name(const struct vault_xchgs *x, const char *name)
{
	return is_name(x, name, KEY_SUFFIX) || is_name(x, name, URI_SUFFIX);
}

/* Is there no file of that name but for its suffix? */
static bool
lacks(const struct vault_xchgs *x, int folder, const char *name, const char *suffix)
{
	size_t stem = strlen(x->kind->prefix) + HEX_LEN;
	OWNED(own_memory) char *other = text_printf("%.*s%s", (int)stem, name, suffix);

	return faccessat(folder, other, F_OK, 0) != 0 && errno == ENOENT;
}

/* What a machine that stops in the middle leaves behind, of a key that nobody was told of: half a
 * file, or what goes with a key without it. */
static bool
is_leftover(const struct vault_xchgs *x, int folder, const char *name)
{
	static const char *const suffixes[] = {KEY_SUFFIX, URI_SUFFIX, CERT_SUFFIX};
	const char *prefix = x->kind->prefix;

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		const char *at = strstr(name, suffixes[i]);

		if (strncmp(name, prefix, strlen(prefix)) == 0 && at != NULL &&
		    strncmp(at + strlen(suffixes[i]), ".new-", 5) == 0)
			return true;
	}
	return (is_name(x, name, CERT_SUFFIX) || is_name(x, name, OPENED_SUFFIX)) &&
	       lacks(x, folder, name, KEY_SUFFIX) && lacks(x, folder, name, URI_SUFFIX);
}

/* The certificate beside a key; a key of a version that kept none ends when the longest one that it
 * can have does. */
static bool
load_certificate(
    const struct vault_xchgs *x, const char *key_path, struct vault_xchg *k, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	char path[KEY_PATH_MAX];
	struct stat st;

	if (!file_path(x, k->id, CERT_SUFFIX, path, err))
		return false;
	if (!file_read(path, CERT_MAX, &k->certificate, err)) {
		if (err->code != ERROR_FILE_NOT_FOUND)
			return false;
		if (stat(key_path, &st) != 0)
			return err_errno(err, DIRCA_E_IO, "%s: cannot stat", key_path);
		k->not_after = (int64_t)st.st_mtime + VAULT_XCHG_LIFE_MAX;
		return true;
	}
	if (!pkix_cert_decode(buf_view(&k->certificate), &cert, err))
		return err_prefix(err, "%s", path);
	k->not_after = cert.not_after;
	return true;
}

/* What the key opened. One with too many failures is retired again. So is one of which nobody
 * knows, as of a version that did not write it down: purged, it is no key that lies about for ever.
 */
static bool
load_opened(const struct vault_xchgs *x, struct vault_xchg *k, struct err *err)
{
	char path[KEY_PATH_MAX];

	if (!file_path(x, k->id, OPENED_SUFFIX, path, err))
		return false;
	if (vault_opened_load(&k->opened, path, view_of(k->id, VAULT_ID_LEN), err)) {
		k->is_retired = is_used_up(x, k);
		return true;
	}
	if (err->code != ERROR_FILE_NOT_FOUND)
		return false;
	log_warn("exchange key retired", LOG_REASON(err));
	k->is_retired = true;
	return true;
}

static bool
load(struct vault_xchgs *x, const char *name, struct vault_time t, struct err *err)
{
	char path[KEY_PATH_MAX], expected[KEY_PATH_MAX];
	OWNED(new_xchg_free) struct vault_xchg k = {.opened.fd = -1};
	int n = snprintf(path, sizeof path, "%s/%s", x->folder, name);

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(err, DIRCA_E_CONFIG, "the vault's folder has too long a name");
	if (!key_file_read(path, x->passphrase, &k.key, err))
		return false;
	if (!key_id(k.key, k.id, err) || !file_path(x, k.id, strrchr(name, '.'), expected, err))
		return false;
	if (strcmp(path, expected) != 0)
		return err_set(
		    err, DIRCA_E_CONFIG, "%s: the exchange key in it has another name", path);
	if (!load_certificate(x, path, &k, err) || !load_opened(x, &k, err))
		return false;
	set_lived(&k, t);
	add_xchg(x, &k);
	return true;
}

static bool
load_all(struct vault_xchgs *x, struct vault_time t, struct err *err)
{
	DIR *folder = opendir(x->folder);
	struct dirent *entry;
	struct err reason;

	if (folder == NULL)
		return err_errno(err, DIRCA_E_IO, "%s: cannot read the vault's folder", x->folder);
	while ((entry = readdir(folder)) != NULL) {
		if (is_leftover(x, dirfd(folder), entry->d_name))
			unlinkat(dirfd(folder), entry->d_name, 0);
		else if (is_key_name(x, entry->d_name) && !load(x, entry->d_name, t, &reason))
			log_error("exchange key not loaded", LOG_STR("file", entry->d_name),
			    LOG_REASON(&reason));
	}
	closedir(folder);
	return true;
}

bool
vault_xchgs_open(struct vault_xchgs *x, const struct vault_xchg_kind *kind, const char *folder,
    const struct secret *passphrase, size_t workers, uint32_t failures_max, struct vault_time t,
    struct err *err)
{
	*x = (struct vault_xchgs){.kind = kind,
	    .folder = folder,
	    .passphrase = passphrase,
	    .workers = workers,
	    .failures_max = failures_max};
	pthread_mutex_init(&x->lock, NULL);
	return load_all(x, t, err);
}

void
vault_xchgs_close(struct vault_xchgs *x)
{
	for (size_t i = 0; i < x->count; i++)
		xchg_free(&x->list[i], x->workers);
	free(x->list);
	EVP_PKEY_free(x->token.key);
	x->token = (struct vault_xchg_token){0};
	x->list = NULL;
	x->count = 0;
}

/* ---- requests ---- */

static const char *
curve_of(int bits)
{
	return bits == 256 ? "P-256" : bits == 384 ? "P-384" : bits == 521 ? "P-521" : NULL;
}

EVP_PKEY *
vault_xchg_generate(int bits, struct err *err)
{
	const char *curve = curve_of(bits);
	EVP_PKEY *key;

	if (curve == NULL &&
	    (bits < VAULT_XCHG_BITS_MIN || bits > VAULT_XCHG_BITS_MAX || bits % 8 != 0)) {
		err_set(err, E_INVALIDARG,
		    "an exchange key of %d bits; RSA with %d to %d bits, P-256, P-384 and P-521 "
		    "are possible",
		    bits, VAULT_XCHG_BITS_MIN, VAULT_XCHG_BITS_MAX);
		return NULL;
	}
	key = curve == NULL ? EVP_RSA_gen((unsigned)bits) : EVP_EC_gen(curve);
	if (key == NULL)
		err_openssl(err, NTE_PROVIDER_DLL_FAIL, "the exchange key could not be made");
	return key;
}

static bool
refuse_retired(struct err *err)
{
	return err_set(err, DIRCA_E_XCHG_CERT,
	    "this exchange key is retired; fetch the current exchange certificate");
}

/* ---- a token's key ---- */

/* Files of a key that was used before and could not be loaded: what it opened is not known. */
static bool
check_unknown(struct vault_xchgs *x, const uint8_t id[VAULT_ID_LEN], struct err *err)
{
	char path[KEY_PATH_MAX];

	if (find(x, view_of(id, VAULT_ID_LEN)) != NULL)
		return true;
	return file_path(x, id, URI_SUFFIX, path, err) &&
	       (access(path, F_OK) != 0 ||
		   err_set(err, DIRCA_E_CONFIG,
		       "%s: this key was used before, and the URI there does not find it", path));
}

void
vault_xchgs_name(struct vault_xchgs *x, const char *uri, bool fallback)
{
	struct vault_xchg_token *t = &x->token;
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	*t = (struct vault_xchg_token){.uri = uri, .fallback = fallback};
	if (vault_token_open(uri, x->passphrase, &key, &t->why) && key_id(key, t->id, &t->why) &&
	    check_unknown(x, t->id, &t->why))
		t->key = own_give(&key);
}

/* Under the lock. */
static bool
token_is_usable(struct vault_xchgs *x, struct err *why)
{
	struct vault_xchg_token *t = &x->token;
	const struct vault_xchg *k = t->key != NULL ? find(x, view_of(t->id, sizeof t->id)) : NULL;

	if (t->key == NULL || t->why.code != ERR_OK) {
		*why = t->why;
		return false;
	}
	return k == NULL || !k->is_retired ||
	       err_set(why, DIRCA_E_XCHG_CERT,
		   "the token's key is retired: it opened too much that could not be archived, or "
		   "what it opened is not known, as after dirca restore; make another on the token "
		   "and name that");
}

void
vault_xchgs_provider(struct vault_xchgs *x, struct vault_xchg_provider *out)
{
	*out = (struct vault_xchg_provider){0};
	pthread_mutex_lock(&x->lock);
	out->named = x->token.uri != NULL;
	out->fallback = x->token.fallback;
	out->usable = out->named && token_is_usable(x, &out->why);
	memcpy(out->id, x->token.id, sizeof out->id);
	pthread_mutex_unlock(&x->lock);
}

EVP_PKEY *
vault_xchgs_new_key(struct vault_xchgs *x, int bits, struct err *err)
{
	struct vault_xchg_provider p;

	vault_xchgs_provider(x, &p);
	if (p.usable && vault_xchgs_look(x, view_of(p.id, sizeof p.id), x->token.key, err)) {
		if (EVP_PKEY_up_ref(x->token.key) == 1)
			return x->token.key;
		err_openssl(err, DIRCA_E_CRYPTO, "the token's key could not be lent");
		return NULL;
	}
	if (!p.named || p.fallback)
		return vault_xchg_generate(bits, err);
	vault_xchgs_provider(x, &p); /* what was found just now */
	*err = p.why;
	err_prefix(err, "the exchange key that is configured cannot be used, and there is to be no "
			"other (exchange_key_fallback)");
	return NULL;
}

bool
vault_xchgs_on_token(const struct vault_xchgs *x)
{
	bool any = x->token.key != NULL;

	for (size_t i = 0; i < x->count; i++)
		any = any || key_is_on_token(x->list[i].key);
	return any;
}

/* ---- files ---- */

static bool
write_key(const struct vault_xchgs *x, const char *path, EVP_PKEY *key, struct err *err)
{
	OWNED(own_memory) char *line = NULL;

	if (!key_is_on_token(key))
		return key_file_write(path, key, x->passphrase, err);
	line = text_printf("%s\n", x->token.uri);
	return file_create(path, view_str(line), 0600, err);
}

/* What was left of a token's key when its first certificate could not be written down: nobody was
 * told of it, and nothing opened. */
static void
remove_leftovers(const char *uri, const char *certificate, const char *opened)
{
	if (access(uri, F_OK) != 0 && errno == ENOENT) {
		unlink(certificate);
		unlink(opened);
	}
}

/* Stored before anybody learns of it: a certificate for a key that a crash took away would make
 * clients fail for a week. The key comes last: with it, both count. */
static bool
write_files(struct vault_xchgs *x, struct vault_xchg *k, struct err *err)
{
	char key[KEY_PATH_MAX], certificate[KEY_PATH_MAX], opened[KEY_PATH_MAX];

	if (x->count >= VAULT_XCHG_MAX) /* a broken front cannot fill the disk */
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the vault holds %d exchange keys already; each goes when its certificate has "
		    "ended",
		    VAULT_XCHG_MAX);
	if (!file_path(x, k->id, CERT_SUFFIX, certificate, err) ||
	    !file_path(x, k->id, OPENED_SUFFIX, opened, err) ||
	    !file_path(x, k->id, key_is_on_token(k->key) ? URI_SUFFIX : KEY_SUFFIX, key, err))
		return false;
	if (key_is_on_token(k->key))
		remove_leftovers(key, certificate, opened);
	return vault_opened_create(&k->opened, opened, view_of(k->id, VAULT_ID_LEN), err) &&
	       file_create(certificate, buf_view(&k->certificate), 0600, err) &&
	       write_key(x, key, k->key, err);
}

/* The next certificate of a token's key. What the key opened stays with it; it ends with the last.
 */
static bool
certify_again(struct vault_xchgs *x, struct vault_xchg *k, struct vault_xchg *new, struct err *err)
{
	char path[KEY_PATH_MAX];
	struct buf last = k->certificate;

	if (k->is_retired)
		return refuse_retired(err);
	if (!file_path(x, k->id, CERT_SUFFIX, path, err) ||
	    !file_replace(path, buf_view(&new->certificate), 0600, err))
		return false;
	k->certificate = new->certificate;
	new->certificate = last;
	if (new->not_after > k->not_after)
		k->not_after = new->not_after;
	k->lived_ms = new->lived_ms;
	return true;
}

bool
vault_xchgs_add(struct vault_xchgs *x, EVP_PKEY *key, const struct pkix_cert *certificate,
    struct vault_time t, struct err *err)
{
	OWNED(new_xchg_free)
	struct vault_xchg k = {.not_after = certificate->not_after, .opened.fd = -1};
	struct vault_xchg *known;
	bool ok;

	if (EVP_PKEY_up_ref(key) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the exchange key could not be kept");
	k.key = key;
	set_lived(&k, t);
	if (!key_id(key, k.id, err) || !buf_dup(buf_view(&certificate->raw), &k.certificate, err))
		return false;
	pthread_mutex_lock(&x->lock);
	if (key_is_on_token(key) && (known = find(x, view_of(k.id, sizeof k.id))) != NULL)
		ok = certify_again(x, known, &k, err);
	else if ((ok = write_files(x, &k, err)))
		add_xchg(x, &k);
	pthread_mutex_unlock(&x->lock);
	return ok;
}

/* The key first: what went with it is a leftover then, which the next start removes. */
static bool
remove_files(const struct vault_xchgs *x, const uint8_t id[VAULT_ID_LEN], struct err *err)
{
	static const char *const suffixes[] = {KEY_SUFFIX, CERT_SUFFIX, OPENED_SUFFIX};
	char path[KEY_PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		if (!file_path(x, id, suffixes[i], path, err))
			return false;
		if (unlink(path) != 0 && errno != ENOENT)
			return err_errno(
			    err, DIRCA_E_IO, "%s: cannot remove the exchange key", path);
	}
	return file_sync_folder(x->folder, err);
}

bool
vault_xchgs_purge(struct vault_xchgs *x, struct vault_time t, struct err *err)
{
	bool ok = true;

	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; ok && i < x->count;) {
		struct vault_xchg *k = &x->list[i];

		if ((!has_ended(k, t) && !k->is_retired) || key_is_on_token(k->key)) {
			i++;
			continue;
		}
		if ((ok = remove_files(x, k->id, err))) {
			xchg_free(k, x->workers);
			*k = x->list[--x->count];
		}
	}
	pthread_mutex_unlock(&x->lock);
	return ok || err_prefix(err, "destroying an exchange key whose certificate has ended");
}

/* Opens nothing any more; vault_xchgs_purge destroys it. */
static void
retire(struct vault_xchg *k)
{
	OWNED(own_memory) char *hex = hex_encode(view_of(k->id, VAULT_ID_LEN), '\0');

	if (k->is_retired)
		return;
	k->is_retired = true;
	log_warn("exchange key retired", LOG_STR("key", hex),
	    LOG_INT("opened", (int64_t)k->opened.count), LOG_INT("failures", k->opened.failures));
}

bool
vault_xchgs_has(struct vault_xchgs *x, struct view id)
{
	bool has;

	pthread_mutex_lock(&x->lock);
	has = find(x, id) != NULL;
	pthread_mutex_unlock(&x->lock);
	return has;
}

/* More may be loaded than are made: a key may come back with its card. */
bool
vault_xchgs_list(struct vault_xchgs *x, struct buf *list, size_t *count_out, struct err *err)
{
	bool ok = true;

	*count_out = 0;
	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; ok && i < x->count && *count_out < VAULT_XCHG_MAX; i++)
		if (x->list[i].certificate.len > 0 && !x->list[i].is_retired &&
		    (ok = buf_dup(buf_view(&x->list[i].certificate), &list[*count_out], err)))
			(*count_out)++;
	pthread_mutex_unlock(&x->lock);
	while (!ok && *count_out > 0)
		buf_free(&list[--*count_out]);
	return ok;
}

/* Whom of the recipients, by the certificates: of one that is there for several, the first. */
static bool
find_recipient(struct vault_xchgs *x, const struct cms_enveloped *e, struct pkix_cert *out,
    struct vault_xchg **k_out)
{
	struct err ignored;

	for (size_t i = 0; i < x->count; i++) {
		if (!pkix_cert_decode(buf_view(&x->list[i].certificate), out, &ignored))
			continue;
		for (size_t k = 0; k < e->count; k++)
			if (cms_recipient_is(&e->recipients[k], out->issuer, out->serial)) {
				*k_out = &x->list[i];
				return true;
			}
		pkix_cert_free(out);
	}
	return false;
}

bool
vault_xchgs_find(struct vault_xchgs *x, const struct cms_enveloped *e, uint8_t id[VAULT_ID_LEN],
    struct pkix_cert *out, struct err *err)
{
	struct vault_xchg *k;
	bool found;

	*out = (struct pkix_cert){0};
	pthread_mutex_lock(&x->lock);
	if ((found = find_recipient(x, e, out, &k)))
		memcpy(id, k->id, VAULT_ID_LEN);
	pthread_mutex_unlock(&x->lock);
	return found || err_set(err, DIRCA_E_XCHG_CERT,
			    "the private key is not encrypted to a key import certificate of this "
			    "CA that it still has the key of");
}

/* Under the lock. */
static bool
get_copy(struct vault_xchg *k, size_t worker, int64_t now, EVP_PKEY **out, struct err *err)
{
	if (k == NULL)
		return err_set(err, DIRCA_E_XCHG_CERT,
		    "the vault has no such exchange key; it was forgotten or belongs to another "
		    "CA");
	if (k->is_retired)
		return refuse_retired(err);
	if (now > k->not_after)
		return err_set(err, DIRCA_E_XCHG_CERT,
		    "the certificate of this exchange key has ended; fetch the current one");
	*out = k->key;
	if (!key_is_on_token(k->key)) {
		if (k->copies[worker] == NULL && (k->copies[worker] = EVP_PKEY_dup(k->key)) == NULL)
			return err_openssl(
			    err, DIRCA_E_CRYPTO, "the exchange key could not be copied");
		*out = k->copies[worker];
	}
	if (EVP_PKEY_up_ref(*out) == 1)
		return true;
	*out = NULL;
	return err_openssl(err, DIRCA_E_CRYPTO, "the exchange key could not be lent");
}

bool
vault_xchgs_get(struct vault_xchgs *x, struct view id, size_t worker, int64_t now, EVP_PKEY **out,
    struct err *err)
{
	bool ok;

	*out = NULL;
	pthread_mutex_lock(&x->lock);
	ok = get_copy(find(x, id), worker, now, out, err);
	pthread_mutex_unlock(&x->lock);
	return ok;
}

/* ---- what was opened ---- */

bool
vault_xchgs_claim(struct vault_xchgs *x, struct view id, const uint8_t encrypted_key[32],
    const uint8_t whole[32], struct err *err)
{
	struct vault_xchg *k;
	bool ok;

	pthread_mutex_lock(&x->lock);
	k = find(x, id);
	if (k == NULL || k->is_retired)
		ok = refuse_retired(err);
	else
		ok = vault_opened_claim(&k->opened, encrypted_key, whole, err);
	if (k != NULL && is_used_up(x, k))
		retire(k);
	pthread_mutex_unlock(&x->lock);
	return ok;
}

void
vault_xchgs_fail(struct vault_xchgs *x, struct view id, const uint8_t encrypted_key[32])
{
	struct vault_xchg *k;
	struct err err;

	pthread_mutex_lock(&x->lock);
	if ((k = find(x, id)) != NULL && !k->is_retired) {
		if (!vault_opened_fail(&k->opened, encrypted_key, &err))
			log_error(
			    "a key that was not archived is not written down", LOG_REASON(&err));
		if (is_used_up(x, k))
			retire(k);
	}
	pthread_mutex_unlock(&x->lock);
}

bool
vault_xchgs_look(struct vault_xchgs *x, struct view id, EVP_PKEY *key, struct err *err)
{
	struct vault_xchg *k;
	struct err why;

	if (key == NULL || !key_is_on_token(key) || vault_token_proves(key, &why))
		return true;
	pthread_mutex_lock(&x->lock);
	if ((k = find(x, id)) != NULL)
		retire(k);
	if (x->token.uri != NULL && view_eq(id, view_of(x->token.id, sizeof x->token.id)))
		x->token.why = why;
	pthread_mutex_unlock(&x->lock);
	log_warn("the token of the exchange key went away", LOG_REASON(&why));
	return refuse_retired(err);
}

/* The next file that was written since it was last synced; -1: none. Only the caller's thread
 * removes keys, so that the descriptor stays. */
static int
next_dirty(struct vault_xchgs *x)
{
	int fd = -1;

	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; i < x->count && fd == -1; i++)
		if (x->list[i].opened.dirty) {
			x->list[i].opened.dirty = false;
			fd = x->list[i].opened.fd;
		}
	pthread_mutex_unlock(&x->lock);
	return fd;
}

bool
vault_xchgs_sync(struct vault_xchgs *x, struct err *err)
{
	int fd;

	while ((fd = next_dirty(x)) != -1)
		if (fdatasync(fd) != 0)
			return err_errno(err, DIRCA_E_IO,
			    "%s: what exchange keys opened may not be on the disk", x->folder);
	return true;
}
