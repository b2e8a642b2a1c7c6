/* What was found in a file, and the certificates of keys that come without. */
#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "escrow_priv.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkix.h"
#include "text.h"

void
escrow_item_free(struct escrow_item *i)
{
	EVP_PKEY_free(i->key);
	buf_free(&i->entry);
	buf_free(&i->certificate);
	free(i->friendly_name);
	free(i->user);
	free(i->file);
	*i = (struct escrow_item){0};
}

void
escrow_items_free(struct escrow_items *i)
{
	for (size_t k = 0; k < i->count; k++)
		escrow_item_free(&i->list[k]);
	free(i->list);
	free(i->signer);
	escrow_seen_free(i->seen, i->seen_count);
	texts_free(&i->problems);
	*i = (struct escrow_items){0};
}

/* ---- entries of batches ---- */

void
escrow_seen_add(
    struct escrow_seen **list, size_t *count, const struct escrow_seen *of, int32_t index)
{
	struct escrow_seen *s = NULL;

	for (size_t i = 0; s == NULL && i < *count; i++)
		if ((*list)[i].total == of->total &&
		    memcmp((*list)[i].batch, of->batch, sizeof of->batch) == 0)
			s = &(*list)[i];
	if (s == NULL) {
		*list = mem_grow(*list, *count, sizeof **list);
		s = &(*list)[(*count)++];
		*s = (struct escrow_seen){.total = of->total};
		memcpy(s->batch, of->batch, sizeof s->batch);
	}
	s->indexes = mem_grow_long(s->indexes, s->count, sizeof *s->indexes);
	s->indexes[s->count++] = index;
}

static int
by_index(const void *a, const void *b)
{
	const int32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

size_t
escrow_seen_distinct(struct escrow_seen *s)
{
	size_t distinct = 0;

	if (s->count > 0)
		qsort(s->indexes, s->count, sizeof *s->indexes, by_index);
	for (size_t i = 0; i < s->count; i++)
		distinct += i == 0 || s->indexes[i] != s->indexes[i - 1];
	return distinct;
}

void
escrow_seen_free(struct escrow_seen *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].indexes);
	free(list);
}

/* ---- items ---- */

static bool
is_key_of(EVP_PKEY *key, struct view certificate)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_pkey) EVP_PKEY *public = NULL;
	struct err ignored;

	return pkix_cert_decode(certificate, &cert, &ignored) &&
	       pkix_public_key(cert.spki, &public, &ignored) && pkix_same_key(key, public);
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

static struct view
san_of(const struct pkix_cert *cert)
{
	const struct pkix_extension *san = pkix_cert_extension(cert, NID_subject_alt_name);

	return san != NULL ? san->value : (struct view){0};
}

/* Of those of one key, which are renewals of each other, the one that ends last. */
static bool
take_later(const struct buf *der, struct pkix_cert *last, struct view *out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!pkix_cert_decode(buf_view(der), &cert, err))
		return false;
	if (out->len > 0 &&
	    (!view_eq(cert.subject, last->subject) || !view_eq(san_of(&cert), san_of(last))))
		return err_set(err, TYPE_E_AMBIGUOUSNAME,
		    "certificates of several names have this public key; give with --certificates "
		    "the one that is meant");
	if (out->len > 0 && cert.not_after <= last->not_after)
		return true;
	pkix_cert_free(last);
	*last = cert;
	cert = (struct pkix_cert){0};
	*out = buf_view(der);
	return true;
}

bool
escrow_certificates_find(
    struct escrow_certificates *c, EVP_PKEY *key, struct view *out, struct err *err)
{
	OWNED(buf_free) struct buf spki = {0};
	OWNED(pkix_cert_free) struct pkix_cert last = {0};
	struct escrow_certificate wanted = {0}, *found;

	*out = (struct view){0};
	if (!pkix_key_spki(key, &spki, err) ||
	    !pkix_key_hash(buf_view(&spki), wanted.key_hash, err))
		return false;
	if (!c->sorted && c->count > 0)
		qsort(c->list, c->count, sizeof *c->list, by_key);
	c->sorted = true;
	found = c->count > 0 ? bsearch(&wanted, c->list, c->count, sizeof *c->list, by_key) : NULL;
	if (found == NULL)
		return true;
	while (found > c->list && by_key(found - 1, &wanted) == 0)
		found--;
	for (; found < c->list + c->count && by_key(found, &wanted) == 0; found++)
		if (!take_later(&found->der, &last, out, err))
			return false;
	return true;
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
	struct view certificate = {0};
	struct err why;

	if (with->certificates != NULL &&
	    !escrow_certificates_find(with->certificates, key, &certificate, &why)) {
		EVP_PKEY_free(key);
		texts_take(&out->problems, text_printf("%s: %s", what, why.msg));
		return true;
	}
	if (certificate.len > 0)
		return escrow_add(out, key, certificate, NULL, user, source, err);
	EVP_PKEY_free(key);
	texts_take(&out->problems,
	    text_printf(
		"%s: there is no certificate of this key; give it with --certificates", what));
	return true;
}
