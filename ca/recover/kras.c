/*
 * The certificates of the agents who can open a key.
 */
#include "recover_priv.h"

#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "mem.h"
#include "own.h"
#include "text.h"

static struct view
in_view(const struct ca_view *view, struct view sha1)
{
	for (size_t i = 0; i < view->kra_count; i++) {
		const struct pkix_cert *c = &view->kras[i].cert;

		if (view_eq(view_of(c->sha1, sizeof c->sha1), sha1))
			return buf_view(&c->raw);
	}
	return pki_snapshot_kra(view->pki, sha1);
}

/* *out stays empty if it is nowhere. */
static bool
find_kra(const struct recovery *r, struct view sha1, struct buf *out, struct err *err)
{
	struct view known = in_view(r->view, sha1);

	if (known.len > 0)
		return buf_dup(known, out, err);
	return store_get_kra(r->ca->store, sha1, out, err) != STORE_FAILED;
}

bool
recover_find_kras(struct recovery *r, struct err *err)
{
	const char *text = r->row->key_recovery_hashes;
	OWNED(own_memory) char *hashes = mem_text(text != NULL ? text : "");
	char *rest = hashes, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		OWNED(buf_free) struct buf sha1 = {0};
		OWNED(buf_free) struct buf certificate = {0};

		if (*line == '\0' || kra_hashes_threshold(line) != 0)
			continue;
		if (!hex_decode(line, &sha1, err) ||
		    !find_kra(r, buf_view(&sha1), &certificate, err))
			return false;
		r->sealed_to++;
		if (certificate.len == 0)
			continue;
		r->kras = mem_grow(r->kras, r->kra_count, sizeof *r->kras);
		r->kras[r->kra_count++] = buf_give(&certificate);
	}
	return true;
}

void
recover_decision_free(struct recovery *r)
{
	for (size_t i = 0; i < r->kra_count; i++)
		buf_free(&r->kras[i]);
	free(r->kras);
	store_case_free(&r->used);
	*r = (struct recovery){0};
}

static bool
is_there(const struct pkix_certs *list, const struct buf *der)
{
	for (size_t i = 0; i < list->count; i++)
		if (view_eq(buf_view(&list->list[i].raw), buf_view(der)))
			return true;
	return false;
}

/* A row whose agents are those of the row before, as nearly all are, is not looked at. */
static bool
same_agents(const struct store_request *a, const struct store_request *b)
{
	return a->key_recovery_hashes == NULL || b->key_recovery_hashes == NULL
		   ? a->key_recovery_hashes == b->key_recovery_hashes
		   : strcmp(a->key_recovery_hashes, b->key_recovery_hashes) == 0;
}

bool
recover_agents(
    struct ca *ca, const struct store_requests *rows, struct pkix_certs *out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);

	for (size_t i = 0; i < rows->count; i++) {
		OWNED(recover_decision_free)
		struct recovery r = {.ca = ca, .view = view, .row = &rows->list[i]};

		if (i > 0 && same_agents(&rows->list[i - 1], &rows->list[i]))
			continue;
		if (!recover_find_kras(&r, err))
			return false;
		for (size_t k = 0; k < r.kra_count; k++)
			if (!is_there(out, &r.kras[k]) &&
			    !pkix_certs_add(out, buf_view(&r.kras[k]), err))
				return false;
	}
	return true;
}
