/* Fields that depend on the version of the template, or decide it. */
#include "tmpl_fields_priv.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "mem.h"
#include "own.h"

static const struct tmpl_choice *
word_named(const struct tmpl_field *f, const char *name)
{
	for (const struct tmpl_choice *w = f->words; w->name != NULL; w++)
		if (text_eq_nocase(w->name, name))
			return w;
	return NULL;
}

static char *
get_version(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	int32_t version;

	return entry_int(e, f->attribute, 1, &version, err) ? text_printf("%d", (int)version)
							    : NULL;
}

static bool
set_version(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	int64_t wanted;
	int32_t version;
	bool legacy;

	if (!text_to_int(value, f->least, f->most, &wanted))
		return err_set(err, E_INVALIDARG, "2, 3 or 4 is wanted");
	return properties_version(e, &version, &legacy, err) &&
	       properties_convert(e, (int32_t)wanted, legacy, err);
}

const struct tmpl_field_kind FIELD_VERSION = {get_version, set_version};

static char *
get_legacy(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	int32_t version;
	bool legacy;

	(void)f;
	return properties_version(e, &version, &legacy, err)
		   ? text_copied(legacy ? "yes" : "no", err)
		   : NULL;
}

static bool
set_legacy(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	int32_t version;
	bool legacy;

	(void)f;
	if (!text_eq_nocase(value, "yes") && !text_eq_nocase(value, "no"))
		return err_set(err, E_INVALIDARG, "yes or no");
	return properties_version(e, &version, &legacy, err) &&
	       properties_convert(e, version, text_eq_nocase(value, "yes"), err);
}

const struct tmpl_field_kind FIELD_LEGACY = {get_legacy, set_legacy};

/* ---- properties with a word as value ---- */

static char *
get_property(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	char *text;

	if (!property_get(e, f->attribute, &text, err))
		return NULL;
	return text != NULL ? text : text_copied("", err);
}

static bool
set_property(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	const struct tmpl_choice *w = word_named(f, value);
	bool none = *value == '\0' || text_eq_nocase(value, "none");

	if (w == NULL && !none)
		return err_set(err, E_INVALIDARG, "%s; %s", f->help, "none takes it away");
	if (!property_set(e, f->attribute, "PZPWSTR", none ? NULL : w->name, err))
		return false;
	/* A curve has one key size; min-key-size, which comes later, may still differ. */
	return none || w->value == 0 ||
	       entry_set_int(e, "msPKI-Minimal-Key-Size", (int32_t)w->value, err);
}

const struct tmpl_field_kind FIELD_PROPERTY = {get_property, set_property};

/* ---- transport: algorithm and key length are two properties ---- */

static const struct {
	const char *name, *algorithm, *bits;
} ciphers[] = {
    {"aes128", "AES", "128"},
    {"aes192", "AES", "192"},
    {"aes256", "AES", "256"},
    {"3des", "3DES", "168"},
};

static char *
get_transport(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	OWNED(own_memory) char *algorithm = NULL, *bits = NULL;

	if (!property_get(e, f->attribute, &algorithm, err) ||
	    !property_get(e, "msPKI-Symmetric-Key-Length", &bits, err))
		return NULL;
	if (algorithm == NULL)
		return mem_text("");
	for (size_t i = 0; bits != NULL && i < COUNT_OF(ciphers); i++)
		if (strcmp(ciphers[i].algorithm, algorithm) == 0 &&
		    strcmp(ciphers[i].bits, bits) == 0)
			return mem_text(ciphers[i].name);
	return text_printf("%s/%s", algorithm, bits != NULL ? bits : "?");
}

static bool
set_transport(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	const char *algorithm = NULL, *bits = NULL;

	for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
		if (text_eq_nocase(ciphers[i].name, value)) {
			algorithm = ciphers[i].algorithm;
			bits = ciphers[i].bits;
		}
	if (algorithm == NULL && *value != '\0' && !text_eq_nocase(value, "none"))
		return err_set(err, E_INVALIDARG, "aes128, aes192, aes256, 3des or none is wanted");
	return property_set(e, f->attribute, "PZPWSTR", algorithm, err) &&
	       property_set(e, "msPKI-Symmetric-Key-Length", "DWORD", bits, err);
}

const struct tmpl_field_kind FIELD_TRANSPORT = {get_transport, set_transport};

/* ---- RA application policies, in either syntax ---- */

static char *
get_ra_policies(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	OWNED(texts_free) struct texts oids = {0};
	OWNED(own_memory) char *raw = NULL;

	return property_get(e, f->attribute, &raw, err) &&
		       (raw == NULL || list_split(raw, ',', &oids, err))
		   ? oids_named(&oids, err)
		   : NULL;
}

static bool
set_ra_policies(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	OWNED(texts_free) struct texts oids = {0};
	OWNED(own_memory) char *joined = NULL;

	if (!oids_parse(value, &oids, err))
		return false;
	if (oids.count > 0)
		joined = list_join(&oids, ",");
	return property_set(e, f->attribute, "PZPWSTR", joined, err);
}

const struct tmpl_field_kind FIELD_RA_POLICIES = {get_ra_policies, set_ra_policies};
