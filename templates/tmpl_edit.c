#include "tmpl_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "text.h"
#include "tmpl_fields_priv.h"
#include "tmpl_priv.h"
#include "mem.h"
#include "own.h"

#define NAME_MAX_LEN       64 /* upper bound of cn in Active Directory */
#define COPY_MAJOR         100
#define COPY_MINOR         1
#define KEY_SPEC_SIGNATURE 2

const struct tmpl_attribute tmpl_attributes[] = {
    {"displayName", TMPL_TEXT},
    {"flags", TMPL_INTEGER},
    {"revision", TMPL_INTEGER},
    {"pKIDefaultKeySpec", TMPL_INTEGER},
    {"pKIKeyUsage", TMPL_BYTES},
    {"pKIMaxIssuingDepth", TMPL_INTEGER},
    {"pKICriticalExtensions", TMPL_TEXTS},
    {"pKIExpirationPeriod", TMPL_BYTES},
    {"pKIOverlapPeriod", TMPL_BYTES},
    {"pKIExtendedKeyUsage", TMPL_TEXTS},
    {"pKIDefaultCSPs", TMPL_TEXTS},
    {"msPKI-RA-Signature", TMPL_INTEGER},
    {"msPKI-RA-Policies", TMPL_TEXTS},
    {"msPKI-RA-Application-Policies", TMPL_TEXTS},
    {"msPKI-Enrollment-Flag", TMPL_INTEGER},
    {"msPKI-Private-Key-Flag", TMPL_INTEGER},
    {"msPKI-Certificate-Name-Flag", TMPL_INTEGER},
    {"msPKI-Minimal-Key-Size", TMPL_INTEGER},
    {"msPKI-Template-Schema-Version", TMPL_INTEGER},
    {TMPL_MINOR_REVISION, TMPL_INTEGER},
    {"msPKI-Cert-Template-OID", TMPL_TEXT},
    {"msPKI-Supersede-Templates", TMPL_TEXTS},
    {"msPKI-Certificate-Policy", TMPL_TEXTS},
    {"msPKI-Certificate-Application-Policy", TMPL_TEXTS},
};
const size_t tmpl_attribute_count = sizeof tmpl_attributes / sizeof tmpl_attributes[0];

bool
tmpl_name_is_good(const char *name, struct err *err)
{
	size_t len = strlen(name);
	char *checked;

	if (!text_from_view(view_str(name), &checked, err)) {
		err->code = E_INVALIDARG;
		return err_prefix(err, "name of a template");
	}
	free(checked);
	if (len == 0 || len > NAME_MAX_LEN || name[0] == ' ' || name[len - 1] == ' ' ||
	    strpbrk(name, "\"#*+,/:;<=>?\\|`") != NULL)
		return err_set(err, E_INVALIDARG,
		    "\"%s\" is no name of a template: 1 to %d characters, none of "
		    "\"#*+,/:;<=>?\\|`, no blank at either end",
		    name, NAME_MAX_LEN);
	return true;
}

/* ---- the whole ---- */

static bool
is_signature_algorithm(const struct tmpl *t)
{
	return t->asymmetric_algorithm != NULL &&
	       (strncmp(t->asymmetric_algorithm, "ECDSA", 5) == 0 ||
		   strcmp(t->asymmetric_algorithm, "DSA") == 0);
}

/* Rules that join fields; true: broken. */
static bool
archives_unencrypting(const struct tmpl *t)
{
	return tmpl_requires_key_archival(t) && (t->key_usage[0] & KU_ENCRYPTS) == 0;
}

static bool
archives_signature_key(const struct tmpl *t)
{
	return tmpl_requires_key_archival(t) &&
	       (t->key_spec == KEY_SPEC_SIGNATURE || is_signature_algorithm(t));
}

static bool
archives_for_ca(const struct tmpl *t)
{
	return tmpl_requires_key_archival(t) && (t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA));
}

static bool
archives_unrecorded(const struct tmpl *t)
{
	return tmpl_requires_key_archival(t) && (t->flags & CT_FLAG_DONOTPERSISTINDB) != 0;
}

static bool
overlaps_all(const struct tmpl *t)
{
	return t->overlap >= t->validity;
}

