#include "enterprise_oid.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tmpl_priv.h"
#include "mem.h"
#include "own.h"

#define STATEMENT_MAX 2048

static bool
single(const struct dir_entry *e, const char *name, const struct dir_attr **out, struct err *err)
{
	*out = dir_entry_attr(e, name);
	if (*out != NULL && (*out)->count == 0)
		*out = NULL;
	return *out == NULL || (*out)->count == 1 ||
	       err_set(err, ERROR_INVALID_DATA, "attribute %s: %zu values where one is expected",
		   name, (*out)->count);
}

/* NULL where the attribute is absent. */
static bool
single_text(const struct dir_entry *e, const char *name, char **out, struct err *err)
{
	const struct dir_attr *a;

	if (!single(e, name, &a, err))
		return false;
	return a == NULL || text_from_view(buf_view(&a->values[0]), out, err) ||
	       err_prefix(err, "attribute %s", name);
}

static bool
decode_oid(const struct dir_entry *e, char **out, struct err *err)
{
	static const char name[] = "msPKI-Cert-Template-OID";

	if (!single_text(e, name, out, err))
		return false;
	if (*out == NULL)
		return err_set(err, ERROR_INVALID_DATA, "attribute %s: it is missing", name);
	return oid_is_valid(*out) ||
	       err_set(err, ERROR_INVALID_DATA, "attribute %s: \"%s\" is not an object identifier",
		   name, *out);
}

static bool
decode_kind(const struct dir_entry *e, enum enterprise_oid_kind *out, struct err *err)
{
	char *text = NULL;
	int64_t n = ENTERPRISE_OID_BASE;
	bool ok;

	if (!single_text(e, "flags", &text, err))
		return false;
	ok = text == NULL ||
	     text_to_int(text, ENTERPRISE_OID_BASE, ENTERPRISE_OID_APPLICATION_POLICY, &n) ||
	     err_set(err, ERROR_INVALID_DATA,
		 "attribute flags: \"%s\" is no kind of object identifier (1 template, 2 issuance "
		 "policy, 3 application policy)",
		 text);
	*out = (enum enterprise_oid_kind)n;
	free(text);
	return ok;
}

static bool
is_uri(const char *text)
{
	return text_is_visible_ascii(text) && strlen(text) <= STATEMENT_MAX;
}

static bool
decode_cps(const struct dir_entry *e, struct texts *out, struct err *err)
{
	static const char name[] = "msPKI-OID-CPS";
	const struct dir_attr *a = dir_entry_attr(e, name);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		char *text;

		if (!text_from_view(buf_view(&a->values[i]), &text, err))
			return err_prefix(err, "attribute %s", name);
		if (!is_uri(text)) {
			err_set(err, ERROR_INVALID_DATA,
			    "attribute %s: \"%.60s\" is not a URI in ASCII of at most %d bytes",
			    name, text, STATEMENT_MAX);
			free(text);
			return false;
		}
		if (!texts_take_new(out, text, err))
			return err_prefix(err, "attribute %s", name);
	}
	return true;
}

static bool
decode_all(const struct dir_entry *e, struct enterprise_oid *o, struct err *err)
{
	if (!decode_oid(e, &o->oid, err) || !decode_kind(e, &o->kind, err) ||
	    !single_text(e, "displayName", &o->display_name, err) || !decode_cps(e, &o->cps, err) ||
	    !single_text(e, "msPKI-OID-User-Notice", &o->notice, err) ||
	    !single_text(e, "msDS-OIDToGroupLink", &o->group_dn, err))
		return false;
	return o->notice == NULL || strlen(o->notice) <= STATEMENT_MAX ||
	       err_set(err, ERROR_INVALID_DATA,
		   "attribute msPKI-OID-User-Notice: over %d bytes long", STATEMENT_MAX);
}

bool
enterprise_oid_decode(const struct dir_entry *e, struct enterprise_oid *out, struct err *err)
{
	*out = (struct enterprise_oid){.dn = mem_text(e->dn)};
	if (decode_all(e, out, err))
		return true;
	err_prefix(err, "object identifier %s", e->dn);
	enterprise_oid_free(out);
	return false;
}

void
enterprise_oid_free(struct enterprise_oid *o)
{
	free(o->dn);
	free(o->oid);
	free(o->display_name);
	texts_free(&o->cps);
	free(o->notice);
	free(o->group_dn);
	*o = (struct enterprise_oid){0};
}

/* Takes `text` over; sentences may repeat. */
static void
report(struct texts *broken, const char *text)
{
	if (!texts_has(broken, text))
		texts_add(broken, text);
}

static void
load_all(const struct dir_entries *entries, struct enterprise_oids *out, struct texts *broken)
{
	for (size_t i = 0; i < entries->count; i++) {
		struct err reason;

		if (enterprise_oid_decode(&entries->list[i], &out->list[out->count], &reason))
			out->count++;
		else
			report(broken, reason.msg);
	}
}

static bool
has_rival(const struct enterprise_oids *o, size_t at)
{
	for (size_t i = 0; i < o->count; i++)
		if (i != at && strcmp(o->list[i].oid, o->list[at].oid) == 0)
			return true;
	return false;
}

/* Entries that claim an OID together say different things of it: none is believed. */
static void
drop_rivals(struct enterprise_oids *o, struct texts *broken)
{
	OWNED(own_memory) bool *drop = mem_zero(o->count, sizeof *drop);
	size_t kept = 0;

	for (size_t i = 0; i < o->count; i++) {
		struct err reason;

		if (!(drop[i] = has_rival(o, i)))
			continue;
		err_set(&reason, ERROR_INVALID_DATA,
		    "object identifier %s: several entries have msPKI-Cert-Template-OID %s; "
		    "remove the wrong ones",
		    o->list[i].dn, o->list[i].oid);
		report(broken, reason.msg);
	}
	for (size_t i = 0; i < o->count; i++)
		if (drop[i])
			enterprise_oid_free(&o->list[i]);
		else
			o->list[kept++] = o->list[i];
	o->count = kept;
}

bool
enterprise_oids_load(const struct dir_entries *entries, struct enterprise_oids *out,
    struct texts *broken, struct err *err)
{
	(void)err;
	*out = (struct enterprise_oids){.list = mem_zero(entries->count, sizeof *out->list)};
	load_all(entries, out, broken);
	drop_rivals(out, broken);
	return true;
}

void
enterprise_oids_free(struct enterprise_oids *o)
{
	for (size_t i = 0; i < o->count; i++)
		enterprise_oid_free(&o->list[i]);
	free(o->list);
	*o = (struct enterprise_oids){0};
}

const struct enterprise_oid *
enterprise_oids_find(const struct enterprise_oids *o, const char *oid)
{
	for (size_t i = 0; i < o->count; i++)
		if (strcmp(o->list[i].oid, oid) == 0)
			return &o->list[i];
	return NULL;
}
