/*
 * Reading PKCS#12. OpenSSL's own reader gives one key of a file that may have several, and not what
 * Windows up to 2012 R2 wrote, which needs 40-bit RC2 (pbe.h).
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "mem.h"
#include "own_openssl.h"
#include "pbe.h"
#include "pkcs8.h"
#include "pfx_priv.h"
#include "text.h"
#include "utf8.h"

#define MAX_DEPTH       4 /* of bags in bags */
#define MAX_ATTRIBUTES  32
#define NAME_MAX_OCTETS 1024
#define PBMAC1_SINCE    0x30400000UL

bool
pfx_password(const struct secret *password, struct secret *out, struct err *err)
{
	struct view v = secret_view(password);

	*out = (struct secret){0};
	if ((v.len > 0 && memchr(v.ptr, 0, v.len) != NULL) || !text_is_utf8(v))
		return err_set(err, E_INVALIDARG, "the PFX password is not UTF-8 text");
	if (!secret_alloc(v.len + 1, out, err))
		return false;
	if (v.len > 0)
		memcpy(out->ptr, v.ptr, v.len);
	out->ptr[v.len] = 0;
	return true;
}

/* Each octet as a character of its own: so OpenSSL before 1.1 took what was typed in UTF-8, and so
 * a password is to be read that was saved in Latin-1. As OpenSSL wants it. */
static bool
octet_by_octet(const struct secret *password, struct secret *out, struct err *err)
{
	size_t len = 0;

	if (!secret_alloc(2 * password->len + 1, out, err))
		return false;
	for (size_t i = 0; i < password->len; i++)
		len += utf8_put(password->ptr[i], (char *)out->ptr + len);
	out->ptr[len] = 0;
	return true;
}

static bool
is_ascii(const struct secret *password)
{
	for (size_t i = 0; i < password->len; i++)
		if (password->ptr[i] >= 0x80)
			return false;
	return true;
}

/* What it may have been for the program that wrote the file: for the MAC and what is encrypted by
 * the means of PKCS#12 itself, which take 16 bits a character, the first two. PBES2 takes octets,
 * and programs never agreed on which: those of the text in UTF-8 (GnuTLS, Java), those
 * that were typed (OpenSSL, in a terminal of any kind), 16 bits a character with a NUL (NSS) or
 * without. */
struct spellings {
	struct secret typed, octets; /* the second is empty where it is the first */
	struct secret latin1, wide;  /* empty: it has none in Latin-1; with its NUL */
};

static void
spellings_free(struct spellings *s)
{
	secret_free(&s->typed);
	secret_free(&s->octets);
	secret_free(&s->latin1);
	secret_free(&s->wide);
}

static bool
spell_latin1(const char *typed, struct secret *out, struct err *err)
{
	struct view left = view_str(typed);
	size_t len = 0, octets;
	uint32_t c;

	if (left.len == 0)
		return true;
	if (!secret_alloc(left.len, out, err))
		return false;
	for (; left.len > 0; left = view_of(left.ptr + octets, left.len - octets)) {
		if ((octets = utf8_next(left, &c)) == 0 || c > 0xff) {
			secret_free(out);
			return true;
		}
		out->ptr[len++] = (uint8_t)c;
	}
	secret_shrink(out, len);
	return true;
}

static bool
spell_wide(const char *typed, struct secret *out, struct err *err)
{
	unsigned char *wide = NULL;
	int len = 0;
	bool ok = OPENSSL_utf82uni(typed, -1, &wide, &len) == NULL ||
		  secret_dup(view_of(wide, (size_t)len), out, err);

	OPENSSL_clear_free(wide, (size_t)len);
	return ok;
}

static bool
spell(const struct secret *password, struct spellings *out, struct err *err)
{
	bool ok;

	if (password->len > 0 && !text_is_utf8(secret_view(password)) &&
	    memchr(password->ptr, 0, password->len) == NULL)
		ok = octet_by_octet(password, &out->typed, err);
	else
		ok = pfx_password(password, &out->typed, err) &&
		     (is_ascii(password) || octet_by_octet(password, &out->octets, err));
	return ok && spell_latin1((const char *)out->typed.ptr, &out->latin1, err) &&
	       spell_wide((const char *)out->typed.ptr, &out->wide, err);
}

