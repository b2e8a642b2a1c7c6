#include "template_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own_json.h"
#include "plain.h"
#include "text.h"
#include "tmpl_edit.h"

static bool
take_integer(struct dir_entry *e, const char *name, const json_t *value, struct err *err)
{
	json_int_t n = json_integer_value(value);
	char text[12];

	if (!json_is_integer(value) || n < INT32_MIN || n > UINT32_MAX)
		return err_set(err, ERROR_INVALID_DATA, "%s is no 32-bit number", name);
	snprintf(text, sizeof text, "%" PRId32, (int32_t)(uint32_t)n);
	return dir_entry_add(e, name, view_str(text), err);
}

static bool
take_text(struct dir_entry *e, const char *name, const json_t *value, struct err *err)
{
	if (!json_is_string(value))
		return err_set(err, ERROR_INVALID_DATA, "%s is no text", name);
	return dir_entry_add(
	    e, name, view_of(json_string_value(value), json_string_length(value)), err);
}

/* An attribute without a value is null or an empty list; PowerShell writes a list of one as its
 * element. */
static bool
take_texts(struct dir_entry *e, const char *name, const json_t *value, struct err *err)
{
	size_t i;
	json_t *one;

	if (!json_is_array(value))
		return take_text(e, name, value, err);
	json_array_foreach(value, i, one) if (!take_text(e, name, one, err)) return false;
	return true;
}

static bool
take_bytes(struct dir_entry *e, const char *name, const json_t *value, struct err *err)
{
	uint8_t bytes[16];
	size_t len = json_is_array(value) ? json_array_size(value) : 1;

	if (len == 0 || len > sizeof bytes)
		return err_set(err, ERROR_INVALID_DATA, "%s is no short list of bytes", name);
	for (size_t i = 0; i < len; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		json_int_t n = json_integer_value(one);

		if (!json_is_integer(one) || n < 0 || n > UINT8_MAX)
			return err_set(
			    err, ERROR_INVALID_DATA, "%s: element %zu is no byte", name, i);
		bytes[i] = (uint8_t)n;
	}
	return dir_entry_add(e, name, view_of(bytes, len), err);
}

static bool
take_attribute(
    struct dir_entry *e, const struct tmpl_attribute *a, const json_t *value, struct err *err)
{
	switch (a->syntax) {
	case TMPL_INTEGER:
		return take_integer(e, a->name, value, err);
	case TMPL_BYTES:
		return take_bytes(e, a->name, value, err);
	case TMPL_TEXT:
		return take_text(e, a->name, value, err);
	case TMPL_TEXTS:
		break;
	}
	return take_texts(e, a->name, value, err);
}

/* Member names in any case, as LDAP's are. */
static const json_t *
member(json_t *object, const char *name)
{
	for (void *at = json_object_iter(object); at != NULL;
	     at = json_object_iter_next(object, at))
		if (text_eq_nocase(json_object_iter_key(at), name))
			return json_object_iter_value(at);
	return NULL;
}

static bool
take_template(json_t *object, struct dir_entry *e, struct err *err)
{
	const json_t *name = member(object, "name"), *value;

	if (!json_is_object(object))
		return err_set(err, ERROR_INVALID_DATA, "no object");
	if (name == NULL)
		name = member(object, "cn");
	if (!dir_entry_init(e, "JSON", err) || !take_text(e, "cn", name, err) ||
	    !dir_entry_add(e, "objectClass", view_str("pKICertificateTemplate"), err))
		return false;
	value = member(object, "objectClass");
	if (value != NULL && json_is_string(value) &&
	    !text_eq_nocase(json_string_value(value), "pKICertificateTemplate"))
		return err_set(err, ERROR_INVALID_DATA, "its objectClass is not of a template");
	for (size_t i = 0; i < tmpl_attribute_count; i++)
		if ((value = member(object, tmpl_attributes[i].name)) != NULL &&
		    !json_is_null(value) && !take_attribute(e, &tmpl_attributes[i], value, err))
			return false;
	return true;
}

static bool
take_all(json_t *root, struct dir_entries *out, struct err *err)
{
	size_t count = json_is_array(root) ? json_array_size(root) : 1;

	out->list = mem_zero(count + 1, sizeof *out->list);
	while (out->count < count) {
		size_t at = out->count++;

		if (!take_template(
			json_is_array(root) ? json_array_get(root, at) : root, &out->list[at], err))
			return err_prefix(err, "template %zu of the file", at + 1);
	}
	return true;
}

static json_t *
parse(struct view text, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);

	if (root == NULL)
		err_set(err, ERROR_INVALID_DATA, "no JSON: line %d: %s", why.line, why.text);
	return root;
}

static bool
read_json(struct view text, struct dir_entries *out, struct err *err)
{
	OWNED(buf_free) struct buf hold = {0};
	OWNED(own_json) json_t *root = NULL;

	return plain_text(text, &hold, &text, err) && (root = parse(text, err)) != NULL &&
	       take_all(root, out, err);
}

bool
template_json_read(struct view text, struct dir_entries *out, struct err *err)
{
	*out = (struct dir_entries){0};
	if (read_json(text, out, err))
		return true;
	dir_entries_free(out);
	return false;
}
