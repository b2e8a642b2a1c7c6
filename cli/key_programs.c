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

/* Of one token: all that its programs are told. */
struct card {
	char *base, *module; /* the URI without its query; --provider of p11tool, or NULL */
	struct secret pin;
};

static void
card_free(struct card *c)
{
	free(c->base);
	free(c->module);
	secret_free(&c->pin);
}

static bool
names_object(const char *base)
{
	return strstr(base, "object=") != NULL || strstr(base, "type=") != NULL ||
	       strstr(base, ";id=") != NULL || strstr(base, ":id=") != NULL;
}

static bool
card_open(const struct cli_options *o, struct card *c, struct err *err)
{
	const char *uri = o->token, *query = strchr(uri, '?');
	const char *module = query != NULL ? strstr(query, MODULE) : NULL;

	if (!key_uri_is(uri))
		return err_set(err, DIRCA_E_USAGE, "--token %s: not a PKCS#11 URI (RFC 7512)", uri);
	if (module != NULL) {
		module += strlen(MODULE);
		if (memchr(module, '%', strcspn(module, "&")) != NULL)
			return err_set(err, DIRCA_E_USAGE,
			    "--token: escapes in module-path are not understood here");
		c->module = text_printf("--provider=%.*s", (int)strcspn(module, "&"), module);
	}
	c->base = mem_text_n(uri, query != NULL ? (size_t)(query - uri) : strlen(uri));
	if (names_object(c->base))
		return err_set(err, DIRCA_E_USAGE,
		    "--token names a token, and no object on it: without id, object and type");
	/* Once, for all that is looked for and written. */
	return cli_password(o->store_password_file, "PIN of the token: ", false, &c->pin, err);
}

/* "pkcs11:token=x;id=%01%02;type=cert?pin-source=..." */
static char *
object_uri(const struct card *c, const char *type, const char *label, struct view id)
{
	OWNED(own_memory) char *what = mem_text("");
	const struct {
		const char *name;
		struct view value;
	} parts[] = {{";id=", id}, {";object=", view_str(label != NULL ? label : "")}};

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		OWNED(own_memory) char *hex = hex_encode(parts[i].value, '%');

		if (parts[i].value.len == 0)
			continue;
		text_list_add(&what, "", parts[i].name);
		text_list_add(&what, "", "%");
		text_list_add(&what, "", hex);
	}
	return text_printf("%s%s%s%s?pin-source=" HELPER_FILE_0, c->base, what,
	    type != NULL ? ";type=" : "", type != NULL ? type : "");
}

static void
add_module(struct helper *h, const struct card *c)
{
	if (c->module != NULL)
		add_argument(h, c->module);
}

/* What is there of it; CRYPT_E_NOT_FOUND. Of several p11tool gives one. */
static bool
ask(const struct card *c, const char *how, const char *uri, struct buf *out, struct err *err)
{
	bool exports = strcmp(how, "--export") == 0;
	struct helper h = {
	    .args = {"p11tool", "--login", "--batch", how, uri, "--outfile", HELPER_FILE_1},
	    .files = {secret_view(&c->pin)},
	    .file_count = 2,
	    .package = "gnutls-bin",
	    .noise = {exports ? "Error in pkcs11_export" : "No matching objects found"},
	    .sign = exports ? "The requested data were not available" : "No matching objects found",
	    .meaning = CRYPT_E_NOT_FOUND};

	add_module(&h, c);
	return helper_run(&h, PFX_FILE_MAX, out, err);
}

/* One object of a key into the token. GnuTLS has one error for all that a token cannot do, and says
 * in its log alone which it was. */
static bool
put(const struct card *c, const char *what, struct view content, const char *label, const char *id,
    struct err *err)
{
	OWNED(own_memory) char *uri = object_uri(c, NULL, NULL, (struct view){0});
	struct helper h = {.args = {"p11tool", "--debug=2", "--login", "--batch", "--write", uri,
			       what, HELPER_FILE_1, "--label", label, "--id", id},
	    .files = {secret_view(&c->pin), content},
	    .file_count = 2,
	    .package = "gnutls-bin",
	    .noise = {"|<", "Setting log level"},
	    .sign = "Insufficient memory available on the device", /* CKR_DEVICE_MEMORY */
	    .meaning = SCARD_E_WRITE_TOO_MANY};

	add_module(&h, c);
	return helper_run(&h, 0, NULL, err);
}

