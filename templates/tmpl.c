#include "tmpl.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "sd_text.h"
#include "tmpl_priv.h"
#include "mem.h"
#include "own.h"

#define VERSION_MAX 4

enum kind {
	KIND_TEXT,
	KIND_OID,
	KIND_TEXTS,
	KIND_OIDS,
	KIND_FLAGS,  /* uint32_t; LDAP shows it signed (docs/FACTS.md 8) */
	KIND_NUMBER, /* int32_t, not negative */
	KIND_DEPTH,  /* int32_t, -1 allowed */
	KIND_PERIOD,
	KIND_USAGE,
	KIND_SD
};

struct attribute {
	const char *name;
	enum kind kind;
	size_t offset; /* into struct tmpl */
	bool required;
};

/* [MS-CRTD] 2.1 to 2.29. msPKI-RA-Application-Policies is not here: its syntax depends on the
 * others. */
static const struct attribute attributes[] = {
    {"cn", KIND_TEXT, offsetof(struct tmpl, cn), true},
    {"displayName", KIND_TEXT, offsetof(struct tmpl, display_name), false},
    {"flags", KIND_FLAGS, offsetof(struct tmpl, flags), true},
    {"revision", KIND_NUMBER, offsetof(struct tmpl, major), false},
    {"msPKI-Template-Schema-Version", KIND_NUMBER, offsetof(struct tmpl, schema_version), false},
    {"msPKI-Template-Minor-Revision", KIND_NUMBER, offsetof(struct tmpl, minor), false},
    {"msPKI-Cert-Template-OID", KIND_OID, offsetof(struct tmpl, oid), false},
    {"msPKI-Enrollment-Flag", KIND_FLAGS, offsetof(struct tmpl, enrollment_flag), false},
    {"msPKI-Certificate-Name-Flag", KIND_FLAGS, offsetof(struct tmpl, name_flag), false},
    {"msPKI-Private-Key-Flag", KIND_FLAGS, offsetof(struct tmpl, private_key_flag), false},
    {"msPKI-Minimal-Key-Size", KIND_NUMBER, offsetof(struct tmpl, min_key_size), false},
    {"msPKI-RA-Signature", KIND_NUMBER, offsetof(struct tmpl, ra_signatures), false},
    {"msPKI-RA-Policies", KIND_OIDS, offsetof(struct tmpl, ra_policies), false},
    {"msPKI-Certificate-Policy", KIND_OIDS, offsetof(struct tmpl, policies), false},
    {"msPKI-Certificate-Application-Policy", KIND_OIDS, offsetof(struct tmpl, application_policies),
	false},
    {"msPKI-Supersede-Templates", KIND_TEXTS, offsetof(struct tmpl, supersedes), false},
    {"pKIDefaultKeySpec", KIND_NUMBER, offsetof(struct tmpl, key_spec), false},
    {"pKIMaxIssuingDepth", KIND_DEPTH, offsetof(struct tmpl, max_depth), false},
    {"pKIKeyUsage", KIND_USAGE, offsetof(struct tmpl, key_usage), false},
    {"pKIExpirationPeriod", KIND_PERIOD, offsetof(struct tmpl, validity), true},
    {"pKIOverlapPeriod", KIND_PERIOD, offsetof(struct tmpl, overlap), false},
    {"pKIExtendedKeyUsage", KIND_OIDS, offsetof(struct tmpl, eku), false},
    {"pKICriticalExtensions", KIND_OIDS, offsetof(struct tmpl, critical), false},
    {"pKIDefaultCSPs", KIND_TEXTS, offsetof(struct tmpl, csps), false},
    {"nTSecurityDescriptor", KIND_SD, offsetof(struct tmpl, sd), false},
};

static bool
decode_number(struct view raw, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	OWNED(own_memory) char *text = NULL;

	return text_from_view(raw, &text, err) &&
	       (text_to_int(text, min, max, out) ||
		   err_set(err, ERROR_INVALID_DATA, "\"%s\" is not a number in its range", text));
}

static bool
decode_oid(struct view raw, char **out, struct err *err)
{
	if (!text_from_view(raw, out, err))
		return false;
	if (oid_is_valid(*out))
		return true;
	err_set(err, ERROR_INVALID_DATA, "\"%s\" is not an object identifier", *out);
	free(*out);
	*out = NULL;
	return false;
}