static bool
too_much(struct err *err)
{
	return err_set(err, NTE_BAD_DATA,
	    "PFX: its iteration count is not within 1 to %d, or too great for all of it",
	    PBE_MAX_ONCE);
}

/* ---- the MAC ---- */

static bool
not_verified(bool is_pbmac1, struct err *err)
{
	ERR_clear_error();
	if (is_pbmac1 && OpenSSL_version_num() < PBMAC1_SINCE)
		return err_set(err, NTE_BAD_DATA,
		    "PFX: its MAC is PBMAC1 (RFC 9579), which OpenSSL verifies from 3.4 on");
	return err_set(err, NTE_BAD_DATA, "PFX: the password is wrong, or the file is damaged");
}

/* Programs encode an empty password as a NUL, or as nothing; *password is then the one that it is.
 */
static bool
mac_is_right(PKCS12 *p12, const struct spellings *s, const char **password, struct err *err)
{
	const ASN1_INTEGER *count = NULL;
	const X509_ALGOR *alg = NULL;
	bool is_pbmac1;

	if (PKCS12_mac_present(p12) != 1)
		return err_set(err, NTE_BAD_DATA,
		    "PFX: it has no MAC, so that nobody can tell whether it was changed");
	PKCS12_get0_mac(NULL, &alg, NULL, &count, p12);
	is_pbmac1 = alg != NULL && OBJ_obj2nid(alg->algorithm) == NID_pbmac1;
	if (pbe_count(count) > PBE_MAX_ONCE || (is_pbmac1 && pbe_cost(alg) > PBE_MAX_ONCE))
		return too_much(err);
	*password = (const char *)s->typed.ptr;
	if (PKCS12_verify_mac(p12, *password, -1) == 1)
		return true;
	if (s->octets.len > 0 && PKCS12_verify_mac(p12, (const char *)s->octets.ptr, -1) == 1) {
		*password = (const char *)s->octets.ptr;
		return true;
	}
	if (**password == '\0' && PKCS12_verify_mac(p12, NULL, 0) == 1) {
		*password = NULL;
		return true;
	}
	return not_verified(is_pbmac1, err);
}

/* ---- bags ---- */

struct bag {
	struct pfx_entry entry;
	bool is_taken;
};
struct bags {
	struct bag *list;
	size_t count;
};

#define OCTETS_MAX 6

struct reader {
	struct pbe_context pbe;
	const char *password;
	struct view octets[OCTETS_MAX]; /* for PBES2; that which opened a part comes first */
	size_t octet_count;
	int64_t left; /* iterations */
	struct bags keys, certificates;
};

static void
bags_free(struct bags *b)
{
	for (size_t i = 0; i < b->count; i++)
		pfx_entry_free(&b->list[i].entry);
	free(b->list);
}

static void
reader_end(struct reader *r)
{
	bags_free(&r->keys);
	bags_free(&r->certificates);
	pbe_close(&r->pbe);
}

/* The MAC was right, and so the password is. */
static bool
not_opened(const struct reader *r, struct err *err)
{
	return err_openssl(
	    err, NTE_BAD_DATA, "PFX: a part of it cannot be opened%s", pbe_missing(&r->pbe));
}

static bool
pay(struct reader *r, const X509_ALGOR *alg, struct err *err)
{
	int64_t cost = pbe_cost(alg);

	if (cost > PBE_MAX_ONCE || cost > r->left)
		return too_much(err);
	r->left -= cost;
	return true;
}

static void
add_octets(struct reader *r, struct view v)
{
	for (size_t i = 0; i < r->octet_count; i++)
		if (view_eq(r->octets[i], v))
			return;
	r->octets[r->octet_count++] = v;
}

/* r->password is what the MAC says. */
static void
list_octets(struct reader *r, const struct secret *password, const struct spellings *s)
{
	struct view wide = secret_view(&s->wide);

	add_octets(r, view_str(r->password != NULL ? r->password : ""));
	add_octets(r, view_str((const char *)s->typed.ptr));
	add_octets(r, secret_view(password));
	add_octets(r, secret_view(&s->latin1));
	add_octets(r, wide);
	if (wide.len >= 2)
		add_octets(r, view_of(wide.ptr, wide.len - 2));
}

