/* NSS by pk12util, tokens by p11tool: their formats are their own. */
#include "key_store.h"

#include <stdlib.h>
#include <string.h>

#include "helper_run.h"
#include "key_uri.h"
#include "mem.h"
#include "own.h"
#include "own_openssl.h"
#include "pem.h"
#include "pkcs8.h"
#include "pkix.h"
#include "print.h"
#include "text.h"

#include <openssl/rand.h>

#define MODULE "module-path="

/* Of a file in memory between two programs. */
static bool
random_password(struct secret *out, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[16];

	if (RAND_priv_bytes(random, sizeof random) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "no random numbers");
	if (!secret_alloc(2 * sizeof random, out, err))
		return false;
	for (size_t i = 0; i < sizeof random; i++) {
		out->ptr[2 * i] = (uint8_t)digits[random[i] >> 4];
		out->ptr[2 * i + 1] = (uint8_t)digits[random[i] & 15];
	}
	OPENSSL_cleanse(random, sizeof random);
	return true;
}

/* The store's own password, if one was given. */
static bool
store_password(const struct cli_options *o, struct secret *out, struct err *err)
{
	return o->store_password_file == NULL ||
	       cli_password(o->store_password_file, "", false, out, err);
}

/* What programs show of a key that nobody named. */
static void
name_keys(struct pfx_content *c)
{
	for (size_t i = 0; i < c->key_count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert cert = {0};
		struct err ignored;

		if (c->keys[i].friendly_name == NULL &&
		    pkix_cert_decode(buf_view(&c->keys[i].certificate), &cert, &ignored))
			c->keys[i].friendly_name = pkix_name_value(cert.subject, NID_commonName);
	}
}

static void
print_names(const struct pfx_content *c)
{
	for (size_t i = 0; i < c->key_count; i++) {
		print_name(
		    stdout, c->keys[i].friendly_name != NULL ? c->keys[i].friendly_name : "-");
		putchar('\n');
	}
}

/* ---- NSS ---- */

static void
add_argument(struct helper *h, const char *argument)
{
	size_t n = 0;

	while (h->args[n] != NULL)
		n++;
	h->args[n] = argument;
}

static void
add_store_password(struct helper *h, const struct secret *password)
{
	if (password->len == 0)
		return;
	add_argument(h, "-k");
	add_argument(h, HELPER_FILE_1);
	h->files[1] = secret_view(password);
}

bool
key_nss_import(const struct cli_options *o, struct pfx_content *c, struct err *err)
{
	OWNED(secret_free) struct secret between = {0}, own = {0};
	OWNED(buf_free) struct buf pfx = {0};

	name_keys(c);
	if (!store_password(o, &own, err) || !random_password(&between, err) ||
	    !pfx_write(c, &between, PFX_AES, &pfx, err))
		return false;

	struct helper h = {
	    .args = {"pk12util", "-i", HELPER_FILE_2, "-d", o->nss, "-w", HELPER_FILE_0},
	    .files = {secret_view(&between), {0}, buf_view(&pfx)},
	    .file_count = 3,
	    .package = "libnss3-tools"};

	add_store_password(&h, &own);
	if (!helper_run(&h, 0, NULL, err))
		return false;
	print_names(c);
	return true;
}

bool
key_nss_export(
    const struct cli_options *o, const char *wanted, struct pfx_content *out, struct err *err)
{
	OWNED(secret_free) struct secret between = {0}, own = {0};
	OWNED(buf_free) struct buf pfx = {0};

	if (!store_password(o, &own, err) || !random_password(&between, err))
		return false;

	struct helper h = {.args = {"pk12util", "-o", HELPER_FILE_2, "-n", wanted, "-d", o->nss,
			       "-w", HELPER_FILE_0},
	    .files = {secret_view(&between)},
	    .file_count = 3,
	    .package = "libnss3-tools"};

	add_store_password(&h, &own);
	return helper_run(&h, PFX_FILE_MAX, &pfx, err) &&
	       pfx_read(buf_view(&pfx), &between, out, err);
}

