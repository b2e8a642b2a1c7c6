/*
 * Attributes and extensions that a certificate manager sets for a request that waits ([MS-CSRA]
 * 3.1.4.1.7, 3.1.4.1.8), and what they do when it is approved. What is not in the tables here is
 * refused: whom a certificate is for, and whether it is one of a CA, an agent or a responder,
 * follow from request, directory and template alone.
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "printable.h"
#include "text.h"

#define EXPIRATION_DATE "ExpirationDate"
#define NAME_MOST       64

/* ---- extensions ---- */

static bool
narrow_key_usage(struct enrollment *e, const struct store_value *v, struct err *err)
{
	uint16_t bits;

	if (!pkix_key_usage_decode(buf_view(&v->value), &bits, err))
		return false;
	const uint8_t usage[] = {(uint8_t)(bits >> 8), (uint8_t)bits};

	return issue_narrow_key_usage(&e->plan, usage, v->critical, err);
}

static bool
narrow_usages(struct enrollment *e, const struct store_value *v, struct err *err)
{
	OWNED(texts_free) struct texts usages = {0};

	return pkix_usages_decode(buf_view(&v->value), &usages, err) &&
	       issue_narrow_usages(&e->plan, &usages, v->critical, err);
}

static bool
narrow_policies(struct enrollment *e, const struct store_value *v, struct err *err)
{
	OWNED(texts_free) struct texts policies = {0};

	return pkix_policies_decode(buf_view(&v->value), &policies, err) &&
	       issue_narrow_policies(&e->plan, &policies, err);
}

/* The value stays the database's, which the enrollment holds. */
static bool
add_extension(struct enrollment *e, const struct store_value *v, struct err *err)
{
	(void)err;
	e->extra = mem_grow(e->extra, e->plan.extra_count, sizeof *e->extra);
	e->extra[e->plan.extra_count++] =
	    (struct issue_extension){v->name, v->critical, buf_view(&v->value)};
	e->plan.extra = e->extra;
	return true;
}

static const struct extension_rule {
	const char *oid;
	bool (*apply)(struct enrollment *e, const struct store_value *v, struct err *err);
} extension_rules[] = {
    {"2.5.29.15", narrow_key_usage}, {"2.5.29.37", narrow_usages}, {"2.5.29.32", narrow_policies},
    {"1.3.6.1.5.5.7.1.24", add_extension},     /* TLS features (RFC 7633) */
    {"2.16.840.1.113730.1.13", add_extension}, /* comment of Netscape */
};

/* Those of dircad.conf say nothing that this CA would understand. */
static const struct extension_rule named_by_root = {NULL, add_extension};

static const struct extension_rule *
extension_rule(const struct ca *ca, const char *oid)
{
	for (size_t i = 0; i < COUNT_OF(extension_rules); i++)
		if (strcmp(extension_rules[i].oid, oid) == 0)
			return &extension_rules[i];
	for (size_t i = 0; i < ca->config->officer_extension_count; i++)
		if (strcmp(ca->config->officer_extensions[i], oid) == 0)
			return &named_by_root;
	return NULL;
}

static bool
check_extension(const struct ca *ca, const struct store_value *v, struct err *err)
{
	if (extension_rule(ca, v->name) != NULL)
		return true;
	return err_set(err, E_ACCESSDENIED,
	    "extension %s is none that a certificate manager sets: key usage, extended key usage, "
	    "certificate policies, TLS features, comments, and those of officer_extension in "
	    "dircad.conf",
	    v->name);
}

/* The kinds whose form is known: what an approval would not read is not kept. */
static bool
check_form(const struct store_value *v, struct err *err)
{
	OWNED(texts_free) struct texts list = {0};
	struct view value = buf_view(&v->value);
	uint16_t bits;

	if (!pkix_check_value(v->name, value, err))
		return false;
	if (strcmp(v->name, "2.5.29.15") == 0)
		return pkix_key_usage_decode(value, &bits, err);
	if (strcmp(v->name, "2.5.29.37") == 0)
		return pkix_usages_decode(value, &list, err);
	return strcmp(v->name, "2.5.29.32") != 0 || pkix_policies_decode(value, &list, err);
}

