/* Fields whose value is a list: of object identifiers, of names, of providers. */
#include "tmpl_fields_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

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
	struct texts l = {0};
	char *text = NULL, *one;

	for (size_t i = 0; i < oids->count; i++)
		if ((one = text_copied(name_of_oid(oids->list[i]), err)) == NULL ||
		    !texts_take_new(&l, one, err))
			goto out;
	if ((text = list_join(&l, ",")) == NULL)
		err_nomem(err);
out:
	texts_free(&l);
	return text;
}

bool
oids_parse(const char *value, struct texts *out, struct err *err)
{
	struct texts words = {0};
	bool ok = list_split(value, ',', &words, err);
	char *copy;

	for (size_t i = 0; ok && i < words.count; i++) {
		const char *oid = oid_of_name(words.list[i]);

		if (oid == NULL)
			ok = err_set(err, E_INVALIDARG,
			    "\"%s\" is neither an object identifier nor the name of one",
			    words.list[i]);
		else
			ok = (copy = text_copied(oid, err)) != NULL &&
			     texts_take_new(out, copy, err);
	}
	texts_free(&words);
	return ok;
}

static char *
get_oids(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	struct texts oids = {0};
	char *text = entry_texts(e, f->attribute, &oids, err) ? oids_named(&oids, err) : NULL;

	texts_free(&oids);
	return text;
}

static bool
set_oids(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	struct texts oids = {0};
	bool ok = oids_parse(value, &oids, err) && entry_set_texts(e, f->attribute, &oids, err);

	texts_free(&oids);
	return ok;
}

const struct tmpl_field_kind FIELD_OIDS = {get_oids, set_oids};

/* Version 2 and later say the usages twice, also as application policies (extension 21.10). */
static bool
set_eku(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	struct texts oids = {0};
	bool ok = oids_parse(value, &oids, err) && entry_set_texts(e, f->attribute, &oids, err) &&
		  entry_set_texts(e, "msPKI-Certificate-Application-Policy", &oids, err);

	texts_free(&oids);
	return ok;
}

const struct tmpl_field_kind FIELD_EKU = {get_oids, set_eku};

static char *
get_names(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	struct texts l = {0};
	char *text = NULL;

	if (entry_texts(e, f->attribute, &l, err) && (text = list_join(&l, ",")) == NULL)
		err_nomem(err);
	texts_free(&l);
	return text;
}

static bool
set_names(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	struct texts l = {0};
	bool ok = list_split(value, ',', &l, err) && entry_set_texts(e, f->attribute, &l, err);

	texts_free(&l);
	return ok;
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
	struct texts l = {0};
	char *text = NULL;

	if (!entry_texts(e, f->attribute, &l, err))
		goto out;
	if (l.count > 1)
		qsort(l.list, l.count, sizeof *l.list, by_rank);
	for (size_t i = 0; i < l.count; i++) {
		const char *comma = strchr(l.list[i], ',');

		if (comma != NULL)
			memmove(l.list[i], comma + 1, strlen(comma + 1) + 1);
	}
	if ((text = list_join(&l, ";")) == NULL)
		err_nomem(err);
out:
	texts_free(&l);
	return text;
}

static bool
set_providers(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	struct texts l = {0}, ranked = {0};
	bool ok = list_split(value, ';', &l, err);

	for (size_t i = 0; ok && i < l.count; i++) {
		char *one = text_printf("%zu,%s", i + 1, l.list[i]);

		ok = one != NULL ? texts_take_new(&ranked, one, err) : err_nomem(err);
	}
	ok = ok && entry_set_texts(e, f->attribute, &ranked, err);
	texts_free(&l);
	texts_free(&ranked);
	return ok;
}

const struct tmpl_field_kind FIELD_PROVIDERS = {get_providers, set_providers};