/* ---- tokens ---- */

/* The URI with where its PIN is, and the module that it names. free() both. */
static bool
cut_uri(const char *uri, bool has_pin, char **uri_out, char **module_out, struct err *err)
{
	const char *query = strchr(uri, '?');
	const char *module = query != NULL ? strstr(query, MODULE) : NULL;
	size_t len = query != NULL ? (size_t)(query - uri) : strlen(uri);

	if (!key_uri_is(uri))
		return err_set(err, DIRCA_E_USAGE, "--token %s: not a PKCS#11 URI (RFC 7512)", uri);
	if (module != NULL) {
		module += strlen(MODULE);
		if (memchr(module, '%', strcspn(module, "&")) != NULL)
			return err_set(err, DIRCA_E_USAGE,
			    "--token: escapes in module-path are not understood here");
		*module_out = text_printf("--provider=%.*s", (int)strcspn(module, "&"), module);
	}
	*uri_out =
	    text_printf("%.*s%s", (int)len, uri, has_pin ? "?pin-source=" HELPER_FILE_0 : "");
	return true;
}

/* One object of a key into the token. GnuTLS has one error for all that a token cannot do, and says
 * in its log alone which it was. */
static bool
put(const char *uri, const char *module, const struct secret *pin, const char *what,
    struct view content, const char *label, const char *id, struct err *err)
{
	struct helper h = {.args = {"p11tool", "--debug=2", "--login", "--write", uri, what,
			       HELPER_FILE_1, "--label", label, "--id", id},
	    .files = {secret_view(pin), content},
	    .file_count = 2,
	    .package = "gnutls-bin",
	    .noise = {"|<", "Setting log level"},
	    .sign = "Insufficient memory available on the device", /* CKR_DEVICE_MEMORY */
	    .meaning = SCARD_E_WRITE_TOO_MANY,
	    .asks = pin->len == 0};

	if (module != NULL)
		add_argument(&h, module);
	if (!h.asks)
		add_argument(&h, "--batch");
	return helper_run(&h, 0, NULL, err);
}

static bool
import_pair(const char *uri, const char *module, const struct secret *pin,
    const struct pfx_entry *e, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(secret_free) struct secret key = {0};
	OWNED(buf_free) struct buf ski = {0}, pem = {0};
	OWNED(own_memory) char *id = NULL;
	const char *label = e->friendly_name != NULL ? e->friendly_name : "dirca";
	const char *what = "private key";

	if (!pkix_cert_decode(buf_view(&e->certificate), &cert, err) ||
	    !pkix_cert_ski(&cert, &ski, err) || !pkcs8_encode(e->key, NULL, &key, err) ||
	    !pem_append(&pem, "CERTIFICATE", buf_view(&e->certificate), err))
		return false;
	id = hex_encode(buf_view(&ski), '\0');
	if (put(uri, module, pin, "--load-privkey", secret_view(&key), label, id, err)) {
		what = "certificate, whose private key is on it now,";
		if (put(uri, module, pin, "--load-certificate", buf_view(&pem), label, id, err))
			return true;
	}
	return err->code != SCARD_E_WRITE_TOO_MANY
		   ? false
		   : err_set(err, SCARD_E_WRITE_TOO_MANY,
			 "the %s of %s does not fit on the token: `p11tool --list-all --login` "
			 "shows what it holds, `p11tool --delete` makes room; or take a card with "
			 "more memory",
			 what, label);
}

bool
key_token_import(const struct cli_options *o, struct pfx_content *c, struct err *err)
{
	OWNED(secret_free) struct secret pin = {0};
	OWNED(own_memory) char *uri = NULL, *module = NULL;

	if (!cut_uri(o->token, o->store_password_file != NULL, &uri, &module, err) ||
	    !store_password(o, &pin, err))
		return false;
	name_keys(c);
	for (size_t i = 0; i < c->key_count; i++)
		if (!import_pair(uri, module, &pin, &c->keys[i], err))
			return false;
	print_names(c);
	return true;
}
