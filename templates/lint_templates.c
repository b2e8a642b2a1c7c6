/* Lint rules about templates. */
#include <stdlib.h>
#include <string.h>

#include "enterprise_oid.h"
#include "escalation.h"
#include "issue.h"
#include "lint_priv.h"
#include "supersede.h"
#include "tmpl_priv.h"
#include "mem.h"
#include "own.h"

/* schemaIDGUID of msPKI-Private-Key-Flag, bab04ac2-0435-4709-9307-28380e7c7001 ([MS-ADA2]) */
static const uint8_t private_key_flag[GUID_LEN] = {
    0xc2, 0x4a, 0xb0, 0xba, 0x35, 0x04, 0x09, 0x47, 0x93, 0x07, 0x28, 0x38, 0x0e, 0x7c, 0x70, 0x01};

/* What is wrong with a template that no CA issues waits for the day that one does. */
static enum lint_level
level_of(const struct lint_template *lt)
{
	return lt->enabled ? LINT_DANGER : LINT_WARNING;
}

static const char *
enabled_text(const struct lint_template *lt)
{
	return lt->enabled ? "a CA issues it" : "no CA issues it at the moment";
}

/* A rule of the form: untrusted people may enroll, and `is_bad`. */
static bool
find_enrollable(
    struct lint *l, bool (*is_bad)(const struct tmpl *t), const char *what, struct err *err)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_template *lt = &l->templates[i];

		if (lt->enrollers.count > 0 && is_bad(&lt->t) &&
		    !lint_find(l, level_of(lt), lt->t.cn, &lt->enrollers, err, "%s; %s", what,
			enabled_text(lt)))
			return false;
	}
	return true;
}

/* Without a descriptor no rule about rights has anything to say; that must not look like "nothing
 * found". */
bool
lint_unseen(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->count; i++)
		if (!l->templates[i].t.has_sd &&
		    !lint_find(l, LINT_WARNING, l->templates[i].t.cn, NULL, err,
			"nTSecurityDescriptor is absent or hidden: who may enroll for it or change "
			"it was not checked; %s",
			enabled_text(&l->templates[i])))
			return false;
	return true;
}

bool
lint_esc1(struct lint *l, struct err *err)
{
	return find_enrollable(l, tmpl_is_certain_escalation,
	    "CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT, purposes for logon, no approval", err);
}

static bool
is_for_anything(const struct tmpl *t)
{
	return tmpl_is_unattended(t) && tmpl_is_any_purpose(t) &&
	       (t->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) == 0;
}

static bool
is_ca_for_anybody(const struct tmpl *t)
{
	return tmpl_is_unattended(t) && (t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA)) != 0;
}

bool
lint_esc2(struct lint *l, struct err *err)
{
	return find_enrollable(
		   l, is_for_anything, "any purpose, or none named, and no approval", err) &&
	       find_enrollable(l, is_ca_for_anybody, "CA certificates without approval", err);
}

static bool
is_agent(const struct tmpl *t)
{
	return tmpl_is_unattended(t) && tmpl_has_purpose(t, OID_CERTIFICATE_REQUEST_AGENT);
}

bool
lint_esc3(struct lint *l, struct err *err)
{
	return find_enrollable(l, is_agent, "Certificate Request Agent and no approval", err);
}

bool
lint_esc4(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_template *lt = &l->templates[i];
		OWNED(sids_free) struct sids who = {0};

		if (lt->t.has_sd &&
		    !lint_holders(l, &lt->t.sd, LINT_CONTROL | LINT_WRITE, &who, err))
			return false;
		if (who.count > 0 &&
		    !lint_find(l, level_of(lt), lt->t.cn, &who, err,
			"they can change the template or its rights; %s", enabled_text(lt)))
			return false;
	}
	return true;
}

static bool
is_without_sid(const struct tmpl *t)
{
	return (t->enrollment_flag & CT_FLAG_NO_SECURITY_EXTENSION) != 0 && tmpl_authenticates(t);
}

bool
lint_esc9(struct lint *l, struct err *err)
{
	return find_enrollable(
	    l, is_without_sid, "CT_FLAG_NO_SECURITY_EXTENSION and purposes for logon", err);
}

/* A finding if this object gives the policy's holders a group. What cannot be decoded may. */
static bool
find_link(struct lint *l, const struct lint_template *lt, const char *policy,
    const struct dir_entry *object, struct err *err)
{
	OWNED(enterprise_oid_free) struct enterprise_oid o = {0};
	struct err why;

	if (!enterprise_oid_decode(object, &o, &why))
		return lint_find(l, level_of(lt), lt->t.cn, &lt->enrollers, err,
		    "its issuance policy %s cannot be read: %s", policy, why.msg);
	return o.group_dn == NULL || lint_find(l, level_of(lt), lt->t.cn, &lt->enrollers, err,
					 "its issuance policy %s stands for membership in %s; %s",
					 policy, o.group_dn, enabled_text(lt));
}

