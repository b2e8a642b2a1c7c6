/*
 * A broken front: it holds a socket of the vault and asks for everything that would give it
 * somebody's key or a certificate that nobody may have. usage: s03_vault DIRCAD CONF EXCHANGE.der
 * KRA.der KRA.der; or s03_vault DIRCAD CONF --stranger KRA.der, which tells whether the vault would
 * seal keys to a key recovery agent of another CA.
 *
 * The vault is the program's own (dircad --role=vault); the control socket, which is the
 * supervisor's, is used for the honest part only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "archive_pki.h"
#include "clock.h"
#include "file.h"
#include "log.h"
#include "oids.h"
#include "text.h"
#include "vault.h"
#include "vault_wire.h"

#define OP_FORGET      6 /* of the vault that knew this operation */
#define OLD_REWRAP     7 /* fields; the last holds cipher and padding */
#define TRACE_SERIAL   0x5e
#define ANOTHER_SERIAL 0x5f

static struct vault front;
static int control, bad;
static struct vault_info info;
static struct pkix_cert ca;

static void
must(bool ok, const struct err *err)
{
	if (!ok) {
		fprintf(stderr, "s03_vault: %s: %s\n", err_name(err->code), err->msg);
		exit(2);
	}
}

static void
check(const char *name, bool ok, const struct err *err)
{
	printf("%s %s%s%s\n", ok ? "ok  " : "FAIL", name, err != NULL ? ": " : "",
	    err != NULL ? err->msg : "");
	bad += !ok;
}

static pid_t
start_vault(const char *dircad, const char *conf)
{
	int work[2], control_pair[2];
	char fds[40] = "";
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, work), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, control_pair), 0);
	snprintf(fds, sizeof fds, "--fds=%d,%d", control_pair[1], work[1]);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(work[0]);
		close(control_pair[0]);
		execl(dircad, "dircad", "-c", conf, "--role=vault", fds, (char *)NULL);
		_exit(127);
	}
	close(work[1]);
	close(control_pair[1]);
	front.fd = work[0];
	control = control_pair[0];
	return pid;
}

/* ---- kinds ---- */

struct wish {
	const char *name, *usage, *eku;
	bool is_ca, allowed;
	int64_t until; /* seconds after the CA's end; 0: a day from now */
};

static const struct wish wishes[] = {
    {"control: an end entity", "digitalSignature,keyEncipherment", "clientAuth", false, true, 0},
    {"control: a key recovery agent", "keyEncipherment", "1.3.6.1.4.1.311.21.6", false, true, 0},
    {"an exchange certificate for a key of one's own", "keyEncipherment", "1.3.6.1.4.1.311.21.5",
	false, false, 0},
    {"the same among other usages", "keyEncipherment", "clientAuth,1.3.6.1.4.1.311.21.5", false,
	false, 0},
    {"a key import certificate for a key of one's own", "keyEncipherment", KP_KEY_IMPORT, false,
	false, 0},
    {"the same among other usages", "keyEncipherment", "clientAuth," KP_KEY_IMPORT, false, false,
	0},
    {"a CA", "keyCertSign,cRLSign", NULL, true, false, 0},
    {"a CA for client authentication", "keyCertSign", "clientAuth", true, false, 0},
    {"who signs certificates", "keyCertSign", "clientAuth", false, false, 0},
    {"who signs CRLs", "cRLSign", "clientAuth", false, false, 0},
    {"an enrollment agent", "digitalSignature", "1.3.6.1.4.1.311.20.2.1", false, false, 0},
    {"an OCSP responder", "digitalSignature", "OCSPSigning", false, false, 0},
    {"any extended key usage", "keyEncipherment", "anyExtendedKeyUsage", false, false, 0},
    {"no extended key usage", "keyEncipherment", NULL, false, false, 0},
    {"what outlives the CA", "digitalSignature", "clientAuth", false, false, 86400},
};

