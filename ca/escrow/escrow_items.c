/* What was found in a file, and the certificates of keys that come without. */
#include <stdlib.h>
#include <string.h>

#include "escrow_priv.h"
#include "mem.h"
#include "own_openssl.h"
#include "text.h"

void
escrow_items_free(struct escrow_items *i)
{
	for (size_t k = 0; k < i->count; k++) {
		EVP_PKEY_free(i->list[k].key);
		buf_free(&i->list[k].entry);
		buf_free(&i->list[k].certificate);
		free(i->list[k].friendly_name);
		free(i->list[k].user);
		free(i->list[k].file);
	}
	free(i->list);
	free(i->signer);
	free(i->seen);
	texts_free(&i->problems);
	*i = (struct escrow_items){0};
}

static bool
is_key_of(EVP_PKEY *key, struct view certificate)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_pkey) EVP_PKEY *public = NULL;
	struct err ignored;

	return pkix_cert_decode(certificate, &cert, &ignored) &&
	       pkix_public_key(cert.spki, &public, &ignored) && EVP_PKEY_eq(key, public) == 1;
}

bool
escrow_add(struct escrow_items *i, EVP_PKEY *key, struct view certificate, const char *name,
    const char *user, const char *source, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *taken = key;
	struct escrow_item item = {.source = source};

	if (!is_key_of(key, certificate))
		return err_set(err, DIRCA_E_KEY_MISMATCH,
		    "a private key is not that of the certificate with it");
	if (!buf_dup(certificate, &item.certificate, err))
		return false;
	item.key = own_give(&taken);
	item.friendly_name = mem_text(name);
	item.user = mem_text(user);
	i->list = mem_grow_long(i->list, i->count, sizeof *i->list);
	i->list[i->count++] = item;
	return true;
}

/* ---- certificates of keys that come without ---- */

bool
escrow_certificates_add(struct escrow_certificates *c, struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct escrow_certificate new = {0};

	if (!pkix_cert_decode(der, &cert, err) || !pkix_key_hash(cert.spki, new.key_hash, err) ||
	    !buf_dup(der, &new.der, err))
		return false;
	c->list = mem_grow_long(c->list, c->count, sizeof *c->list);
	c->list[c->count++] = new;
	c->sorted = false;
	return true;
}

static int
by_key(const void *a, const void *b)
{
	const struct escrow_certificate *x = a, *y = b;

	return memcmp(x->key_hash, y->key_hash, sizeof x->key_hash);
}

struct view
escrow_certificates_find(struct escrow_certificates *c, EVP_PKEY *key)
{
	OWNED(buf_free) struct buf spki = {0};
	struct escrow_certificate wanted = {0}, *found;
	struct err ignored;

	if (!pkix_key_spki(key, &spki, &ignored) ||
	    !pkix_key_hash(buf_view(&spki), wanted.key_hash, &ignored) || c->count == 0)
		return (struct view){0};
	if (!c->sorted)
		qsort(c->list, c->count, sizeof *c->list, by_key);
	c->sorted = true;
	found = bsearch(&wanted, c->list, c->count, sizeof *c->list, by_key);
	return found != NULL ? buf_view(&found->der) : (struct view){0};
}

void
escrow_certificates_free(struct escrow_certificates *c)
{
	for (size_t i = 0; i < c->count; i++)
		buf_free(&c->list[i].der);
	free(c->list);
	*c = (struct escrow_certificates){0};
}

bool
escrow_add_alone(const struct escrow_with *with, EVP_PKEY *key, const char *what, const char *user,
    const char *source, struct escrow_items *out, struct err *err)
{
	struct view certificate = with->certificates != NULL
				      ? escrow_certificates_find(with->certificates, key)
				      : (struct view){0};

	if (certificate.len > 0)
		return escrow_add(out, key, certificate, NULL, user, source, err);
	EVP_PKEY_free(key);
	texts_take(&out->problems,
	    text_printf(
		"%s: there is no certificate of this key; give it with --certificates", what));
	return true;
}