static bool
find_links(struct lint *l, const struct lint_template *lt, const char *policy, struct err *err)
{
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];

		if (dir_entry_has_value_nocase(e, "objectClass", "msPKI-Enterprise-Oid") &&
		    dir_entry_has_value_nocase(e, "msPKI-Cert-Template-OID", policy) &&
		    !find_link(l, lt, policy, e, err))
			return false;
	}
	return true;
}

bool
lint_esc13(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_template *lt = &l->templates[i];

		if (lt->enrollers.count == 0 || !tmpl_is_unattended(&lt->t))
			continue;
		for (size_t k = 0; k < lt->t.policies.count; k++)
			if (!find_links(l, lt, lt->t.policies.list[k], err))
				return false;
	}
	return true;
}

static bool
is_version_1_with_subject(const struct tmpl *t)
{
	return t->schema_version == 1 && tmpl_is_unattended(t) &&
	       (t->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0 &&
	       (t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA)) == 0;
}

bool
lint_esc15(struct lint *l, struct err *err)
{
	return find_enrollable(
	    l, is_version_1_with_subject, "version 1, CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT", err);
}

static bool
is_server_for_anybody(const struct tmpl *t)
{
	return (t->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0 &&
	       (t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA)) == 0 && tmpl_is_unattended(t) &&
	       (tmpl_is_any_purpose(t) || tmpl_has_purpose(t, OID_SERVER_AUTHENTICATION));
}

bool
lint_server_names(struct lint *l, struct err *err)
{
	return find_enrollable(l, is_server_for_anybody,
	    "CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT, server authentication, no approval", err);
}

bool
lint_archival_writers(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_template *lt = &l->templates[i];
		OWNED(sids_free) struct sids who = {0};

		if (tmpl_requires_key_archival(&lt->t) && lt->t.has_sd &&
		    !lint_writers_of(l, &lt->t.sd, private_key_flag, &who, err))
			return false;
		if (who.count > 0 && !lint_find(l, level_of(lt), lt->t.cn, &who, err,
					 "they can clear CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL; %s",
					 enabled_text(lt)))
			return false;
	}
	return true;
}

static bool
is_kra(const struct tmpl *t)
{
	return tmpl_is_unattended(t) && tmpl_has_purpose(t, OID_KEY_RECOVERY_AGENT);
}

bool
lint_kra_templates(struct lint *l, struct err *err)
{
	return find_enrollable(l, is_kra, "Key Recovery Agent and no approval", err);
}

static bool
is_autoenrolled_kra(const struct lint_template *lt)
{
	return lt->enrollers.count > 0 && tmpl_has_purpose(&lt->t, OID_KEY_RECOVERY_AGENT) &&
	       (lt->t.enrollment_flag & CT_FLAG_AUTO_ENROLLMENT) != 0;
}

/* The default template has the flag, and gives nobody the right. */
bool
lint_kra_autoenroll(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_template *lt = &l->templates[i];
		OWNED(sids_free) struct sids who = {0};

		if (is_autoenrolled_kra(lt) &&
		    !lint_holders(l, &lt->t.sd, LINT_AUTOENROLL, &who, err))
			return false;
		if (who.count > 0 &&
		    !lint_find(l, LINT_WARNING, lt->t.cn, &who, err,
			"Key Recovery Agent and CT_FLAG_AUTO_ENROLLMENT; %s", enabled_text(lt)))
			return false;
	}
	return true;
}

bool
lint_refused(struct lint *l, struct err *err)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_template *lt = &l->templates[i];
		struct err why;

		if (!issue_check_template(&lt->t, &why) &&
		    !lint_find(l, lt->enabled ? LINT_WARNING : LINT_NOTE, lt->t.cn, NULL, err,
			"%s: %s", err_name(why.code), why.msg))
			return false;
	}
	return true;
}

static bool
find_supersede_fault(struct lint *l, const struct tmpl_supersede_finding *f, struct err *err)
{
	static const char *const words[] = {
	    [TMPL_SUPERSEDE_UNKNOWN] = "a name that no template has",
	    [TMPL_SUPERSEDE_SELF] = "its own name",
	    [TMPL_SUPERSEDE_CYCLE] = "which supersedes it in turn",
	};

	return lint_find(l, LINT_NOTE, f->tmpl->cn, NULL, err,
	    "msPKI-Supersede-Templates lists %s, %s", f->named, words[f->fault]);
}

bool
lint_supersede(struct lint *l, struct err *err)
{
	OWNED(own_memory) struct tmpl *list = mem_zero(l->count, sizeof *list);
	OWNED(own_memory) struct tmpl_supersede_finding *faults = NULL;
	size_t count = 0;

	/* Copies that borrow, in a row as the question wants them. */
	for (size_t i = 0; i < l->count; i++)
		list[i] = l->templates[i].t;
	if (!tmpl_supersede_faults(list, l->count, &faults, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!find_supersede_fault(l, &faults[i], err))
			return false;
	return true;
}
