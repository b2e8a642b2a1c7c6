/* msPKI-RA-Application-Policies for writing: a list of properties in either of its two syntaxes
 * ([MS-CRTD] 2.23). Reading for decisions is tmpl_triplets.c. */
#include "tmpl_fields_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

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
	const char *const parts[PARTS] = {name, type, value};
	struct property *grown = reallocarray(p->list, p->count + 1, sizeof *grown), *one;

	if (grown == NULL)
		return err_nomem(err);
	p->list = grown;
	one = &grown[p->count++];
	*one = (struct property){{NULL}};
	for (size_t k = 0; k < PARTS; k++)
		if ((one->parts[k] = strdup(parts[k])) == NULL)
			return err_nomem(err);
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
	struct texts oids = {0};
	char *joined = NULL, *one;
	bool ok = false;

	for (size_t i = 0; i < a->count; i++)
		if (!text_from_view(buf_view(&a->values[i]), &one, err) ||
		    !texts_take_new(&oids, one, err))
			goto out;
	if ((joined = list_join(&oids, ",")) == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = append(out, PROPERTY_RA_POLICIES, "PZPWSTR", joined, err);
out:
	texts_free(&oids);
	free(joined);
	return ok;
}

static bool
load(const struct dir_entry *e, struct properties *out, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, ATTRIBUTE);
	int32_t version;
	bool legacy, ok;
	char *text;

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
	if (!text_from_view(buf_view(&a->values[0]), &text, err))
		return false;
	ok = parse(text, out, err);
	free(text);
	return ok;
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
	struct properties p;
	struct property *found;
	bool ok = load(e, &p, err);

	*out = NULL;
	if (ok && (found = find(&p, name)) != NULL) {
		*out = found->parts[VALUE];
		found->parts[VALUE] = NULL;
	}
	properties_free(&p);
	return ok;
}

static bool
replace(
    struct properties *p, const char *name, const char *type, const char *value, struct err *err)
{
	struct property *found = find(p, name);
	char *copy;

	if (found == NULL)
		return value == NULL || append(p, name, type, value, err);
	if (value == NULL) {
		for (size_t k = 0; k < PARTS; k++)
			free(found->parts[k]);
		p->count--;
		memmove(found, found + 1, (p->count - (size_t)(found - p->list)) * sizeof *found);
		return true;
	}
	if ((copy = strdup(value)) == NULL)
		return err_nomem(err);
	free(found->parts[VALUE]);
	found->parts[VALUE] = copy;
	return true;
}

bool
property_set(
    struct dir_entry *e, const char *name, const char *type, const char *value, struct err *err)
{
	struct properties p;
	bool ok = load(e, &p, err) && replace(&p, name, type, value, err) && store(e, &p, err);

	properties_free(&p);
	return ok;
}

bool
properties_convert(struct dir_entry *e, int32_t version, bool legacy, struct err *err)
{
	struct properties p = {0};
	int32_t flags;
	uint32_t bits;
	bool ok = false;

	if (!entry_int(e, "msPKI-Private-Key-Flag", 0, &flags, err) || !load(e, &p, err))
		goto out;
	bits = ((uint32_t)flags & ~CT_FLAG_USE_LEGACY_PROVIDER) |
	       (legacy ? CT_FLAG_USE_LEGACY_PROVIDER : 0);
	ok = entry_set_int(e, "msPKI-Template-Schema-Version", version, err) &&
	     entry_set_int(e, "msPKI-Private-Key-Flag", (int32_t)bits, err) && store(e, &p, err);
out:
	properties_free(&p);
	return ok;
}