/* False: it does not open it. */
typedef bool opener(struct reader *r, const void *part, const char *password, int len, void *out);

static bool
open_part(struct reader *r, const X509_ALGOR *alg, opener *open, const void *part, void *out,
    struct err *err)
{
	bool by_octets = OBJ_obj2nid(alg->algorithm) == NID_pbes2;

	if (!by_octets)
		return pay(r, alg, err) &&
		       (open(r, part, r->password, -1, out) || not_opened(r, err));
	for (size_t i = 0; i < r->octet_count; i++) {
		struct view v = r->octets[i];

		if (!pay(r, alg, err))
			return false;
		if (!open(r, part, (const char *)v.ptr, (int)v.len, out))
			continue;
		r->octets[i] = r->octets[0];
		r->octets[0] = v;
		return true;
	}
	return not_opened(r, err);
}

/* ---- attributes ---- */

static char *
read_name(const ASN1_TYPE *value)
{
	OWNED(buf_free) struct buf text = {0};
	char *name = NULL;
	struct err ignored;
	struct view v;

	if (value == NULL || value->type != V_ASN1_BMPSTRING)
		return NULL;
	v = view_of(value->value.bmpstring->data, (size_t)value->value.bmpstring->length);
	if (v.len > NAME_MAX_OCTETS || !buf_dup(v, &text, &ignored))
		return NULL;
	for (size_t i = 0; i + 1 < text.len; i += 2) {
		text.ptr[i] = v.ptr[i + 1];
		text.ptr[i + 1] = v.ptr[i];
	}
	if (text.len >= 2 && text.ptr[text.len - 1] == 0 && text.ptr[text.len - 2] == 0)
		text.len -= 2; /* some write the end of the string, too */
	return text.len > 0 && utf16le_decode(buf_view(&text), &name, &ignored) ? name : NULL;
}

static bool
read_id(const ASN1_TYPE *value, struct buf *out, struct err *err)
{
	if (value == NULL || value->type != V_ASN1_OCTET_STRING)
		return true;
	return buf_dup(
	    view_of(value->value.octet_string->data, (size_t)value->value.octet_string->length),
	    out, err);
}

/* What X509_ATTRIBUTE_set1_data can write again. */
static bool
is_string(int type)
{
	return type != V_ASN1_BOOLEAN && type != V_ASN1_NULL && type != V_ASN1_OBJECT &&
	       type != V_ASN1_BIT_STRING && type != V_ASN1_INTEGER && type != V_ASN1_ENUMERATED &&
	       type != V_ASN1_OTHER && type > 0;
}

static bool
read_attribute(X509_ATTRIBUTE *from, struct pfx_attrs *to, struct err *err)
{
	int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(from)), count = X509_ATTRIBUTE_count(from);
	const ASN1_TYPE *value = count == 1 ? X509_ATTRIBUTE_get0_type(from, 0) : NULL;
	struct pfx_attr *a;

	if (nid == NID_friendlyName || nid == NID_localKeyID || count > 1 ||
	    (value != NULL && !is_string(value->type)))
		return true;
	to->list = mem_grow(to->list, to->count, sizeof *to->list);
	a = &to->list[to->count];
	*a = (struct pfx_attr){.type = value != NULL ? value->type : 0};
	if (OBJ_obj2txt(a->oid, sizeof a->oid, X509_ATTRIBUTE_get0_object(from), 1) >=
	    (int)sizeof a->oid)
		return true;
	if (value != NULL && !buf_dup(view_of(value->value.asn1_string->data,
					  (size_t)value->value.asn1_string->length),
				 &a->value, err))
		return false;
	to->count++;
	return true;
}

static bool
read_attributes(
    const PKCS12_SAFEBAG *bag, struct pfx_entry *to, struct pfx_attrs *more, struct err *err)
{
	const STACK_OF(X509_ATTRIBUTE) *list = PKCS12_SAFEBAG_get0_attrs(bag);

	if (sk_X509_ATTRIBUTE_num(list) > MAX_ATTRIBUTES)
		return err_set(err, NTE_BAD_DATA, "PFX: a bag of it has more than %d attributes",
		    MAX_ATTRIBUTES);
	to->friendly_name = read_name(PKCS12_SAFEBAG_get0_attr(bag, NID_friendlyName));
	if (!read_id(PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID), &to->local_key_id, err))
		return false;
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(list); i++)
		if (!read_attribute(sk_X509_ATTRIBUTE_value(list, i), more, err))
			return false;
	return true;
}

