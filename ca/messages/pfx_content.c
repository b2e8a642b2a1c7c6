/* Keys and certificates of PKCS#12 files in memory: put together, and nothing twice. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "mem.h"
#include "own_openssl.h"
#include "pfx_priv.h"

struct pfx_key_id
pfx_key_id_of(EVP_PKEY *key)
{
	struct pfx_key_id id = {.asked = true};
	OWNED(own_octets) uint8_t *der = NULL;
	int len = key != NULL ? i2d_PUBKEY(key, &der) : 0;

	ERR_clear_error();
	id.known = len > 0 && EVP_Digest(der, (size_t)len, id.hash, NULL, EVP_sha256(), NULL) == 1;
	return id;
}

static struct pfx_key_id
id_of_certificate(struct view der)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509) X509 *cert = der.len > 0 ? d2i_X509(NULL, &p, (long)der.len) : NULL;
	struct pfx_key_id id = pfx_key_id_of(cert != NULL ? X509_get0_pubkey(cert) : NULL);

	ERR_clear_error();
	return id;
}

const struct pfx_key_id *
pfx_key_id(struct pfx_entry *e)
{
	if (!e->id.asked)
		e->id = e->key != NULL ? pfx_key_id_of(e->key)
				       : id_of_certificate(buf_view(&e->certificate));
	return &e->id;
}

bool
pfx_same_key(struct pfx_entry *a, struct pfx_entry *b)
{
	const struct pfx_key_id *x = pfx_key_id(a), *y = pfx_key_id(b);

	return x->known && y->known && memcmp(x->hash, y->hash, sizeof x->hash) == 0;
}

void
pfx_attrs_free(struct pfx_attrs *a)
{
	for (size_t i = 0; i < a->count; i++)
		buf_free(&a->list[i].value);
	free(a->list);
	*a = (struct pfx_attrs){0};
}

void
pfx_entry_free(struct pfx_entry *e)
{
	EVP_PKEY_free(e->key);
	buf_free(&e->certificate);
	free(e->friendly_name);
	buf_free(&e->local_key_id);
	pfx_attrs_free(&e->of_key);
	pfx_attrs_free(&e->of_certificate);
	*e = (struct pfx_entry){0};
}

void
pfx_content_free(struct pfx_content *c)
{
	for (size_t i = 0; i < c->key_count; i++)
		pfx_entry_free(&c->keys[i]);
	for (size_t i = 0; i < c->other_count; i++)
		pfx_entry_free(&c->others[i]);
	free(c->keys);
	free(c->others);
	*c = (struct pfx_content){0};
}

/* ---- what is there ---- */

static struct pfx_entry *
find_key(const struct pfx_content *c, struct pfx_entry *like)
{
	for (size_t i = 0; i < c->key_count; i++)
		if (pfx_same_key(&c->keys[i], like))
			return &c->keys[i];
	return NULL;
}

static struct pfx_entry *
find_certificate(const struct pfx_content *c, struct view der)
{
	for (size_t i = 0; i < c->key_count; i++)
		if (view_eq(buf_view(&c->keys[i].certificate), der))
			return &c->keys[i];
	for (size_t i = 0; i < c->other_count; i++)
		if (view_eq(buf_view(&c->others[i].certificate), der))
			return &c->others[i];
	return NULL;
}

static void
take_name(struct pfx_entry *to, struct pfx_entry *from)
{
	if (to->friendly_name == NULL)
		to->friendly_name = own_give(&from->friendly_name);
}

/* The certificate moves to the key; it may lie among those alone. */
static void
take_certificate(struct pfx_entry *to, struct pfx_entry *from)
{
	pfx_attrs_free(&to->of_certificate);
	buf_free(&to->certificate);
	to->certificate = buf_give(&from->certificate);
	to->of_certificate = from->of_certificate;
	from->of_certificate = (struct pfx_attrs){0};
	take_name(to, from);
}

