/* Lint rules about enrollment services, containers, key recovery agents and mappings. */
#include <string.h>
#include <strings.h>

#include "ca_rights.h"
#include "lint_priv.h"
#include "mem.h"
#include "own.h"

#define DAY           ((int64_t)86400)
#define KRA_WARNING_S (60 * DAY)

/* Descriptor of an entry; *has_out false: it shows none. One that cannot be decoded is a finding.
 */
static bool
read_sd(struct lint *l, const struct dir_entry *e, const char *attr, struct sd *out, bool *has_out,
    struct err *err)
{
	struct view raw;
	struct err why;

	*out = (struct sd){0};
	*has_out = false;
	switch (dir_entry_bytes(e, attr, &raw, &why)) {
	case DIR_GET_ABSENT:
		return true;
	case DIR_GET_OK:
		if (sd_decode(raw, out, &why)) {
			*has_out = true;
			return true;
		}
		break;
	case DIR_GET_FAILED:
		break;
	}
	return lint_find(l, LINT_DANGER, e->dn, NULL, err, "%s cannot be read: %s", attr, why.msg);
}

/* A finding if untrusted trustees hold one of the rights on the entry. */
static bool
find_holders(
    struct lint *l, const struct dir_entry *e, unsigned rights, const char *what, struct err *err)
{
	OWNED(sids_free) struct sids who = {0};
	OWNED(sd_free) struct sd sd = {0};
	bool has;

	return read_sd(l, e, "nTSecurityDescriptor", &sd, &has, err) &&
	       (!has || lint_holders(l, &sd, rights, &who, err)) &&
	       (who.count == 0 || lint_find(l, LINT_DANGER, e->dn, &who, err, "%s", what));
}

static bool
is_class(const struct dir_entry *e, const char *name)
{
	return dir_entry_has_value_nocase(e, "objectClass", name);
}

/* Templates are ESC4's; the KRA container and the rights of a CA have rules of their own. */
static bool
is_esc5_object(const struct lint *l, const struct dir_entry *e)
{
	return !is_class(e, "pKICertificateTemplate") && !is_class(e, "pKIEnrollmentService") &&
	       !lint_is_in(l, e, "CN=KRA");
}

bool
lint_esc5(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];

		if (is_esc5_object(l, e) &&
		    !find_holders(l, e, LINT_CONTROL | LINT_WRITE | LINT_CREATE | LINT_DELETE,
			"they can change it, or put objects into it", err))
			return false;
	}
	return true;
}

/* Officers are people by their nature; that everybody is one is the finding. */
static bool
find_broad(struct lint *l, const struct dir_entry *e, const struct sd *sd, struct err *err)
{
	static const uint32_t managing[] = {CA_RIGHT_ADMIN, CA_RIGHT_OFFICER};
	OWNED(sids_free) struct sids who = {0};

	if (!sd->has_dacl)
		sids_put(&who, &SID_EVERYONE);
	for (size_t i = 0; i < sd->count; i++) {
		const struct sids one = {.list = &sd->aces[i].sid, .count = 1};

		for (size_t k = 0; lint_is_broad(&sd->aces[i].sid) && k < COUNT_OF(managing); k++)
			if (sd_check_mask(sd, &one, managing[k]).allowed)
				sids_put(&who, &sd->aces[i].sid);
	}
	return who.count == 0 || lint_find(l, LINT_DANGER, e->dn, &who, err,
				     "they hold Manage CA or Issue and Manage Certificates");
}

bool
lint_esc7(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];
		OWNED(sd_free) struct sd sd = {0};
		bool has;

		if (is_class(e, "pKIEnrollmentService") &&
		    (!read_sd(l, e, "dircaCASecurity", &sd, &has, err) ||
			(has && !find_broad(l, e, &sd, err))))
			return false;
	}
	return true;
}

/* A value of msPKI-Enrollment-Servers holds its URL in its last line or alone
 * ([MS-WCCE] 2.2.2.11.2).
 */
static bool
is_plain_http(struct view v)
{
	static const char plain[] = "http://";

	for (size_t i = 0; i + sizeof plain - 1 <= v.len; i++)
		if (strncasecmp((const char *)v.ptr + i, plain, sizeof plain - 1) == 0)
			return true;
	return false;
}

bool
lint_esc8(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];
		const struct dir_attr *a = dir_entry_attr(e, "msPKI-Enrollment-Servers");

		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (is_plain_http(buf_view(&a->values[k])) &&
			    !lint_find(l, LINT_DANGER, e->dn, NULL, err,
				"msPKI-Enrollment-Servers names an http URL"))
				return false;
	}
	return true;
}