/* A pair on its way to the token. */
struct placing {
	const struct card *card;
	const struct pfx_entry *entry;
	struct buf ski; /* by which its objects are found */
	char *id, *label;
	char *renewed; /* the label of its certificate, where another has that id */
	bool wrote;
};

static void
placing_free(struct placing *p)
{
	buf_free(&p->ski);
	free(p->id);
	free(p->label);
	free(p->renewed);
}

static bool
placing_open(const struct card *card, const struct pfx_entry *e, struct placing *p, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_memory) char *sha1 = NULL;

	p->card = card;
	p->entry = e;
	if (!pkix_cert_decode(buf_view(&e->certificate), &cert, err) ||
	    !pkix_cert_ski(&cert, &p->ski, err))
		return false;
	sha1 = hex_encode(view_of(cert.sha1, sizeof cert.sha1), '\0');
	p->id = hex_encode(buf_view(&p->ski), '\0');
	p->label = mem_text(e->friendly_name != NULL ? e->friendly_name : "dirca");
	p->renewed = text_printf("%s (%.8s)", p->label, sha1);
	return true;
}

static bool
no_room(const struct placing *p, const char *what, struct err *err)
{
	return err->code != SCARD_E_WRITE_TOO_MANY
		   ? false
		   : err_set(err, SCARD_E_WRITE_TOO_MANY,
			 "the %s of %s does not fit on the token: `p11tool --list-all --login` "
			 "shows what it holds, `p11tool --delete` makes room; or take a card with "
			 "more memory",
			 what, p->label);
}

static bool
import_key(struct placing *p, struct err *err)
{
	OWNED(own_memory) char *uri = object_uri(p->card, "private", NULL, buf_view(&p->ski));
	OWNED(buf_free) struct buf there = {0};
	OWNED(secret_free) struct secret key = {0};

	if (ask(p->card, "--list-all", uri, &there, err))
		return true;
	if (err->code != CRYPT_E_NOT_FOUND || !pkcs8_encode(p->entry->key, NULL, &key, err))
		return false;
	p->wrote = true;
	return put(p->card, "--load-privkey", secret_view(&key), p->label, p->id, err) ||
	       no_room(p, "private key", err);
}

enum there { THERE_FAILED, THERE_NONE, THERE_ANOTHER, THERE_IT_IS };

/* A certificate of that key under the label, or under any. */
static enum there
look_for_certificate(const struct placing *p, const char *label, struct err *err)
{
	OWNED(own_memory) char *uri = object_uri(p->card, "cert", label, buf_view(&p->ski));
	OWNED(buf_free) struct buf pem = {0}, der = {0};

	if (!ask(p->card, "--export", uri, &pem, err))
		return err->code == CRYPT_E_NOT_FOUND ? THERE_NONE : THERE_FAILED;
	if (!pem_any(buf_view(&pem), &der, err))
		return THERE_FAILED;
	return view_eq(buf_view(&der), buf_view(&p->entry->certificate)) ? THERE_IT_IS
									 : THERE_ANOTHER;
}

/* A renewed one is another beside it, and known by its label when it comes again. */
static bool
import_certificate(struct placing *p, struct err *err)
{
	const char *const labels[] = {NULL, p->label, p->renewed};
	OWNED(buf_free) struct buf pem = {0};
	const char *label = p->label;

	for (size_t i = 0; i < COUNT_OF(labels); i++) {
		enum there there = look_for_certificate(p, labels[i], err);

		if (there == THERE_FAILED || there == THERE_IT_IS)
			return there == THERE_IT_IS;
		if (there == THERE_NONE && i == 0)
			break;
		label = p->renewed;
	}
	if (!pem_append(&pem, "CERTIFICATE", buf_view(&p->entry->certificate), err))
		return false;
	p->wrote = true;
	return put(p->card, "--load-certificate", buf_view(&pem), label, p->id, err) ||
	       no_room(p, "certificate, whose private key is on it now,", err);
}

bool
key_token_import(const struct cli_options *o, struct pfx_content *c, struct err *err)
{
	OWNED(card_free) struct card card = {0};

	if (!card_open(o, &card, err))
		return false;
	name_keys(c);
	for (size_t i = 0; i < c->key_count; i++) {
		OWNED(placing_free) struct placing p = {0};

		if (!placing_open(&card, &c->keys[i], &p, err) || !import_key(&p, err) ||
		    !import_certificate(&p, err))
			return false;
		print_name(stdout, p.label);
		puts(p.wrote ? "" : ": there already");
	}
	return true;
}