/* ---- attributes ---- */

/* Whom a request is for and by which template is its own to say; a date says more than a period. */
static bool
check_attribute_name(const char *name, struct err *err)
{
	static const char *const others[] = {"CertificateTemplate", CMC_REQUESTER_NAME, "SAN",
	    "CertificateUsage", "ValidityPeriod", "ValidityPeriodUnits"};

	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (text_eq_nocase(name, others[i]))
			return err_set(err, E_ACCESSDENIED,
			    "attribute %s is none that a certificate manager sets: whom the "
			    "certificate is for and by which template says the request, when it "
			    "ends " EXPIRATION_DATE,
			    others[i]);
	if (*name != '\0' && strlen(name) <= NAME_MOST && text_is_visible_ascii(name) &&
	    strpbrk(name, ":=") == NULL)
		return true;
	return err_set(err, E_INVALIDARG,
	    "an attribute has a name of up to %d letters, digits and signs without : and =",
	    NAME_MOST);
}

static bool
expiration(const struct store_value *v, int64_t *out, struct err *err)
{
	OWNED(own_memory) char *text = NULL;

	return text_from_view(buf_view(&v->value), &text, err) &&
	       (clock_parse(text, out) ||
		   err_set(err, E_INVALIDARG,
		       EXPIRATION_DATE " is an instant such as 2027-01-31T00:00:00Z"));
}

static bool
check_attribute(const struct store_value *v, int64_t now, struct err *err)
{
	uint32_t bad;
	int64_t when;

	if (!check_attribute_name(v->name, err))
		return false;
	if (!printable_text(buf_view(&v->value), &bad))
		return err_set(err, E_INVALIDARG,
		    "the value of attribute %s holds a character that nobody would see (U+%04X)",
		    v->name, bad);
	if (!text_eq_nocase(v->name, EXPIRATION_DATE))
		return true;
	return expiration(v, &when, err) &&
	       (when > now || err_set(err, E_INVALIDARG, EXPIRATION_DATE " is over"));
}

/* Other attributes are words for people. */
static bool
apply_attribute(struct enrollment *e, const struct store_value *v, struct err *err)
{
	int64_t when;

	return !text_eq_nocase(v->name, EXPIRATION_DATE) ||
	       (expiration(v, &when, err) && issue_shorten(&e->plan, when, e->now, err));
}

/* Root may have taken an extension from officer_extension since. */
static bool
apply_extension(struct enrollment *e, const struct store_value *v, struct err *err)
{
	return check_extension(e->ca, v, err) && extension_rule(e->ca, v->name)->apply(e, v, err);
}

bool
enroll_apply_values(struct enrollment *e, struct err *err)
{
	for (size_t i = 0; i < e->values.count; i++) {
		const struct store_value *v = &e->values.list[i];

		if (!(v->kind == STORE_ATTRIBUTE ? apply_attribute : apply_extension)(e, v, err))
			return err_prefix(err, "what %s set (%s)", v->set_by, v->name);
	}
	return true;
}

char *
told_values(const struct enrollment *e)
{
	OWNED(own_memory) char *names = mem_text("");

	for (size_t i = 0; i < e->values.count; i++)
		text_list_add(&names, ", ", e->values.list[i].name);
	return e->values.count == 0 ? mem_text("no certificate manager set anything")
				    : text_printf("certificate managers set %s", names);
}

bool
enroll_check_value(const struct ca *ca, const struct store_value *v, struct err *err)
{
	if (v->kind == STORE_ATTRIBUTE)
		return check_attribute(v, v->set_when, err);
	return check_extension(ca, v, err) && (v->value.len == 0 || check_form(v, err));
}
