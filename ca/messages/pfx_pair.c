/* PKCS#12 of one key and its certificate, as most who write and read one want it. */
#include "pfx.h"

#include <stdlib.h>

#include "mem.h"
#include "own.h"

bool
pfx_encode(EVP_PKEY *key, struct view certificate, const struct view *chain, size_t chain_count,
    const char *friendly_name, const struct secret *password, struct buf *out, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};

	*out = (struct buf){0};
	if (certificate.len == 0)
		return err_set(err, ERROR_INVALID_DATA, "PFX: there is no certificate for it");
	if (!pfx_add_key(&c, key, certificate, friendly_name, err))
		return false;
	for (size_t i = 0; i < chain_count; i++)
		if (!pfx_add_certificate(&c, chain[i], NULL, err))
			return false;
	return pfx_write(&c, password, PFX_AES, out, err);
}

static void
give_certificate(struct pfx *to, struct pfx_entry *from)
{
	if (from->certificate.len > 0)
		to->others[to->other_count++] = buf_give(&from->certificate);
}

static void
take_pair(struct pfx_content *c, struct pfx_entry *e, struct pfx *out)
{
	out->key = own_give(&e->key);
	out->certificate = buf_give(&e->certificate);
	out->others = mem_zero(c->key_count + c->other_count, sizeof *out->others);
	for (size_t i = 0; i < c->key_count; i++)
		give_certificate(out, &c->keys[i]);
	for (size_t i = 0; i < c->other_count; i++)
		give_certificate(out, &c->others[i]);
}

bool
pfx_pair(struct pfx_content *c, struct pfx *out)
{
	*out = (struct pfx){0};
	for (size_t i = 0; i < c->key_count; i++)
		if (c->keys[i].certificate.len > 0) {
			take_pair(c, &c->keys[i], out);
			return true;
		}
	return false;
}

bool
pfx_decode(struct view der, const struct secret *password, struct pfx *out, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};

	*out = (struct pfx){0};
	return pfx_read(der, password, &c, err) &&
	       (pfx_pair(&c, out) ||
		   err_set(err, NTE_BAD_DATA, "PFX: it has no private key with a certificate"));
}

void
pfx_free(struct pfx *p)
{
	for (size_t i = 0; i < p->other_count; i++)
		buf_free(&p->others[i]);
	free(p->others);
	buf_free(&p->certificate);
	EVP_PKEY_free(p->key);
	*p = (struct pfx){0};
}