static bool
mixes_subjects(const struct tmpl *t)
{
	return (t->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0 &&
	       (t->name_flag & 0xffc00000u) != 0;
}

static bool
asks_for_policies_of_nobody(const struct tmpl *t)
{
	return t->ra_signatures == 0 &&
	       (t->ra_policies.count > 0 || t->ra_application_policies.count > 0);
}

static const struct {
	bool (*is_broken)(const struct tmpl *t);
	bool for_all; /* else only for what is edited here: others may have their reasons */
	const char *sentence;
} rules[] = {
    {archives_unencrypting, true,
	"archive=yes needs an encrypting key usage: keyEncipherment, dataEncipherment or "
	"keyAgreement; a signature key is never archived"},
    {archives_signature_key, true,
	"archive=yes: a signature key is never archived; set key-spec=exchange, or "
	"key-algorithm=RSA "
	"or ECDH_..."},
    {archives_for_ca, true, "archive=yes: the key of a certification authority is not archived"},
    {archives_unrecorded, true,
	"archive=yes with do-not-store=yes: an archived key is a record of the CA's database"},
    {overlaps_all, false, "overlap must be shorter than validity"},
    {mixes_subjects, false,
	"subject: request goes with no word that takes the name from the directory"},
    {asks_for_policies_of_nobody, false,
	"ra-policies and ra-application-policies need ra-signatures=1 or more"},
};

/* Reads it as the CA would, and looks at what no single field shows. */
static bool
check_whole(const struct dir_entry *e, bool edited, struct err *err)
{
	struct tmpl t;
	bool ok = tmpl_decode(e, &t, err);

	if (!ok)
		return false;
	for (size_t i = 0; ok && i < sizeof rules / sizeof rules[0]; i++)
		if ((edited || rules[i].for_all) && rules[i].is_broken(&t))
			ok = err_set(err, E_INVALIDARG, "template %s: %s", t.cn, rules[i].sentence);
	for (size_t i = 0; ok && i < t.supersedes.count; i++)
		if (text_eq_nocase(t.supersedes.list[i], t.cn))
			ok = err_set(err, E_INVALIDARG,
			    "template %s: supersedes=%s: it cannot replace itself", t.cn, t.cn);
	tmpl_free(&t);
	return ok;
}

/* ---- fields ---- */

static bool
no_field(const char *setting, size_t len, struct err *err)
{
	OWNED(own_memory) char *typed = text_printf("%.*s", (int)(len > 64 ? 64 : len), setting);
	OWNED(own_memory) char *perhaps = NULL;
	struct nearest near = {.typed = typed};

	for (size_t i = 0; i < tmpl_field_count; i++)
		nearest_offer(&near, tmpl_fields[i].name);
	perhaps = nearest_sentence(&near, "");
	return err_set(err, DIRCA_E_USAGE,
	    "a template has no field \"%s\"%s; `dirca template set` lists them", typed, perhaps);
}

/* Each names a field, each field once. */
static bool
check_settings(const char *const *settings, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strcspn(settings[i], "=");
		const struct tmpl_field *f = NULL;

		if (settings[i][len] == '\0')
			return err_set(err, DIRCA_E_USAGE, "\"%s\" is no field=value", settings[i]);
		for (size_t k = 0; f == NULL && k < tmpl_field_count; k++)
			if (strlen(tmpl_fields[k].name) == len &&
			    strncmp(tmpl_fields[k].name, settings[i], len) == 0)
				f = &tmpl_fields[k];
		if (f == NULL)
			return no_field(settings[i], len, err);
		for (size_t k = 0; k < i; k++)
			if (strncmp(settings[k], settings[i], len + 1) == 0)
				return err_set(err, E_INVALIDARG, "field %s is set twice", f->name);
	}
	return true;
}

static bool
is_removal(const char *value)
{
	return *value == '\0' || text_eq_nocase(value, "none");
}

/* In the order of the table; what is taken away goes before all else, since it may be in the way of
 * another version. */
