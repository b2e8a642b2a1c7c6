#include "ca_authority.h"

#include <stdlib.h>

#include "file.h"
#include "mem.h"
#include "own.h"
#include "pem.h"
#include "renew.h"

static bool
add_cross(struct ca_crosses *c, const struct ca_issuers *own, struct view der, struct err *err)
{
	struct ca_cross *x = &c->list[c->count];

	if (!pkix_cert_decode(der, &x->cert, err))
		return false;
	x->by = ca_issuers_find(own, &x->cert);
	x->of = ca_issuers_of_key(own, x->cert.spki);
	/* One with SHA-1 goes to nobody: unlike a root's word about itself it would be relied on.
	 */
	if (x->by != NULL && x->of != NULL)
		c->count++;
	else
		pkix_cert_free(&x->cert);
	return true;
}

bool
ca_crosses_read(const struct config *config, const struct ca_issuers *own, struct ca_crosses *out,
    struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, CROSS_FILE);
	OWNED(buf_free) struct buf text = {0};
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = true;

	*out = (struct ca_crosses){0};
	if (!file_read_owned(path, PEM_FILE_MAX, &text, err))
		return err->code == ERROR_FILE_NOT_FOUND;
	if (!pem_certificates(buf_view(&text), &list, &count, err))
		return err_prefix(err, "%s", path);
	out->list = mem_zero(count, sizeof *out->list);
	for (size_t i = 0; ok && i < count; i++)
		ok = add_cross(out, own, buf_view(&list[i]), err);
	pem_list_free(&list, count);
	return ok || err_prefix(err, "%s", path);
}

void
ca_crosses_free(struct ca_crosses *c)
{
	for (size_t i = 0; i < c->count; i++)
		pkix_cert_free(&c->list[i].cert);
	free(c->list);
	*c = (struct ca_crosses){0};
}

/* The other one of the two that two keys gave each other. */
static const struct ca_cross *
counterpart(const struct ca_crosses *c, const struct ca_cross *x)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->list[i].by == x->of && c->list[i].of == x->by)
			return &c->list[i];
	return NULL;
}

/* Said from the newer key's side. */
static bool
add_pairs(const struct ca_crosses *c, struct ca_authority *a, struct err *err)
{
	for (size_t i = 0; i < c->count && a->pki.pair_count < CA_ISSUERS_MAX; i++) {
		const struct ca_cross *to = &c->list[i], *by = counterpart(c, to);

		if (by == NULL || to->of->version < to->by->version)
			continue;
		if (!pkix_certificate_pair(buf_view(&to->cert.raw), buf_view(&by->cert.raw),
			&a->pairs[a->pki.pair_count], err))
			return false;
		a->pair_views[a->pki.pair_count] = buf_view(&a->pairs[a->pki.pair_count]);
		a->pki.pair_count++;
	}
	return true;
}

bool
ca_authority_make(const struct config *config, const struct ca_issuers *own,
    const struct ca_crosses *crosses, int64_t now, struct ca_authority *out, struct err *err)
{
	const struct pkix_cert *newest = &own->list[0].cert;

	*out = (struct ca_authority){0};
	out->pki = (struct pki_authority){.ca_name = config->ca_name,
	    .certificates = out->certificates,
	    .pairs = out->pair_views,
	    .is_root = view_eq(newest->subject, newest->issuer)};
	for (size_t i = 0; i < own->count; i++)
		if (now <= own->list[i].cert.not_after)
			out->certificates[out->pki.certificate_count++] =
			    buf_view(&own->list[i].cert.raw);
	return add_pairs(crosses, out, err);
}

void
ca_authority_free(struct ca_authority *a)
{
	for (size_t i = 0; i < a->pki.pair_count; i++)
		buf_free(&a->pairs[i]);
}