/* ---- keys and certificates ---- */

static struct bag *
new_bag(struct bags *b)
{
	b->list = mem_grow_long(b->list, b->count, sizeof *b->list);
	b->list[b->count] = (struct bag){0};
	return &b->list[b->count++];
}

static bool
add_key(
    struct reader *r, const PKCS12_SAFEBAG *bag, const PKCS8_PRIV_KEY_INFO *plain, struct err *err)
{
	EVP_PKEY *key;
	struct bag *b;

	if (!pkcs8_key(plain, &key, err))
		return err_prefix(err, "PFX");
	b = new_bag(&r->keys);
	b->entry.key = key;
	return read_attributes(bag, &b->entry, &b->entry.of_key, err);
}

static bool
decrypt_key(struct reader *r, const void *part, const char *password, int len, void *out)
{
	PKCS8_PRIV_KEY_INFO **plain = out;

	*plain = PKCS12_decrypt_skey_ex(part, password, len, r->pbe.context, NULL);
	return *plain != NULL;
}

static bool
open_key(struct reader *r, const PKCS12_SAFEBAG *bag, struct err *err)
{
	OWNED(own_pkcs8) PKCS8_PRIV_KEY_INFO *plain = NULL;
	const X509_ALGOR *alg = NULL;

	X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &alg, NULL);
	return open_part(r, alg, decrypt_key, bag, &plain, err) && add_key(r, bag, plain, err);
}

static bool
add_certificate(struct reader *r, const PKCS12_SAFEBAG *bag, struct err *err)
{
	OWNED(own_x509) X509 *cert = NULL;
	uint8_t *der = NULL;
	struct bag *b;
	int len;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return true;
	if ((cert = PKCS12_SAFEBAG_get1_cert(bag)) == NULL)
		return err_openssl(err, NTE_BAD_DATA, "PFX: a certificate in it is malformed");
	len = i2d_X509(cert, &der);
	b = new_bag(&r->certificates);
	if (!buf_take_openssl(der, len, &b->entry.certificate, err))
		return false;
	b->entry.id = pfx_key_id_of(X509_get0_pubkey(cert));
	return read_attributes(bag, &b->entry, &b->entry.of_certificate, err);
}

static bool
read_bags(struct reader *r, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth, struct err *err)
{
	bool ok = true;

	if (depth > MAX_DEPTH)
		return err_set(err, NTE_BAD_DATA, "PFX: bags lie in bags too deeply");
	for (int i = 0; ok && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);

		switch (PKCS12_SAFEBAG_get_nid(bag)) {
		case NID_keyBag:
			ok = add_key(r, bag, PKCS12_SAFEBAG_get0_p8inf(bag), err);
			break;
		case NID_pkcs8ShroudedKeyBag:
			ok = open_key(r, bag, err);
			break;
		case NID_certBag:
			ok = add_certificate(r, bag, err);
			break;
		case NID_safeContentsBag:
			ok = read_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1, err);
			break;
		default: /* secrets, CRLs */
			break;
		}
	}
	return ok;
}

/* PKCS12_unpack_p7encdata, in the reader's context. */
static bool
decrypt_safe(struct reader *r, const void *part, const char *password, int len, void *out)
{
	const PKCS7_ENC_CONTENT *sealed = part;
	STACK_OF(PKCS12_SAFEBAG) **bags = out;

	*bags = PKCS12_item_decrypt_d2i_ex(sealed->algorithm, ASN1_ITEM_rptr(PKCS12_SAFEBAGS),
	    password, len, sealed->enc_data, 1, r->pbe.context, NULL);
	return *bags != NULL;
}

static bool
open_safe(struct reader *r, const PKCS7 *p7, STACK_OF(PKCS12_SAFEBAG) * *out, struct err *err)
{
	const PKCS7_ENC_CONTENT *sealed;

	if (PKCS7_type_is_data(p7))
		*out = PKCS12_unpack_p7data((PKCS7 *)(uintptr_t)p7);
	else if (PKCS7_type_is_encrypted(p7) && p7->d.encrypted != NULL &&
		 (sealed = p7->d.encrypted->enc_data)->enc_data != NULL)
		return open_part(r, sealed->algorithm, decrypt_safe, sealed, out, err);
	return *out != NULL || not_opened(r, err);
}