/* Content of a key usage BIT STRING: 9 bits; the second byte may be missing. */
static bool
decode_usage(struct view raw, uint8_t out[2], struct err *err)
{
	if (raw.len < 1 || raw.len > 2 || (raw.len == 2 && (raw.ptr[1] & 0x7f) != 0))
		return err_set(err, ERROR_INVALID_DATA, "not a key usage of one or two bytes");
	memcpy(out, raw.ptr, raw.len);
	return true;
}

static bool
decode_list(const struct dir_attr *a, bool oids, struct texts *out, struct err *err)
{
	for (size_t i = 0; i < a->count; i++) {
		struct view raw = buf_view(&a->values[i]);
		char *text;

		if (!(oids ? decode_oid(raw, &text, err) : text_from_view(raw, &text, err)) ||
		    !texts_take_new(out, text, err))
			return false;
	}
	return true;
}

static bool
decode_value(const struct attribute *what, struct view raw, struct tmpl *t, struct err *err)
{
	void *to = (char *)t + what->offset;
	int64_t n;

	switch (what->kind) {
	case KIND_TEXT:
		return text_from_view(raw, (char **)to, err);
	case KIND_OID:
		return decode_oid(raw, (char **)to, err);
	case KIND_FLAGS:
		if (!decode_number(raw, INT32_MIN, UINT32_MAX, &n, err))
			return false;
		*(uint32_t *)to = (uint32_t)n;
		return true;
	case KIND_NUMBER:
	case KIND_DEPTH:
		if (!decode_number(raw, what->kind == KIND_DEPTH ? -1 : 0, INT32_MAX, &n, err))
			return false;
		*(int32_t *)to = (int32_t)n;
		return true;
	case KIND_PERIOD:
		return period_decode(raw, (int64_t *)to) ||
		       err_set(err, ERROR_INVALID_DATA, "not a period: 8 bytes, a negative number");
	case KIND_USAGE:
		return decode_usage(raw, (uint8_t *)to, err);
	case KIND_SD:
		t->has_sd = sd_decode(raw, (struct sd *)to, err);
		return t->has_sd;
	case KIND_TEXTS:
	case KIND_OIDS:
		break;
	}
	return err_set(err, DIRCA_E_INTERNAL, "the attribute has no decoder");
}

static bool
decode_attribute(
    const struct dir_entry *e, const struct attribute *what, struct tmpl *t, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, what->name);

	if (a == NULL || a->count == 0)
		return !what->required || err_set(err, ERROR_INVALID_DATA, "it is missing");
	if (what->kind == KIND_TEXTS || what->kind == KIND_OIDS)
		return decode_list(a, what->kind == KIND_OIDS,
		    (struct texts *)(void *)((char *)t + what->offset), err);
	if (a->count > 1)
		return err_set(
		    err, ERROR_INVALID_DATA, "%zu values where one is expected", a->count);
	return decode_value(what, buf_view(&a->values[0]), t, err);
}

/* [MS-CRTD] 2.23: plain OIDs, or one string of triplets in version 3, and in 4 without the legacy
 * provider. */
static bool
decode_ra_application_policies(const struct dir_attr *a, struct tmpl *t, struct err *err)
{
	char *text;
	bool ok;

	if (a == NULL || a->count == 0)
		return true;
	if (t->schema_version < 3 ||
	    (t->schema_version == 4 && (t->private_key_flag & CT_FLAG_USE_LEGACY_PROVIDER) != 0))
		return decode_list(a, true, &t->ra_application_policies, err);
	if (a->count > 1)
		return err_set(
		    err, ERROR_INVALID_DATA, "%zu values where one is expected", a->count);
	if (!text_from_view(buf_view(&a->values[0]), &text, err))
		return false;
	ok = tmpl_decode_triplets(text, t, err);
	free(text);
	return ok;
}

static bool
decode_all(const struct dir_entry *e, struct tmpl *t, struct err *err)
{
	static const char ra[] = "msPKI-RA-Application-Policies";

	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
		if (!decode_attribute(e, &attributes[i], t, err))
			return err_prefix(
			    err, "template %s: attribute %s", e->dn, attributes[i].name);
	if (t->schema_version < 1 || t->schema_version > VERSION_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "template %s: attribute msPKI-Template-Schema-Version: version %d is unknown",
		    e->dn, t->schema_version);
	if (t->validity == 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "template %s: attribute pKIExpirationPeriod: shorter than a second", e->dn);
	if (!decode_ra_application_policies(dir_entry_attr(e, ra), t, err))
		return err_prefix(err, "template %s: attribute %s", e->dn, ra);
	return true;
}