static bool
ask(const struct wish *w, EVP_PKEY *key, uint8_t serial, struct err *err)
{
	const struct test_cert issuer = {0};
	struct test_issue in = {.dn = "CN=evil",
	    .key = key,
	    .issuer = w->is_ca ? NULL : &issuer,
	    .usage = w->usage,
	    .eku = w->eku,
	    .serial = serial,
	    .not_before = clock_now() - 60,
	    .not_after = w->until != 0 ? ca.not_after + w->until : clock_now() + 86400};
	EVP_PKEY *ca_public;
	struct buf tbs, sig_alg, signature = {0};
	bool signed_;

	must(pkix_public_key(ca.spki, &ca_public, err), err);
	test_tbs(&in, ca.subject, ca_public, &tbs, &sig_alg);
	signed_ = vault_sign_certificate(&front, buf_view(&tbs), &signature, err);
	buf_free(&tbs);
	buf_free(&sig_alg);
	buf_free(&signature);
	EVP_PKEY_free(ca_public);
	return signed_;
}

static void
ask_for_every_kind(void)
{
	EVP_PKEY *own = test_key("rsa2048"), *ca_key;
	struct err err = {0};

	for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
		bool got = ask(&wishes[i], own, i == 0 ? TRACE_SERIAL : ANOTHER_SERIAL, &err);

		check(wishes[i].name, got == wishes[i].allowed, got ? NULL : &err);
	}
	must(pkix_public_key(ca.spki, &ca_key, &err), &err);
	check("an end entity with the CA's key", !ask(&wishes[0], ca_key, ANOTHER_SERIAL, &err),
	    NULL);
	EVP_PKEY_free(own);
	EVP_PKEY_free(ca_key);
}

/* ---- a stolen key ---- */

static EVP_PKEY *user_key;
static struct pkix_cert xchg, kras[2];
static struct test_cert xchg_cert;

/* Sends a frame and tells whether the answer is no error. */
static bool
send_frame(struct buf *frame)
{
	struct buf body = {0};
	uint8_t status = VAULT_STATUS_ERROR;
	uint32_t len;
	struct err err;

	must(wire_send(front.fd, frame, &err), &err);
	must(wire_receive_header(front.fd, &status, &len, &err) == WIRE_OK, &err);
	must(wire_receive_body(front.fd, len, &body, &err), &err);
	buf_free(&body);
	return status == VAULT_STATUS_OK;
}

/* As the vault took it that let the front choose the padding too. */
static bool
old_rewrap(const struct vault_rewrap *in)
{
	const uint8_t options[2] = {(uint8_t)in->cipher, 1};
	const struct view fields[OLD_REWRAP] = {in->payload, in->xchg_issuer, in->xchg_serial,
	    in->spki, view_of(in->xchg_id, VAULT_ID_LEN),
	    view_of(in->kra_sha256, 32 * in->kra_count), view_of(options, sizeof options)};
	struct buf frame = {0};
	struct err err;
	bool ok;

	must(wire_begin(&frame, VAULT_OP_REWRAP, &err), &err);
	for (size_t i = 0; i < OLD_REWRAP; i++)
		must(wire_field(&frame, fields[i], &err), &err);
	ok = send_frame(&frame);
	buf_free(&frame);
	return ok;
}

/* The key that a client sent, sealed again by the front to the real exchange key: would the vault
 * seal it to these? */
static bool
rewrap(const uint8_t (*hashes)[32], size_t count, enum cms_cipher cipher, struct err *err)
{
	struct buf payload, spki, ski, archived = {0};
	struct vault_rewrap in = {.xchg_issuer = xchg.issuer,
	    .xchg_serial = xchg.serial,
	    .kra_sha256 = hashes,
	    .kra_count = count,
	    .cipher = cipher};
	bool ok;

	test_key_payload(user_key, &xchg_cert, &payload);
	must(pkix_key_spki(user_key, &spki, err) && pkix_cert_ski(&xchg, &ski, err), err);
	in.payload = buf_view(&payload);
	in.spki = buf_view(&spki);
	memcpy(in.xchg_id, ski.ptr, VAULT_ID_LEN);
	ok = vault_rewrap(&front, &in, &archived, err) || old_rewrap(&in);
	buf_free(&payload);
	buf_free(&spki);
	buf_free(&ski);
	buf_free(&archived);
	return ok;
}

