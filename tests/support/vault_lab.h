/*
 * A vault for the tests that talk to it: a state folder with a CA and KRAs, the vault as a child
 * process, its sockets in the test's hands, and what a client would send to be archived. Header
 * only; everything fails the test that calls it.
 */
#ifndef SUPPORT_VAULT_LAB_H
#define SUPPORT_VAULT_LAB_H

#include <dirent.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <openssl/pem.h>

#include "archive_pki.h"
#include "clock.h"
#include "file.h"
#include "oids.h"
#include "text.h"
#include "vault_priv.h"

/* As in ca/service/supervisor.c. */
#ifdef DIRCA_SANITIZED
#define SANDBOX false
#else
#define SANDBOX true
#endif

#define WORKERS    4
#define PASSPHRASE "correct horse"

static char state_dir[64], vault_dir[80], sealed_dir[80], ca_path[80], passphrase_path[80];
static struct test_cert ca, kra1, kra2, expired_kra, foreign_ca, foreign_kra;
static EVP_PKEY *user_key;

/* ---- a state folder with a CA, and the vault as a child process ---- */

static inline void
write_file(const char *path, struct view content)
{
	struct err err;

	if (!file_replace(path, content, 0600, &err))
		fail_msg("%s", err.msg);
}

static inline void
write_certificate(const char *path, const struct test_cert *c)
{
	const unsigned char *p = c->der.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)c->der.len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;

	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	len = BIO_get_mem_data(bio, &pem);
	write_file(path, view_of(pem, (size_t)len));
	BIO_free(bio);
	X509_free(x);
}

static inline struct secret
passphrase(void)
{
	struct secret s;
	struct err err;

	assert_true(secret_dup(view_str(PASSPHRASE), &s, &err));
	return s;
}

static inline void
make_ca(enum ca_key_kind kind)
{
	struct secret p = passphrase();
	char *sealed = text_printf("%s/ca.key", sealed_dir);
	EVP_PKEY *key;
	struct err err;

	assert_true(ca_key_create(vault_dir, 0, kind, NULL, &err));
	assert_true(ca_key_open(vault_dir, 0, NULL, &key, &err));
	assert_int_equal(mkdir(sealed_dir, 0700), 0);
	assert_true(key_file_write(sealed, key, &p, &err));
	free(sealed);
	ca = test_issue(&(struct test_issue){.dn = "CN=Test CA,DC=nwtraders,DC=com",
	    .key = key,
	    .usage = "critical,keyCertSign,cRLSign",
	    .serial = 1,
	    .not_before = TEST_NOW - 1000 * TEST_DAY,
	    .not_after = TEST_NOW + 5000 * TEST_DAY});
	write_certificate(ca_path, &ca);
	secret_free(&p);
}

static inline int
setup(void **state)
{
	int64_t now = clock_now();
	struct err err;

	(void)state;
	assert_true(secret_heap_init(1 << 18, true, &err));
	assert_true(oids_init(&err));
	strcpy(state_dir, "/tmp/dirca-vault-XXXXXX");
	assert_non_null(mkdtemp(state_dir));
	snprintf(vault_dir, sizeof vault_dir, "%s/vault", state_dir);
	snprintf(sealed_dir, sizeof sealed_dir, "%s/sealed", state_dir);
	snprintf(ca_path, sizeof ca_path, "%s/ca.crt", state_dir);
	snprintf(passphrase_path, sizeof passphrase_path, "%s/passphrase", state_dir);
	write_file(passphrase_path, view_str(PASSPHRASE "\n"));
	make_ca(CA_KEY_EC_P256);
	user_key = test_key("rsa2048");
	kra1 = test_kra(&ca, "CN=kra1", "rsa2048", 10);
	kra2 = test_kra(&ca, "CN=kra2", "P-256", 11);
	expired_kra = test_issue(&(struct test_issue){.dn = "CN=old",
	    .key = test_key("P-256"),
	    .issuer = &ca,
	    .usage = "critical,keyAgreement",
	    .eku = KRA_EKU,
	    .serial = 12,
	    .not_before = now - 10,
	    .not_after = now - 1});
	foreign_ca = test_ca("CN=Foreign CA", "P-256");
	foreign_kra = test_kra(&foreign_ca, "CN=foreign", "P-256", 13);
	return 0;
}

static inline void
remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
		    unlinkat(dirfd(dir), d->d_name, 0) != 0) {
			char *child = text_printf("%s/%s", path, d->d_name);

			remove_folder(child);
			free(child);
		}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

