/*
 * Escrow batches (docs/PROTOCOL.md): entries one after the other, each signed by who exported it,
 * its key encrypted for the CA. Nothing of it is opened here.
 */
#include "escrow_priv.h"

#include <string.h>

#include "escrow_entry.h"
#include "mem.h"
#include "own_openssl.h"

#define SOURCE "escrow batch"

bool
escrow_is_batch(struct view file)
{
	size_t len;

	return escrow_entry_begins(file, &len);
}

/* All of one signer. */
static bool
note_signer(struct view der, struct escrow_items *out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert signer = {0};
	OWNED(own_memory) char *name = NULL;

	if (!pkix_cert_decode(der, &signer, err))
		return false;
	name = pkix_name_text(signer.subject);
	if (out->signer == NULL)
		out->signer = own_give(&name);
	else if (strcmp(out->signer, name) != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the entries of one file are signed by several: %s and %s", out->signer, name);
	return true;
}

static void
note_batch(const struct escrow_entry *e, struct escrow_items *out)
{
	struct escrow_seen of = {.total = e->total};

	memcpy(of.batch, e->batch.ptr, sizeof of.batch);
	escrow_seen_add(&out->seen, &out->seen_count, &of, e->index);
}

static bool
add_entry(struct view der, struct escrow_items *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed message = {0};
	OWNED(escrow_entry_free) struct escrow_entry entry = {0};
	struct escrow_item item = {.source = SOURCE};
	struct view signer;

	if (!cms_signed_decode(der, &message, err) ||
	    !escrow_entry_verify(&message, &entry, &signer, err) ||
	    !note_signer(signer, out, err) || !buf_dup(entry.certificate, &item.certificate, err))
		return false;
	if (!buf_dup(der, &item.entry, err)) {
		buf_free(&item.certificate);
		return false;
	}
	note_batch(&entry, out);
	item.user = own_give(&entry.user);
	item.friendly_name = own_give(&entry.friendly_name);
	out->list = mem_grow_long(out->list, out->count, sizeof *out->list);
	out->list[out->count++] = item;
	return true;
}

bool
escrow_read_batch(
    struct view file, const struct escrow_with *with, struct escrow_items *out, struct err *err)
{
	size_t len;

	(void)with;
	while (file.len > 0) {
		if (!escrow_entry_begins(file, &len) || len > file.len)
			return err_set(err, ERROR_INVALID_DATA,
			    "entry %zu of the escrow batch is cut off", out->count + 1);
		if (!add_entry(view_of(file.ptr, len), out, err))
			return err_prefix(err, "entry %zu of the escrow batch", out->count + 1);
		file = view_of(file.ptr + len, file.len - len);
	}
	return true;
}