static void
forget_exchange_key(void)
{
	struct buf frame = {0}, ski;
	struct err err;

	must(pkix_cert_ski(&xchg, &ski, &err) && wire_begin(&frame, OP_FORGET, &err) &&
		 wire_field(&frame, buf_view(&ski), &err),
	    &err);
	(void)send_frame(&frame);
	buf_free(&frame);
	buf_free(&ski);
}

static void
rewrap_a_stolen_key(void)
{
	uint8_t both[2][32], stranger[2][32];
	struct err err = {0};

	memcpy(both[0], kras[0].sha256, 32);
	memcpy(both[1], kras[1].sha256, 32);
	memcpy(stranger, both, sizeof stranger);
	stranger[1][0] ^= 1;
	user_key = test_key("rsa2048");
	check("control: an archived key is sealed to two agents",
	    rewrap((const uint8_t(*)[32])both, 2, CMS_AES_256_CBC, &err), NULL);
	check("a stolen key for one agent alone",
	    !rewrap((const uint8_t(*)[32])both, 1, CMS_AES_256_CBC, &err), &err);
	check("a stolen key for a stranger",
	    !rewrap((const uint8_t(*)[32])stranger, 2, CMS_AES_256_CBC, &err), &err);
	memcpy(both[1], both[0], 32);
	check("a stolen key twice for one agent",
	    !rewrap((const uint8_t(*)[32])both, 2, CMS_AES_256_CBC, &err), &err);
	memcpy(both[1], kras[1].sha256, 32);
	check("a stolen key under 3DES", !rewrap((const uint8_t(*)[32])both, 2, CMS_3DES_CBC, &err),
	    &err);
	forget_exchange_key();
	check("the live exchange key is there after it was to be forgotten",
	    rewrap((const uint8_t(*)[32])both, 2, CMS_AES_256_CBC, &err), NULL);
}

/* ---- */

static void
read_cert(const char *path, struct pkix_cert *out)
{
	struct buf der;
	struct err err;

	must(file_read(path, 65536, &der, &err) && pkix_cert_decode(buf_view(&der), out, &err),
	    &err);
	buf_free(&der);
}

static void
give_kras(const struct pkix_cert *list, size_t count, size_t expected)
{
	struct view views[2];
	struct err err = {0};
	size_t usable = 0;

	for (size_t i = 0; i < count; i++)
		views[i] = buf_view(&list[i].raw);
	must(vault_set_kras(control, 2, 1, views, NULL, count, &usable, &err), &err);
	check(expected > 0 ? "control: the supervisor names two agents"
			   : "a key recovery agent of a CA that root does not name",
	    usable == expected, NULL);
}

int
main(int argc, char **argv)
{
	bool stranger = argc == 5 && strcmp(argv[3], "--stranger") == 0;
	struct err err;
	pid_t vault;
	int status;

	if (argc != 6 && !stranger)
		return 2;
	log_open("s03_vault", false, LOG_LEVEL_ERROR);
	must(secret_heap_init(1 << 18, true, &err) && oids_init(&err), &err);
	vault = start_vault(argv[1], argv[2]);
	must(vault_get_info(&front, &info, &err) &&
		 pkix_cert_decode(buf_view(&info.issuers.list[0].cert.raw), &ca, &err),
	    &err);
	read_cert(argv[4], &kras[0]);
	if (stranger) {
		give_kras(kras, 1, 0);
	} else {
		read_cert(argv[3], &xchg);
		read_cert(argv[5], &kras[1]);
		must(pkix_public_key(xchg.spki, &xchg_cert.key, &err), &err);
		xchg_cert.cert = xchg;
		give_kras(kras, 2, 2);
		ask_for_every_kind();
		rewrap_a_stolen_key();
	}
	close(control);
	waitpid(vault, &status, 0);
	return bad == 0 ? 0 : 1;
}
