/* msPKI-RA-Application-Policies for writing: a list of properties in either of its two syntaxes
 * ([MS-CRTD] 2.23). Reading for decisions is tmpl_triplets.c. */
#include "tmpl_fields_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "mem.h"
#include "own.h"

#define ATTRIBUTE "msPKI-RA-Application-Policies"

enum { NAME, TYPE, VALUE, PARTS };

struct property {
	char *parts[PARTS];
};

struct properties {
	struct property *list;
	size_t count;
};

static void
properties_free(struct properties *p)
{
	for (size_t i = 0; i < p->count; i++)
		for (size_t k = 0; k < PARTS; k++)
			free(p->list[i].parts[k]);
	free(p->list);
	*p = (struct properties){0};
}

static bool
is_property_syntax(int32_t version, bool legacy)
{
	return version == 3 || (version == 4 && !legacy);
}

bool
properties_version(
    const struct dir_entry *e, int32_t *version_out, bool *legacy_out, struct err *err)
{
	int32_t flags;

	if (!entry_int(e, "msPKI-Template-Schema-Version", 1, version_out, err) ||
	    !entry_int(e, "msPKI-Private-Key-Flag", 0, &flags, err))
		return false;
	*legacy_out = ((uint32_t)flags & CT_FLAG_USE_LEGACY_PROVIDER) != 0;
	return true;
}

static bool
append(struct properties *p, const char *name, const char *type, const char *value, struct err *err)
{
	(void)err;
	p->list = mem_grow(p->list, p->count, sizeof *p->list);
	p->list[p->count++] = (struct property){{mem_text(name), mem_text(type), mem_text(value)}};
	return true;
}

static bool
parse(char *text, struct properties *out, struct err *err)
{
	while (*text != '\0') {
		char *parts[PARTS];

		for (size_t k = 0; k < PARTS; k++)
			if ((parts[k] = strsep(&text, "`")) == NULL || text == NULL)
				return err_set(err, ERROR_INVALID_DATA,
				    "attribute " ATTRIBUTE ": not a row of Name`Type`Value`");
		if (!append(out, parts[NAME], parts[TYPE], parts[VALUE], err))
			return false;
	}
	return true;
}

static bool
load_plain(const struct dir_attr *a, struct properties *out, struct err *err)
{
	OWNED(texts_free) struct texts oids = {0};
	OWNED(own_memory) char *joined = NULL;

	for (size_t i = 0; i < a->count; i++) {
		char *one;

		if (!text_from_view(buf_view(&a->values[i]), &one, err) ||
		    !texts_take_new(&oids, one, err))
			return false;
	}
	joined = list_join(&oids, ",");
	return append(out, PROPERTY_RA_POLICIES, "PZPWSTR", joined, err);
}

static bool
load(const struct dir_entry *e, struct properties *out, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, ATTRIBUTE);
	int32_t version;
	OWNED(own_memory) char *text = NULL;
	bool legacy;

	*out = (struct properties){0};
	if (!properties_version(e, &version, &legacy, err))
		return false;
	if (a == NULL || a->count == 0)
		return true;
	if (!is_property_syntax(version, legacy))
		return load_plain(a, out, err);
	if (a->count > 1)
		return err_set(err, ERROR_INVALID_DATA,
		    "attribute " ATTRIBUTE " has %zu values where one is expected", a->count);
	return text_from_view(buf_view(&a->values[0]), &text, err) && parse(text, out, err);
}

/* One OID a value; nothing else can be said there. */
static bool
store_plain(struct dir_entry *e, const struct properties *p, struct err *err)
{
	struct texts oids = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < p->count; i++) {
		if (strcmp(p->list[i].parts[NAME], PROPERTY_RA_POLICIES) == 0)
			ok = list_split(p->list[i].parts[VALUE], ',', &oids, err);
		else
			ok = err_set(err, E_INVALIDARG,
			    "key algorithm, hash and transport cipher need version 3, or version 4 "
			    "without a legacy provider; set version=4 legacy-provider=no, or take "
			    "them away");
	}
	ok = ok && entry_set_texts(e, ATTRIBUTE, &oids, err);
	texts_free(&oids);
	return ok;
}

static bool
store_properties(struct dir_entry *e, const struct properties *p, struct err *err)
{
	struct view value = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool ok;

	if (f == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < p->count; i++)
		fprintf(f, "%s`%s`%s`", p->list[i].parts[NAME], p->list[i].parts[TYPE],
		    p->list[i].parts[VALUE]);
	if (fclose(f) != 0)
		return err_nomem(err);
	value = view_of(text, len);
	ok = dir_entry_set(e, ATTRIBUTE, &value, len > 0 ? 1 : 0, err);
	free(text);
	return ok;
}

static bool
store(struct dir_entry *e, const struct properties *p, struct err *err)
{
	int32_t version;
	bool legacy;

	return properties_version(e, &version, &legacy, err) &&
	       (is_property_syntax(version, legacy) ? store_properties(e, p, err)
						    : store_plain(e, p, err));
}

static struct property *
find(const struct properties *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->list[i].parts[NAME], name) == 0)
			return &p->list[i];
	return NULL;
}

bool
property_get(const struct dir_entry *e, const char *name, char **out, struct err *err)
{
	OWNED(properties_free) struct properties p = {0};
	struct property *found;

	*out = NULL;
	if (!load(e, &p, err))
		return false;
	if ((found = find(&p, name)) != NULL)
		*out = own_give(&found->parts[VALUE]);
	return true;
}

static bool
replace(
    struct properties *p, const char *name, const char *type, const char *value, struct err *err)
{
	struct property *found = find(p, name);

	if (found == NULL)
		return value == NULL || append(p, name, type, value, err);
	if (value == NULL) {
		for (size_t k = 0; k < PARTS; k++)
			free(found->parts[k]);
		p->count--;
		memmove(found, found + 1, (p->count - (size_t)(found - p->list)) * sizeof *found);
		return true;
	}
	free(found->parts[VALUE]);
	found->parts[VALUE] = mem_text(value);
	return true;
}

bool
property_set(
    struct dir_entry *e, const char *name, const char *type, const char *value, struct err *err)
{
	OWNED(properties_free) struct properties p = {0};

	return load(e, &p, err) && replace(&p, name, type, value, err) && store(e, &p, err);
}

bool
properties_convert(struct dir_entry *e, int32_t version, bool legacy, struct err *err)
{
	OWNED(properties_free) struct properties p = {0};
	int32_t flags;
	uint32_t bits;

	if (!entry_int(e, "msPKI-Private-Key-Flag", 0, &flags, err) || !load(e, &p, err))
		return false;
	bits = ((uint32_t)flags & ~CT_FLAG_USE_LEGACY_PROVIDER) |
	       (legacy ? CT_FLAG_USE_LEGACY_PROVIDER : 0);
	return entry_set_int(e, "msPKI-Template-Schema-Version", version, err) &&
	       entry_set_int(e, "msPKI-Private-Key-Flag", (int32_t)bits, err) && store(e, &p, err);
}