static bool
read_safe(struct reader *r, const PKCS7 *p7, struct err *err)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	bool ok = open_safe(r, p7, &bags, err) && read_bags(r, bags, 0, err);

	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return ok;
}

static bool
read_safes(struct reader *r, const PKCS12 *p12, struct err *err)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	bool ok = safes != NULL || not_opened(r, err);

	for (int i = 0; ok && i < sk_PKCS7_num(safes); i++)
		ok = read_safe(r, sk_PKCS7_value(safes, i), err);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return ok;
}

/* ---- which certificate is which key's ---- */

static struct bag *
certificate_of(const struct reader *r, struct bag *key)
{
	struct bag *first = NULL;

	for (size_t i = 0; i < r->certificates.count; i++) {
		struct bag *c = &r->certificates.list[i];

		if (!pfx_same_key(&c->entry, &key->entry))
			continue;
		if (key->entry.local_key_id.len > 0 &&
		    view_eq(buf_view(&c->entry.local_key_id), buf_view(&key->entry.local_key_id)))
			return c;
		if (first == NULL)
			first = c;
	}
	return first;
}

static bool
take_key(const struct reader *r, struct bag *key, struct pfx_content *out, struct err *err)
{
	struct bag *of = certificate_of(r, key);
	struct pfx_entry *e = &key->entry;

	if (of != NULL) {
		if (!buf_dup(buf_view(&of->entry.certificate), &e->certificate, err))
			return false;
		if (!of->is_taken) {
			e->of_certificate = of->entry.of_certificate;
			of->entry.of_certificate = (struct pfx_attrs){0};
		}
		if (e->friendly_name == NULL)
			e->friendly_name = mem_text(of->entry.friendly_name);
		of->is_taken = true;
	}
	out->keys = mem_grow_long(out->keys, out->key_count, sizeof(*out->keys));
	out->keys[out->key_count++] = *e;
	*e = (struct pfx_entry){0};
	return true;
}

static bool
take_all(struct reader *r, struct pfx_content *out, struct err *err)
{
	for (size_t i = 0; i < r->keys.count; i++)
		if (!take_key(r, &r->keys.list[i], out, err))
			return false;
	for (size_t i = 0; i < r->certificates.count; i++) {
		struct bag *c = &r->certificates.list[i];

		if (c->is_taken)
			continue;
		out->others = mem_grow_long(out->others, out->other_count, sizeof *out->others);
		out->others[out->other_count++] = c->entry;
		c->entry = (struct pfx_entry){0};
	}
	return true;
}

bool
pfx_read_within(struct view der, const struct secret *password, int64_t iterations,
    struct pfx_content *out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(pfx_content_free) struct pfx_content content = {0};
	OWNED(spellings_free) struct spellings pass = {0};
	OWNED(own_pkcs12) PKCS12 *p12 = NULL;
	OWNED(reader_end) struct reader r = {.left = iterations};

	*out = content;
	if (der.len > PFX_FILE_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "PFX of %zu bytes: at most %d are read",
		    der.len, PFX_FILE_MAX);
	if (!spell(password, &pass, err))
		return false;
	if (der.len == 0 || (p12 = d2i_PKCS12(NULL, &p, (long)der.len)) == NULL ||
	    p != der.ptr + der.len)
		return err_openssl(
		    err, NTE_BAD_DATA, "PFX: it is not one, or bytes are missing or left over");
	if (!mac_is_right(p12, &pass, &r.password, err) || !pbe_open(&r.pbe, err))
		return false;
	list_octets(&r, password, &pass);
	if (!read_safes(&r, p12, err) || !take_all(&r, &content, err))
		return false;
	ERR_clear_error();
	*out = content;
	content = (struct pfx_content){0};
	return true;
}

bool
pfx_read(struct view der, const struct secret *password, struct pfx_content *out, struct err *err)
{
	return pfx_read_within(der, password, PBE_MAX_ALL, out, err);
}