static void
drop_other(struct pfx_content *c, struct pfx_entry *e)
{
	size_t at = (size_t)(e - c->others);

	pfx_entry_free(e);
	memmove(e, e + 1, (c->other_count - at - 1) * sizeof *e);
	c->other_count--;
}

/* ---- to put in ---- */

/* A certificate that no key here has. */
static void
put_other(struct pfx_content *c, struct pfx_entry *from)
{
	struct pfx_entry *there = find_certificate(c, buf_view(&from->certificate));

	if (there != NULL) {
		take_name(there, from);
		return;
	}
	for (size_t i = 0; i < c->key_count; i++)
		if (c->keys[i].certificate.len == 0 && pfx_same_key(&c->keys[i], from)) {
			take_certificate(&c->keys[i], from);
			return;
		}
	c->others = mem_grow_long(c->others, c->other_count, sizeof *c->others);
	c->others[c->other_count] = (struct pfx_entry){.id = from->id};
	take_certificate(&c->others[c->other_count++], from);
}

static struct pfx_entry *
certificate_of(const struct pfx_content *c, struct pfx_entry *key)
{
	for (size_t i = 0; i < c->other_count; i++)
		if (pfx_same_key(&c->others[i], key))
			return &c->others[i];
	return NULL;
}

static void
put_key(struct pfx_content *c, struct pfx_entry *from)
{
	struct pfx_entry *there = find_key(c, from), *alone;

	if (there == NULL) {
		c->keys = mem_grow_long(c->keys, c->key_count, sizeof *c->keys);
		there = &c->keys[c->key_count++];
		*there = *from;
		*from = (struct pfx_entry){0};
		alone = there->certificate.len > 0
			    ? find_certificate(c, buf_view(&there->certificate))
			    : certificate_of(c, there);
		if (alone == NULL || alone->key != NULL)
			return;
		if (there->certificate.len == 0)
			take_certificate(there, alone);
		drop_other(c, alone);
	} else if (there->certificate.len == 0) {
		take_certificate(there, from);
	} else {
		take_name(there, from);
		if (from->certificate.len > 0)
			put_other(c, from);
	}
}

void
pfx_merge(struct pfx_content *to, struct pfx_content *from)
{
	for (size_t i = 0; i < from->key_count; i++)
		put_key(to, &from->keys[i]);
	for (size_t i = 0; i < from->other_count; i++)
		put_other(to, &from->others[i]);
	pfx_content_free(from);
}

static bool
check_certificate(struct view der, EVP_PKEY *key, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509)
	X509 *cert =
	    der.len > 0 && der.len <= PFX_FILE_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;

	if (cert == NULL || p != der.ptr + der.len)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "PFX: a certificate for it is malformed");
	if (key != NULL && X509_check_private_key(cert, key) != 1)
		return err_openssl(err, DIRCA_E_KEY_MISMATCH,
		    "PFX: the private key is not that of the certificate");
	return true;
}

bool
pfx_add_key(struct pfx_content *c, EVP_PKEY *key, struct view certificate, const char *name,
    struct err *err)
{
	OWNED(pfx_entry_free) struct pfx_entry e = {0};

	if ((certificate.len > 0 && !check_certificate(certificate, key, err)) ||
	    !buf_dup(certificate, &e.certificate, err))
		return false;
	if (EVP_PKEY_up_ref(key) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "PFX: a key of it cannot be held");
	e.key = key;
	e.friendly_name = mem_text(name);
	put_key(c, &e);
	return true;
}

bool
pfx_add_certificate(
    struct pfx_content *c, struct view certificate, const char *name, struct err *err)
{
	OWNED(pfx_entry_free) struct pfx_entry e = {0};

	if (!check_certificate(certificate, NULL, err) ||
	    !buf_dup(certificate, &e.certificate, err))
		return false;
	e.friendly_name = mem_text(name);
	put_other(c, &e);
	return true;
}