static bool
apply(struct dir_entry *e, const char *const *settings, size_t count, struct err *err)
{
	for (size_t k = 0; k < 2 * tmpl_field_count; k++) {
		const struct tmpl_field *f = &tmpl_fields[k % tmpl_field_count];
		size_t len = strlen(f->name);

		for (size_t i = 0; i < count; i++) {
			if (strncmp(settings[i], f->name, len) != 0 || settings[i][len] != '=')
				continue;
			if (is_removal(settings[i] + len + 1) == (k < tmpl_field_count) &&
			    !tmpl_field_set(f, e, settings[i] + len + 1, err))
				return false;
		}
	}
	return true;
}

static bool
has_changed(const struct dir_entry *a, const struct dir_entry *b, bool *out, struct err *err)
{
	*out = false;
	for (size_t i = 0; !*out && i < tmpl_field_count; i++) {
		char *was = tmpl_field_get(&tmpl_fields[i], a, err),
		     *is = was != NULL ? tmpl_field_get(&tmpl_fields[i], b, err) : NULL;
		bool ok = is != NULL;

		*out = ok && strcmp(was, is) != 0;
		free(was);
		free(is);
		if (!ok)
			return false;
	}
	return true;
}

static bool
check_version(const struct dir_entry *e, struct err *err)
{
	int32_t version;

	if (!entry_int(e, "msPKI-Template-Schema-Version", 1, &version, err))
		return false;
	return version >= 2 ||
	       err_set(err, E_INVALIDARG,
		   "a version 1 template has only its rights edited; make a copy with `dirca "
		   "template duplicate` and change that");
}

bool
tmpl_bump(struct dir_entry *e, struct err *err)
{
	int32_t minor, flags;

	if (!entry_int(e, TMPL_MINOR_REVISION, 0, &minor, err) ||
	    !entry_int(e, "flags", 0, &flags, err))
		return false;
	if (minor == INT32_MAX)
		return err_set(err, E_INVALIDARG, "%s: its minor revision is at its end", e->dn);
	return entry_set_int(e, TMPL_MINOR_REVISION, minor + 1, err) &&
	       entry_set_int(e, "flags", (int32_t)((uint32_t)flags | CT_FLAG_IS_MODIFIED), err);
}

bool
tmpl_edit(struct dir_entry *e, const char *const *settings, size_t count, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry edited = {0};
	struct dir_entry old = *e;
	bool changed;

	if (!check_version(e, err) || !check_settings(settings, count, err) ||
	    !dir_entry_copy(e, &edited, err) || !apply(&edited, settings, count, err) ||
	    !check_whole(&edited, true, err) || !has_changed(e, &edited, &changed, err))
		return false;
	if (!changed)
		return true;
	if (!tmpl_bump(&edited, err))
		return false;
	*e = edited;
	edited = old;
	return true;
}

/* ---- copies ---- */

static bool
copy_attr(const struct dir_entry *from, const char *name, struct dir_entry *out, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(from, name);

	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (!dir_entry_add(out, name, buf_view(&a->values[i]), err))
			return false;
	return true;
}

/* cn, class and what makes a template. The DN says nothing yet. */
static bool
copy_known(const struct dir_entry *from, const char *name, struct dir_entry *out, struct err *err)
{
	if (!dir_entry_init(out, name, err) ||
	    !dir_entry_add(out, "objectClass", view_str("top"), err) ||
	    !dir_entry_add(out, "objectClass", view_str("pKICertificateTemplate"), err) ||
	    !dir_entry_add(out, "cn", view_str(name), err))
		return false;
	for (size_t i = 0; i < tmpl_attribute_count; i++)
		if (!copy_attr(from, tmpl_attributes[i].name, out, err))
			return false;
	return true;
}

/* Numbers that version 2 reads and version 1 may lack. */
static bool
fill_in(struct dir_entry *e, struct err *err)
{
	static const char *const wanted[] = {"msPKI-RA-Signature", "msPKI-Enrollment-Flag",
	    "msPKI-Private-Key-Flag", "msPKI-Certificate-Name-Flag", "msPKI-Minimal-Key-Size"};

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (dir_entry_attr(e, wanted[i]) == NULL && !entry_set_int(e, wanted[i], 0, err))
			return false;
	return true;
}

