#include "tmpl_priv.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, TYPE, VALUE, TRIPLET };

enum kind { KIND_TEXT, KIND_OIDS, KIND_LENGTH, KIND_CHECKED };

/* [MS-CRTD] 2.23.2. What only tells a client how to make its key is checked and not kept. */
static const struct property {
	const char *name;
	const char *type;
	enum kind kind;
	size_t offset;
} properties[] = {
    {"msPKI-RA-Application-Policies", "PZPWSTR", KIND_OIDS,
	offsetof(struct tmpl, ra_application_policies)},
    {"msPKI-Asymmetric-Algorithm", "PZPWSTR", KIND_TEXT,
	offsetof(struct tmpl, asymmetric_algorithm)},
    {"msPKI-Hash-Algorithm", "PZPWSTR", KIND_TEXT, offsetof(struct tmpl, hash_algorithm)},
    {"msPKI-Symmetric-Algorithm", "PZPWSTR", KIND_TEXT, offsetof(struct tmpl, symmetric_algorithm)},
    {"msPKI-Symmetric-Key-Length", "DWORD", KIND_LENGTH,
	offsetof(struct tmpl, symmetric_key_length)},
    {"msPKI-Key-Usage", "DWORD", KIND_CHECKED, 0},
    {"msPKI-Key-Security-Descriptor", "PZPWSTR", KIND_CHECKED, 0},
};

#define PROPERTIES (sizeof properties / sizeof properties[0])

/* Comma-separated. */
static bool
decode_oids(char *text, struct texts *out, struct err *err)
{
	char *one, *copy;

	while ((one = strsep(&text, ",")) != NULL) {
		if (!oid_is_valid(one))
			return err_set(
			    err, ERROR_INVALID_DATA, "\"%s\" is not an object identifier", one);
		if ((copy = strdup(one)) == NULL)
			return err_nomem(err);
		if (!texts_take_new(out, copy, err))
			return false;
	}
	return true;
}

static bool
decode_property(const struct property *p, char *value, struct tmpl *t, struct err *err)
{
	void *to = (char *)t + p->offset;
	int64_t n = 0;

	if (strcmp(p->type, "DWORD") == 0 &&
	    !text_to_int(value, 0, p->kind == KIND_LENGTH ? INT32_MAX : UINT32_MAX, &n))
		return err_set(err, ERROR_INVALID_DATA, "%s: \"%s\" is not a number in its range",
		    p->name, value);
	switch (p->kind) {
	case KIND_OIDS:
		return decode_oids(value, (struct texts *)to, err);
	case KIND_TEXT:
		return (*(char **)to = strdup(value)) != NULL || err_nomem(err);
	case KIND_LENGTH:
		*(int32_t *)to = (int32_t)n;
		return true;
	case KIND_CHECKED:
		return true;
	}
	return err_set(err, DIRCA_E_INTERNAL, "the property has no decoder");
}

static bool
decode_triplet(char *const fields[TRIPLET], bool seen[PROPERTIES], struct tmpl *t, struct err *err)
{
	for (size_t i = 0; i < PROPERTIES; i++) {
		const struct property *p = &properties[i];

		if (strcmp(p->name, fields[NAME]) != 0)
			continue;
		if (seen[i])
			return err_set(err, ERROR_INVALID_DATA, "%s stands there twice", p->name);
		if (strcmp(p->type, fields[TYPE]) != 0)
			return err_set(err, ERROR_INVALID_DATA, "%s is of type \"%s\", not %s",
			    p->name, fields[TYPE], p->type);
		seen[i] = true;
		return decode_property(p, fields[VALUE], t, err);
	}
	return err_set(err, ERROR_INVALID_DATA, "the property \"%s\" is unknown", fields[NAME]);
}

bool
tmpl_decode_triplets(char *text, struct tmpl *t, struct err *err)
{
	bool seen[PROPERTIES] = {false};

	while (*text != '\0') {
		char *fields[TRIPLET];

		for (size_t i = 0; i < TRIPLET; i++)
			if ((fields[i] = strsep(&text, "`")) == NULL || text == NULL)
				return err_set(err, ERROR_INVALID_DATA,
				    "not a row of Name`Type`Value` triplets: the last one is cut "
				    "off");
		if (!decode_triplet(fields, seen, t, err))
			return false;
	}
	return true;
}
