/* Fields whose value is a list: of object identifiers, of names, of providers. */
#include "tmpl_fields_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "mem.h"
#include "own.h"

bool
entry_set_texts(struct dir_entry *e, const char *attr, const struct texts *values, struct err *err)
{
	if (!dir_entry_set(e, attr, NULL, 0, err))
		return false;
	for (size_t i = 0; i < values->count; i++)
		if (!dir_entry_add(e, attr, view_str(values->list[i]), err))
			return false;
	return true;
}

static bool
entry_texts(const struct dir_entry *e, const char *attr, struct texts *out, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);
	char *text;

	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (!text_from_view(buf_view(&a->values[i]), &text, err) ||
		    !texts_take_new(out, text, err))
			return false;
	return true;
}

/* Each OID by its name, joined. */
char *
oids_named(const struct texts *oids, struct err *err)
{
	OWNED(texts_free) struct texts l = {0};

	for (size_t i = 0; i < oids->count; i++)
		if (!texts_take_new(&l, mem_text(name_of_oid(oids->list[i])), err))
			return NULL;
	return list_join(&l, ",");
}

bool
oids_parse(const char *value, struct texts *out, struct err *err)
{
	OWNED(texts_free) struct texts words = {0};

	if (!list_split(value, ',', &words, err))
		return false;
	for (size_t i = 0; i < words.count; i++) {
		const char *oid = oid_of_name(words.list[i]);

		if (oid == NULL)
			return err_set(err, E_INVALIDARG,
			    "\"%s\" is neither an object identifier nor the name of one",
			    words.list[i]);
		if (!texts_take_new(out, mem_text(oid), err))
			return false;
	}
	return true;
}

static char *
get_oids(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	OWNED(texts_free) struct texts oids = {0};

	return entry_texts(e, f->attribute, &oids, err) ? oids_named(&oids, err) : NULL;
}

static bool
set_oids(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	OWNED(texts_free) struct texts oids = {0};

	return oids_parse(value, &oids, err) && entry_set_texts(e, f->attribute, &oids, err);
}

const struct tmpl_field_kind FIELD_OIDS = {get_oids, set_oids};

/* Version 2 and later say the usages twice, also as application policies (extension 21.10). */
static bool
set_eku(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	OWNED(texts_free) struct texts oids = {0};

	return oids_parse(value, &oids, err) && entry_set_texts(e, f->attribute, &oids, err) &&
	       entry_set_texts(e, "msPKI-Certificate-Application-Policy", &oids, err);
}

const struct tmpl_field_kind FIELD_EKU = {get_oids, set_eku};

static char *
get_names(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	OWNED(texts_free) struct texts l = {0};

	return entry_texts(e, f->attribute, &l, err) ? list_join(&l, ",") : NULL;
}

static bool
set_names(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	OWNED(texts_free) struct texts l = {0};

	return list_split(value, ',', &l, err) && entry_set_texts(e, f->attribute, &l, err);
}

const struct tmpl_field_kind FIELD_NAMES = {get_names, set_names};

/* pKIDefaultCSPs holds "N,Name", where N is the rank; values come in any order. */
static int
by_rank(const void *a, const void *b)
{
	return (int)(strtol(*(char *const *)a, NULL, 10) - strtol(*(char *const *)b, NULL, 10));
}

static char *
get_providers(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	OWNED(texts_free) struct texts l = {0};

	if (!entry_texts(e, f->attribute, &l, err))
		return NULL;
	if (l.count > 1)
		qsort(l.list, l.count, sizeof *l.list, by_rank);
	for (size_t i = 0; i < l.count; i++) {
		const char *comma = strchr(l.list[i], ',');

		if (comma != NULL)
			memmove(l.list[i], comma + 1, strlen(comma + 1) + 1);
	}
	return list_join(&l, ";");
}

static bool
set_providers(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	OWNED(texts_free) struct texts l = {0}, ranked = {0};

	if (!list_split(value, ';', &l, err))
		return false;
	for (size_t i = 0; i < l.count; i++)
		if (!texts_take_new(&ranked, text_printf("%zu,%s", i + 1, l.list[i]), err))
			return false;
	return entry_set_texts(e, f->attribute, &ranked, err);
}

const struct tmpl_field_kind FIELD_PROVIDERS = {get_providers, set_providers};
