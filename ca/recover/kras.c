/*
 * The certificates of the agents who can open a key.
 */
#include "recover_priv.h"

#include <string.h>

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

		if (*line == '\0')
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
