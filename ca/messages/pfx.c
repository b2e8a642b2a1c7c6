/* Writing PKCS#12: the certificates in encrypted parts, the keys, each encrypted, in others. */
#include <stdlib.h>
#include <string.h>

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "mem.h"
#include "own_openssl.h"
#include "pfx_priv.h"
#include "text.h"

/* A derivation for the MAC, one a part of certificates, one a key. What readers still take: .NET's
 * loader refuses more than 300,000 for one of them, Java more than 5,000,000; a reader of PKCS#8
 * files that is ours alone is asked for more (pkcs8.h). */
#define ITERATIONS       300000
#define ITERATIONS_LEAST 10000             /* as keytool; Windows has 2,000 */
#define ITERATIONS_KEYS  (20 * ITERATIONS) /* of all of them: who reads them waits for it */

/* Of one part of the file GnuTLS 3.7 keeps no more (MAX_BAG_ELEMENTS), and says nothing. */
#define PART_BAGS 32

struct writer {
	const char *password;
	enum pfx_strength strength;
	int iterations;
	char **names; /* that keys have been given */
	size_t name_count;
	STACK_OF(PKCS12_SAFEBAG) * key_bags, *certificate_bags;
	STACK_OF(PKCS7) * safes;
};

static void
writer_end(struct writer *w)
{
	for (size_t i = 0; i < w->name_count; i++)
		free(w->names[i]);
	free(w->names);
	sk_PKCS12_SAFEBAG_pop_free(w->key_bags, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(w->certificate_bags, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(w->safes, PKCS7_free);
}

static bool
not_made(struct err *err)
{
	return err_openssl(err, DIRCA_E_CRYPTO, "PFX: it could not be made");
}

static int
cipher(const struct writer *w)
{
	return w->strength == PFX_LEGACY ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
}

static int
iterations_of(const struct pfx_content *what)
{
	size_t keys = what->key_count, derivations = keys + (keys + what->other_count) / PART_BAGS;
	size_t each = derivations > 0 ? ITERATIONS_KEYS / derivations : ITERATIONS;

	return each > ITERATIONS         ? ITERATIONS
	       : each < ITERATIONS_LEAST ? ITERATIONS_LEAST
					 : (int)each;
}

/* ---- names ---- */

static bool
is_taken(const struct writer *w, const char *name)
{
	for (size_t i = 0; i < w->name_count; i++)
		if (text_eq_fold(w->names[i], name))
			return true;
	return false;
}

/* The name, or "name (2)"; remembered. */
static const char *
unique_name(struct writer *w, const char *name)
{
	char *unique = mem_text(name);

	for (size_t n = 2; is_taken(w, unique); n++) {
		free(unique);
		unique = text_printf("%s (%zu)", name, n);
	}
	w->names = mem_grow_long(w->names, w->name_count, sizeof *w->names);
	return w->names[w->name_count++] = unique;
}

/* BMPString, with surrogates beyond it as Windows writes them. */
static bool
set_name(PKCS12_SAFEBAG *bag, const char *name, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	if (!utf16le_encode(name, &text, err))
		return false;
	for (size_t i = 0; i + 1 < text.len; i += 2) {
		uint8_t low = text.ptr[i];

		text.ptr[i] = text.ptr[i + 1];
		text.ptr[i + 1] = low;
	}
	return PKCS12_add1_attr_by_NID(
		   bag, NID_friendlyName, V_ASN1_BMPSTRING, text.ptr, (int)text.len) == 1 ||
	       not_made(err);
}

/* ---- bags ---- */

static bool
set_attributes(PKCS12_SAFEBAG *bag, struct view certificate, const char *name,
    const struct pfx_attrs *more, struct err *err)
{
	uint8_t id[20];

	if (certificate.len > 0 &&
	    (EVP_Digest(certificate.ptr, certificate.len, id, NULL, EVP_sha1(), NULL) != 1 ||
		PKCS12_add_localkeyid(bag, id, sizeof id) != 1))
		return not_made(err);
	if (name != NULL && *name != '\0' && !set_name(bag, name, err))
		return false;
	for (size_t i = 0; i < more->count; i++) {
		const struct pfx_attr *a = &more->list[i];

		if (PKCS12_add1_attr_by_txt(
			bag, a->oid, a->type, a->value.ptr, (int)a->value.len) != 1)
			return not_made(err);
	}
	return true;
}

static bool
add_certificate(
    struct writer *w, const struct pfx_entry *e, const char *name, bool with_id, struct err *err)
{
	struct view der = buf_view(&e->certificate);
	const unsigned char *p = der.ptr;
	OWNED(own_x509) X509 *cert = d2i_X509(NULL, &p, (long)der.len);
	PKCS12_SAFEBAG *bag = cert != NULL ? PKCS12_add_cert(&w->certificate_bags, cert) : NULL;

	if (bag == NULL)
		return not_made(err);
	return set_attributes(bag, with_id ? der : (struct view){0}, name, &e->of_certificate, err);
}

static bool
add_pair(struct writer *w, const struct pfx_entry *e, struct err *err)
{
	const char *name = e->friendly_name != NULL && *e->friendly_name != '\0'
			       ? unique_name(w, e->friendly_name)
			       : NULL;
	PKCS12_SAFEBAG *bag = PKCS12_add_key_ex(
	    &w->key_bags, e->key, 0, w->iterations, cipher(w), w->password, NULL, NULL);

	if (bag == NULL)
		return not_made(err);
	return set_attributes(bag, buf_view(&e->certificate), name, &e->of_key, err) &&
	       (e->certificate.len == 0 || add_certificate(w, e, name, true, err));
}

static bool
add_bags(struct writer *w, const struct pfx_content *what, struct err *err)
{
	for (size_t i = 0; i < what->key_count; i++)
		if (!add_pair(w, &what->keys[i], err))
			return false;
	for (size_t i = 0; i < what->other_count; i++)
		if (!add_certificate(
			w, &what->others[i], what->others[i].friendly_name, false, err))
			return false;
	return true;
}

/* `nid`: PKCS12_add_safe's. */
static bool
add_parts(struct writer *w, STACK_OF(PKCS12_SAFEBAG) * bags, int nid)
{
	bool ok = true;

	for (int i = 0; ok && i < sk_PKCS12_SAFEBAG_num(bags);) {
		STACK_OF(PKCS12_SAFEBAG) *part = sk_PKCS12_SAFEBAG_new_null();

		for (int n = 0; n < PART_BAGS && i < sk_PKCS12_SAFEBAG_num(bags); n++, i++)
			ok = ok &&
			     sk_PKCS12_SAFEBAG_push(part, sk_PKCS12_SAFEBAG_value(bags, i)) > 0;
		ok = ok && PKCS12_add_safe(&w->safes, part, nid, w->iterations, w->password) == 1;
		sk_PKCS12_SAFEBAG_free(part);
	}
	return ok;
}

/* PKCS12_set_mac takes the digest's own default of the salt's length. */
static PKCS12 *
finish(struct writer *w)
{
	OWNED(own_pkcs12) PKCS12 *p12 = NULL;

	if (!add_parts(w, w->certificate_bags, cipher(w)) || !add_parts(w, w->key_bags, -1))
		return NULL;
	p12 = PKCS12_add_safes(w->safes, 0);
	if (p12 == NULL || PKCS12_set_mac(p12, w->password, -1, NULL, 0, ITERATIONS,
			       w->strength == PFX_LEGACY ? EVP_sha1() : EVP_sha256()) != 1)
		return NULL;
	return own_give(&p12);
}

bool
pfx_write(const struct pfx_content *what, const struct secret *password, enum pfx_strength strength,
    struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret pass = {0};
	OWNED(writer_end)
	struct writer w = {.strength = strength, .iterations = iterations_of(what)};
	OWNED(own_pkcs12) PKCS12 *p12 = NULL;
	uint8_t *der = NULL;
	int len = 0;

	*out = (struct buf){0};
	if (password->len == 0)
		return err_set(err, E_INVALIDARG, "PFX: the password is empty");
	if (what->key_count == 0 && what->other_count == 0)
		return err_set(err, E_INVALIDARG, "PFX: there is nothing to put into it");
	if (!pfx_password(password, &pass, err))
		return false;
	w.password = (const char *)pass.ptr;
	if (!add_bags(&w, what, err))
		return false;
	if ((p12 = finish(&w)) == NULL)
		return not_made(err);
	len = i2d_PKCS12(p12, &der);
	return buf_take_openssl(der, len, out, err);
}