static bool
begins_with(struct view v, const char *prefix)
{
	size_t len = strlen(prefix);

	return v.len >= len && strncasecmp((const char *)v.ptr, prefix, len) == 0;
}

static bool
has_tag(struct view v, const char *tag)
{
	for (; v.len > 0; v.ptr++, v.len--)
		if (begins_with(v, tag))
			return true;
	return false;
}

/* Whether a certificate with a chosen or reused name matches. Key identifier, hash, and issuer with
 * serial number are strong; a name that holds their tags is still a name. */
static bool
is_weak_mapping(struct view v)
{
	if (!begins_with(v, "X509:"))
		return false;
	if (begins_with(v, "X509:<SKI>") || begins_with(v, "X509:<SHA1-PUKEY>"))
		return false;
	return !begins_with(v, "X509:<I>") || !has_tag(v, "<SR>") || has_tag(v, "<S>");
}

bool
lint_esc14(struct lint *l, struct err *err)
{
	for (size_t i = 0; l->in->mapped != NULL && i < l->in->mapped->count; i++) {
		const struct dir_entry *e = &l->in->mapped->list[i];
		const struct dir_attr *a = dir_entry_attr(e, "altSecurityIdentities");

		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (is_weak_mapping(buf_view(&a->values[k])) &&
			    !lint_find(l, LINT_WARNING, e->dn, NULL, err,
				"altSecurityIdentities maps by name: %.*s", (int)a->values[k].len,
				(const char *)a->values[k].ptr))
				return false;
	}
	return true;
}

bool
lint_kra_container(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];

		if (lint_is_in(l, e, "CN=KRA") &&
		    !find_holders(l, e, LINT_CONTROL | LINT_WRITE | LINT_CREATE | LINT_DELETE,
			"they can publish or remove key recovery agents", err))
			return false;
	}
	return true;
}

bool
lint_officer_rights(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];

		if (is_class(e, "pKIEnrollmentService") &&
		    !find_holders(l, e, LINT_CONTROL | LINT_WRITE,
			"they can change dircaOfficerRights, dircaCASecurity and the CA's "
			"templates",
			err))
			return false;
	}
	return true;
}

/* Who is an officer of this CA, whatever restrictions say of whom. */
static bool
find_officer_kras(struct lint *l, const struct dir_entry *e, const struct sd *sd, struct err *err)
{
	for (size_t i = 0; i < l->in->kra_count; i++) {
		const struct lint_kra *k = &l->in->kras[i];

		if (k->sids != NULL && sd_check_mask(sd, k->sids, CA_RIGHT_OFFICER).allowed &&
		    !lint_find(l, LINT_WARNING, k->subject, NULL, err,
			"the key recovery agent holds Issue and Manage Certificates at %s", e->dn))
			return false;
	}
	return true;
}

bool
lint_officer_and_kra(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];
		OWNED(sd_free) struct sd sd = {0};
		bool has;

		if (is_class(e, "pKIEnrollmentService") &&
		    (!read_sd(l, e, "dircaCASecurity", &sd, &has, err) ||
			(has && !find_officer_kras(l, e, &sd, err))))
			return false;
	}
	return true;
}

bool
lint_kra_expiry(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->kra_count; i++) {
		const struct lint_kra *k = &l->in->kras[i];
		int64_t left = k->not_after - l->in->now;

		if (left < KRA_WARNING_S &&
		    !lint_find(l, left < 0 ? LINT_DANGER : LINT_WARNING, k->subject, NULL, err,
			left < 0 ? "it ended %lld days ago (%s)" : "it ends in %lld days (%s)",
			(long long)((left < 0 ? -left : left) / DAY), k->object))
			return false;
	}
	return true;
}

bool
lint_kra_unfit(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->kra_count; i++) {
		const struct lint_kra *k = &l->in->kras[i];

		if (k->unfit != NULL && !lint_find(l, LINT_WARNING, k->subject, NULL, err,
					    "%s (%s, SHA-1 %s)", k->unfit, k->object, k->hash))
			return false;
	}
	return true;
}

bool
lint_kra_twice(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->in->kra_count; i++) {
		const struct lint_kra *k = &l->in->kras[i];

		if (k->newer != NULL &&
		    !lint_find(l, LINT_WARNING, k->subject, NULL, err,
			"the certificate with SHA-1 %s is of the same agent as the newer one with "
			"SHA-1 %s (%s)",
			k->hash, k->newer, k->object))
			return false;
	}
	return true;
}