/* Version 1 has neither key archival nor the policies that version 2 brought
 * ([MS-WCCE] 3.2.2.6.2.1.4.4). What restricts enrollment, a pending state or demanded signatures,
 * stays: an attribute that asks for more care is never ignored. */
static void
limit_to_version_1(struct tmpl *t)
{
	t->private_key_flag &= ~CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL;
	texts_free(&t->policies);
	texts_free(&t->application_policies);
}

bool
tmpl_decode(const struct dir_entry *e, struct tmpl *out, struct err *err)
{
	*out = (struct tmpl){.dn = mem_text(e->dn), .schema_version = 1, .max_depth = -1};
	if (!decode_all(e, out, err)) {
		tmpl_free(out);
		return false;
	}
	if (out->schema_version == 1)
		limit_to_version_1(out);
	return true;
}

void
tmpl_free(struct tmpl *t)
{
	struct texts *lists[] = {&t->eku, &t->critical, &t->policies, &t->application_policies,
	    &t->supersedes, &t->csps, &t->ra_policies, &t->ra_application_policies};
	char *texts[] = {t->dn, t->cn, t->display_name, t->oid, t->asymmetric_algorithm,
	    t->hash_algorithm, t->symmetric_algorithm};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		texts_free(lists[i]);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
	sd_free(&t->sd);
	*t = (struct tmpl){0};
}

bool
tmpl_requires_key_archival(const struct tmpl *t)
{
	return t->schema_version >= 2 &&
	       (t->private_key_flag & CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL) != 0;
}

bool
tmpl_pends(const struct tmpl *t)
{
	return (t->enrollment_flag & CT_FLAG_PEND_ALL_REQUESTS) != 0;
}

bool
tmpl_is_ca(const struct tmpl *t)
{
	return (t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA)) != 0;
}

int32_t
tmpl_signatures_needed(const struct tmpl *t)
{
	bool any = t->ra_application_policies.count > 0 || t->ra_policies.count > 0;

	return any && t->ra_signatures == 0 ? 1 : t->ra_signatures;
}

/* `deed` is what the right `right` lets one do. */
static bool
refuse_right(const struct tmpl *t, const char *who, const char *deed, const char *right,
    struct sd_verdict v, struct err *err)
{
	char *ace;

	if (v.ace < 0)
		return err_set(err, CERTSRV_E_TEMPLATE_DENIED,
		    "template %s: %s may not %s: no ACE grants the %s right; grant it to the "
		    "account or a group",
		    t->cn, who, deed, right);
	if (!sd_ace_text(&t->sd.aces[v.ace], SD_RIGHTS_DS, &ace))
		return err_nomem(err);
	(void)err_set(err, CERTSRV_E_TEMPLATE_DENIED,
	    "template %s: %s may not %s: ACE %d denies it: %s", t->cn, who, deed, v.ace, ace);
	free(ace);
	return false;
}

static bool
refuse_unreadable(const struct tmpl *t, const char *who, const char *deed, struct err *err)
{
	return err_set(err, CERTSRV_E_TEMPLATE_DENIED,
	    "template %s: %s may not %s: its nTSecurityDescriptor is missing or not readable by "
	    "the CA",
	    t->cn, who, deed);
}

struct sd_verdict
tmpl_read_verdict(const struct tmpl *t, const struct sids *sids)
{
	return sd_check(&t->sd, sids,
	    &(struct sd_request){.mask = SD_RIGHT_READ_PROP, .mapping = &SD_MAPPING_DS});
}

bool
tmpl_check_read(const struct tmpl *t, const struct sids *sids, const char *who, struct err *err)
{
	struct sd_verdict v;

	if (!t->has_sd)
		return refuse_unreadable(t, who, "read it", err);
	v = tmpl_read_verdict(t, sids);
	return v.allowed || refuse_right(t, who, "read it", "Read", v, err);
}

bool
tmpl_check_enroll(const struct tmpl *t, const struct sids *sids, const char *who, struct err *err)
{
	struct sd_verdict v;

	if (!t->has_sd)
		return refuse_unreadable(t, who, "enroll", err);
	v = sd_check_extended_right(&t->sd, sids, GUID_RIGHT_ENROLL);
	return v.allowed || refuse_right(t, who, "enroll", "Enroll", v, err);
}