/* Version 1 says its usages once; version 2 also as application policies. */
static bool
to_version_2(struct dir_entry *e, struct err *err)
{
	const struct tmpl_field *eku = tmpl_field_find("eku");
	char *usages = tmpl_field_get(eku, e, err);
	bool ok = usages != NULL && tmpl_field_set(eku, e, usages, err) && fill_in(e, err) &&
		  entry_set_int(e, "msPKI-Template-Schema-Version", 2, err);

	free(usages);
	return ok;
}

static bool
mark_as_copy(struct dir_entry *e, const char *name, const char *oid, struct err *err)
{
	struct view id = view_str(oid), shown = view_str(name);
	int32_t flags;

	return entry_int(e, "flags", 0, &flags, err) &&
	       entry_set_int(e, "flags",
		   (int32_t)(((uint32_t)flags & ~CT_FLAG_IS_DEFAULT) | CT_FLAG_IS_MODIFIED), err) &&
	       entry_set_int(e, "revision", COPY_MAJOR, err) &&
	       entry_set_int(e, TMPL_MINOR_REVISION, COPY_MINOR, err) &&
	       dir_entry_set(e, "displayName", &shown, 1, err) &&
	       dir_entry_set(e, "msPKI-Cert-Template-OID", &id, 1, err);
}

bool
tmpl_duplicate(const struct dir_entry *from, const char *name, const char *oid,
    const char *const *settings, size_t count, struct dir_entry *out, struct err *err)
{
	int32_t version;
	bool ok;

	*out = (struct dir_entry){0};
	ok = entry_int(from, "msPKI-Template-Schema-Version", 1, &version, err) &&
	     check_settings(settings, count, err) && copy_known(from, name, out, err) &&
	     copy_attr(from, "nTSecurityDescriptor", out, err) &&
	     (version >= 2 || to_version_2(out, err)) && mark_as_copy(out, name, oid, err) &&
	     apply(out, settings, count, err) && check_whole(out, count > 0, err);
	if (!ok)
		dir_entry_free(out);
	return ok;
}

static bool
take_over(const struct dir_entry *from, const char *name, bool rights, struct dir_entry *out,
    struct err *err)
{
	OWNED(own_memory) char *cn = NULL;

	if (!dir_entry_has_value_nocase(from, "objectClass", "pKICertificateTemplate"))
		return err_set(err, ERROR_INVALID_DATA, "%s is no certificate template", from->dn);
	if (name == NULL) {
		switch (dir_entry_text(from, "cn", &cn, err)) {
		case DIR_GET_OK:
			break;
		case DIR_GET_ABSENT:
			return err_set(err, ERROR_INVALID_DATA, "%s has no cn", from->dn);
		case DIR_GET_FAILED:
			return false;
		}
		name = cn;
	}
	return tmpl_name_is_good(name, err) && copy_known(from, name, out, err) &&
	       (!rights || copy_attr(from, "nTSecurityDescriptor", out, err)) &&
	       check_whole(out, false, err);
}

bool
tmpl_take_over(const struct dir_entry *from, const char *name, bool rights, struct dir_entry *out,
    struct err *err)
{
	*out = (struct dir_entry){0};
	if (take_over(from, name, rights, out, err))
		return true;
	dir_entry_free(out);
	return false;
}

bool
tmpl_succeed(struct dir_entry *e, const struct dir_entry *now, struct err *err)
{
	static const char *const kept[] = {"nTSecurityDescriptor", "msPKI-Cert-Template-OID"};
	int32_t major, minor, now_major, now_minor;

	if (!check_version(now, err) || !check_version(e, err) ||
	    !entry_int(e, "revision", 0, &major, err) ||
	    !entry_int(e, TMPL_MINOR_REVISION, 0, &minor, err) ||
	    !entry_int(now, "revision", 0, &now_major, err) ||
	    !entry_int(now, TMPL_MINOR_REVISION, 0, &now_minor, err))
		return false;
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		if (!dir_entry_set(e, kept[i], NULL, 0, err) || !copy_attr(now, kept[i], e, err))
			return false;
	if (major > now_major || (major == now_major && minor > now_minor))
		return true;
	return entry_set_int(e, "revision", now_major, err) &&
	       entry_set_int(e, TMPL_MINOR_REVISION, now_minor, err) && tmpl_bump(e, err);
}