static inline int
teardown(void **state)
{
	(void)state;
	remove_folder(state_dir);
	EVP_PKEY_free(user_key);
	test_cert_free(&ca);
	test_cert_free(&kra1);
	test_cert_free(&kra2);
	test_cert_free(&expired_kra);
	test_cert_free(&foreign_ca);
	test_cert_free(&foreign_kra);
	return 0;
}

struct child {
	pid_t pid;
	int control;
	struct vault front[WORKERS];
};

/* The same CA key lies in two folders; in one it is encrypted, which costs every start a fifth of a
 * second. */
static bool use_sealed;

/* What root allows beside the least. */
static unsigned lab_kinds = SIGN_KINDS_DEFAULT;
static size_t lab_kra_minimum;
static uint32_t lab_failures_requester = 1000, lab_failures_key = 1000;
static bool lab_pkcs8;
static struct archive_floor lab_floor = {.aes_bits = 128, .reader = CMS_READER_OAEP};

static inline void
child_main(const int *fds, int control)
{
	struct vault_config config = {.folder = use_sealed ? sealed_dir : vault_dir,
	    .ca_certificate = ca_path,
	    .state_dir = state_dir,
	    .passphrase_file = use_sealed ? passphrase_path : NULL,
	    .fds = fds,
	    .fd_count = WORKERS,
	    .control_fd = control,
	    .sandbox = SANDBOX,
	    .kinds = lab_kinds,
	    .kra_minimum = lab_kra_minimum,
	    .floor = lab_floor,
	    .pkcs8 = lab_pkcs8,
	    .failures_requester = lab_failures_requester,
	    .failures_key = lab_failures_key,
	    .suspend_s = 1};

	_exit(vault_run(&config));
}

static inline struct child
start(void)
{
	int pairs[WORKERS + 1][2], fds[WORKERS];
	struct child c;

	for (int i = 0; i <= WORKERS; i++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		for (int i = 0; i <= WORKERS; i++)
			close(pairs[i][0]);
		for (int i = 0; i < WORKERS; i++)
			fds[i] = pairs[i][1];
		child_main(fds, pairs[WORKERS][1]);
	}
	for (int i = 0; i <= WORKERS; i++)
		close(pairs[i][1]);
	for (int i = 0; i < WORKERS; i++)
		c.front[i] = (struct vault){.fd = pairs[i][0]};
	c.control = pairs[WORKERS][0];
	return c;
}

static inline int
wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Hangs up; the vault must end by itself, and well. */
static inline void
stop(struct child *c)
{
	close(c->control);
	assert_int_equal(wait_for(c->pid), 0);
	for (int i = 0; i < WORKERS; i++)
		close(c->front[i].fd);
}

static struct child child;

static inline int
start_child(void **state)
{
	struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	struct err err = {0};
	size_t usable;

	(void)state;
	child = start();
	if (!vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(usable, 2);
	return 0;
}

static inline int
stop_child(void **state)
{
	(void)state;
	stop(&child);
	use_sealed = false;
	return 0;
}

static inline int
start_sealed_child(void **state)
{
	use_sealed = true;
	return start_child(state);
}

#define ASSERT_DONE(call)                                   \
	do {                                                \
		if (!(call))                                \
			fail_msg("%s: %s", #call, err.msg); \
	} while (0)

/* ---- signatures ---- */

static inline bool
is_signed_by(EVP_PKEY *key, struct view what, struct view signature)
{
	struct buf der;
	const unsigned char *p;
	X509_ALGOR *alg;
	struct err err;
	bool yes;

	assert_true(pkix_sig_alg(key, &der, &err));
	p = der.ptr;
	alg = d2i_X509_ALGOR(NULL, &p, (long)der.len);
	yes = pkix_verify(key, alg, what, signature, false, &err);
	X509_ALGOR_free(alg);
	buf_free(&der);
	return yes;
}

/* ---- archival ---- */

/* An exchange key's certificate and name. */
struct xchg {
	struct test_cert cert;
	uint8_t id[VAULT_ID_LEN];
};

static inline struct xchg
make_xchg(int bits)
{
	const struct vault_xchg_wish wish = {.bits = bits, .life_s = 7 * TEST_DAY};
	struct xchg x = {0};
	struct buf id;
	struct err err;

	ASSERT_DONE(vault_xchg_create(&child.front[0], &wish, &x.cert.der, &err));
	ASSERT_DONE(pkix_cert_decode(buf_view(&x.cert.der), &x.cert.cert, &err));
	ASSERT_DONE(pkix_public_key(x.cert.cert.spki, &x.cert.key, &err));
	ASSERT_DONE(pkix_cert_ski(&x.cert.cert, &id, &err));
	assert_int_equal(id.len, VAULT_ID_LEN);
	memcpy(x.id, id.ptr, VAULT_ID_LEN);
	buf_free(&id);
	return x;
}

struct rewrap {
	struct buf payload, spki;
	uint8_t hashes[3][32];
	struct vault_rewrap in;
};

static inline void
rewrap_init(struct rewrap *r, const struct xchg *x)
{
	struct err err;

	*r = (struct rewrap){0};
	test_key_payload(user_key, &x->cert, &r->payload);
	assert_true(pkix_key_spki(user_key, &r->spki, &err));
	memcpy(r->hashes[0], kra1.cert.sha256, 32);
	memcpy(r->hashes[1], kra2.cert.sha256, 32);
	r->in = (struct vault_rewrap){.payload = buf_view(&r->payload),
	    .xchg_issuer = x->cert.cert.issuer,
	    .xchg_serial = x->cert.cert.serial,
	    .spki = buf_view(&r->spki),
	    .kra_sha256 = (const uint8_t(*)[32])r->hashes,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
	memcpy(r->in.xchg_id, x->id, VAULT_ID_LEN);
}

static inline void
rewrap_free(struct rewrap *r)
{
	buf_free(&r->payload);
	buf_free(&r->spki);
}

static inline void
assert_opens(const struct buf *archived, const struct test_cert *kra)
{
	struct cms_enveloped e;
	struct secret blob;
	EVP_PKEY *key;
	struct err err;
	size_t i = 0;

	ASSERT_DONE(cms_sealed_decode(buf_view(archived), &e, &err));
	while (
	    i < e.count && !cms_recipient_is(&e.recipients[i], kra->cert.issuer, kra->cert.serial))
		i++;
	ASSERT_DONE(cms_enveloped_open(&e, i, kra->key, &blob, &err));
	ASSERT_DONE(keyblob_decode(secret_view(&blob), &key, &err));
	assert_int_equal(EVP_PKEY_eq(key, user_key), 1);
	EVP_PKEY_free(key);
	secret_free(&blob);
	cms_enveloped_free(&e);
}

/* His share, as its agent opens it. */
static inline void
open_share_of(const struct cms_enveloped *e, const struct test_cert *kra,
    const uint8_t id[CMS_BOUND_LEN], struct cms_share *out, struct secret *value)
{
	struct err err;
	size_t i = 0;

	while (i < e->count &&
	       !cms_recipient_is(&e->recipients[i], kra->cert.issuer, kra->cert.serial))
		i++;
	ASSERT_DONE(cms_share_open(e, i, kra->key, id, value, &err));
	*out = (struct cms_share){i, secret_view(value)};
}

/* The key opens with the shares of both agents, and with no fewer. */
static inline void
assert_opens_together(const struct buf *archived)
{
	const struct test_cert *const agents[2] = {&kra1, &kra2};
	struct secret values[2], blob;
	struct cms_share shares[2];
	uint8_t id[CMS_BOUND_LEN];
	struct cms_enveloped e;
	EVP_PKEY *key;
	struct err err;

	ASSERT_DONE(cms_sealed_decode(buf_view(archived), &e, &err));
	ASSERT_DONE(archive_key_id(user_key, id, &err));
	for (size_t i = 0; i < 2; i++)
		open_share_of(&e, agents[i], id, &shares[i], &values[i]);
	assert_false(cms_shares_open(&e, id, shares, 1, &blob, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	ASSERT_DONE(cms_shares_open(&e, id, shares, 2, &blob, &err));
	ASSERT_DONE(keyblob_decode(secret_view(&blob), &key, &err));
	assert_int_equal(EVP_PKEY_eq(key, user_key), 1);
	EVP_PKEY_free(key);
	secret_free(&blob);
	for (size_t i = 0; i < 2; i++)
		secret_free(&values[i]);
	cms_enveloped_free(&e);
}

static inline void
assert_not_rewrapped(const struct vault_rewrap *in, enum err_code code)
{
	struct buf archived = {0};
	struct err err = {0};

	assert_false(vault_rewrap(&child.front[0], in, &archived, &err));
	assert_int_equal(err.code, code);
	assert_null(archived.ptr);
}

#endif
