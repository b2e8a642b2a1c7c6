#include "issue_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "idn.h"
#include "mem.h"
#include "net_name.h"
#include "own.h"

#define DNS_NAME_MAX 253

static bool
copy_text(const char *text, char **out, struct err *err)
{
	(void)err;
	*out = mem_text(text);
	return true;
}

static bool
has(const struct tmpl *t, uint32_t flags)
{
	return (t->name_flag & flags) != 0;
}

/* A mailbox or host of the directory as certificates hold it: RFC 5280 7.2 and 7.5 want A-labels.
 * free(). */
static char *
as_certified(const char *name)
{
	char *ascii = idn_to_ascii(name);

	return ascii != NULL ? ascii : mem_text(name);
}

/* A name of the directory that a certificate can hold; `why` is why not, as the end of a sentence.
 */
static bool
need(const struct tmpl *t, const struct principal *who, enum err_code code, const char *attribute,
    const char *value, const char *why, struct err *err)
{
	if (value == NULL)
		return err_set(err, code, "template %s: %s has no %s in the directory; set it",
		    t->cn, who->downlevel, attribute);
	return why == NULL ||
	       err_set(err, code, "template %s: %s of %s, \"%s\", %s; correct it in the directory",
		   t->cn, attribute, who->downlevel, value, why);
}

/* The first addresses, `most` of them. */
static bool
need_mails(const struct tmpl *t, const struct principal *who, size_t most, struct err *err)
{
	const struct texts *m = &who->mails;

	if (m->count == 0)
		return need(t, who, CERTSRV_E_SUBJECT_EMAIL_REQUIRED, "mail", NULL, NULL, err);
	for (size_t i = 0; i < m->count && i < most; i++) {
		OWNED(own_memory) char *mail = as_certified(m->list[i]);

		if (!need(t, who, CERTSRV_E_SUBJECT_EMAIL_REQUIRED, "mail", m->list[i],
			net_mailbox_why(mail), err))
			return false;
	}
	return true;
}

/* The rest of its form is looked at when it is known whose name it could pass for (enrollment's
 * step "names"). */
static bool
need_dns(const struct tmpl *t, const struct principal *who, struct err *err)
{
	OWNED(own_memory) char *host = who->dns_name != NULL ? as_certified(who->dns_name) : NULL;

	return need(t, who, CERTSRV_E_SUBJECT_DNS_REQUIRED, "dNSHostName", who->dns_name,
	    host != NULL && !text_is_visible_ascii(host) ? net_host_why(host) : NULL, err);
}

/* CN is the dNSHostName of a machine, else the cn of the user; a machine's template is for machines
 * only. */
static bool
plan_common_name(
    const struct tmpl *t, const struct principal *who, struct issue_plan *p, struct err *err)
{
	if (who->is_machine) {
		if (!need_dns(t, who, err))
			return false;
		p->subject_cn = as_certified(who->dns_name);
		return true;
	}
	if (who->cn == NULL || *who->cn == '\0')
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "template %s: %s has no cn in the directory", t->cn, who->downlevel);
	return copy_text(who->cn, &p->subject_cn, err);
}

static bool
plan_subject(
    const struct tmpl *t, const struct principal *who, struct issue_plan *p, struct err *err)
{
	uint32_t named = CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME | CT_FLAG_SUBJECT_REQUIRE_DNS_AS_CN;

	if (has(t, CT_FLAG_SUBJECT_REQUIRE_DIRECTORY_PATH)) {
		if (!copy_text(who->dn, &p->subject_dn, err))
			return false;
	} else if (has(t, named) && !plan_common_name(t, who, p, err)) {
		return false;
	}
	if (has(t, CT_FLAG_SUBJECT_REQUIRE_EMAIL)) {
		if (!need_mails(t, who, 1, err))
			return false;
		p->subject_email = as_certified(who->mails.list[0]);
	}
	return true;
}

static bool
add_san(struct issue_plan *p, struct issue_san_value value, const char *text, struct err *err)
{
	(void)err;
	if (text != NULL)
		value.text = mem_text(text);
	p->sans = mem_grow(p->sans, p->san_count, sizeof *p->sans);
	p->sans[p->san_count++] = value;
	return true;
}

/* Where the RDN that starts at `dn` ends: the next comma that is not escaped (RFC 4514 2.4). */
static const char *
rdn_end(const char *dn)
{
	while (*dn != '\0' && *dn != ',')
		dn += *dn == '\\' && dn[1] != '\0' ? 2 : 1;
	return dn;
}

/* "DC=corp,DC=example" at the end of a DN as "corp.example"; false if it does not end so. */
static bool
dns_domain_of_dn(const char *dn, char out[DNS_NAME_MAX + 1])
{
	size_t used = 0;

	while (*dn != '\0') {
		const char *end = rdn_end(dn);
		size_t len = (size_t)(end - dn);

		if (len > 3 && strncasecmp(dn, "DC=", 3) == 0 && memchr(dn, '\\', len) == NULL &&
		    memchr(dn, '+', len) == NULL && used + len - 2 <= DNS_NAME_MAX) {
			if (used > 0)
				out[used++] = '.';
			memcpy(out + used, dn + 3, len - 3);
			used += len - 3;
		} else {
			used = 0;
		}
		dn = *end == ',' ? end + 1 : end;
	}
	out[used] = '\0';
	return net_host_why(out) == NULL;
}

/* [MS-WCCE] asks the requester's own machine for its domain; its DN and the domain's nETBIOSName
 * say the same. */
static bool
plan_domain_dns(
    const struct tmpl *t, const struct principal *who, struct issue_plan *p, struct err *err)
{
	char name[DNS_NAME_MAX + 1];

	if (!dns_domain_of_dn(who->dn, name))
		return err_set(err, CERTSRV_E_SUBJECT_DNS_REQUIRED,
		    "template %s: the DNS name of the domain of %s is unknown: its DN does not end "
		    "in DC components",
		    t->cn, who->downlevel);
	if (!add_san(p, (struct issue_san_value){.kind = ISSUE_SAN_DNS}, name, err))
		return false;
	return who->domain == NULL || net_host_why(who->domain) != NULL ||
	       add_san(p, (struct issue_san_value){.kind = ISSUE_SAN_DNS}, who->domain, err);
}

/* A certificate is for all addresses of its holder. */
static bool
plan_mails(const struct tmpl *t, const struct principal *who, struct issue_plan *p, struct err *err)
{
	if (!need_mails(t, who, SIZE_MAX, err))
		return false;
	for (size_t i = 0; i < who->mails.count; i++) {
		OWNED(own_memory) char *mail = as_certified(who->mails.list[i]);

		if (!add_san(p, (struct issue_san_value){.kind = ISSUE_SAN_EMAIL}, mail, err))
			return false;
	}
	return true;
}

static bool
plan_guid(const struct tmpl *t, const struct principal *who, struct issue_plan *p, struct err *err)
{
	struct issue_san_value value = {.kind = ISSUE_SAN_GUID};

	if (!who->has_guid)
		return err_set(err, CERTSRV_E_SUBJECT_DIRECTORY_GUID_REQUIRED,
		    "template %s: %s has no objectGUID in the directory", t->cn, who->downlevel);
	memcpy(value.guid, who->guid, GUID_LEN);
	return add_san(p, value, NULL, err);
}

static bool
plan_alternative_names(
    const struct tmpl *t, const struct principal *who, struct issue_plan *p, struct err *err)
{
	/* SPN adds the UPN too, says the specification. */
	if (has(t, CT_FLAG_SUBJECT_ALT_REQUIRE_UPN | CT_FLAG_SUBJECT_ALT_REQUIRE_SPN)) {
		if (who->upn == NULL || *who->upn == '\0')
			return err_set(err, CERTSRV_E_SUBJECT_UPN_REQUIRED,
			    "template %s: %s has no userPrincipalName in the directory", t->cn,
			    who->downlevel);
		if (!add_san(p, (struct issue_san_value){.kind = ISSUE_SAN_UPN}, who->upn, err))
			return false;
	}
	if (has(t, CT_FLAG_SUBJECT_ALT_REQUIRE_EMAIL) && !plan_mails(t, who, p, err))
		return false;
	if (has(t, CT_FLAG_SUBJECT_ALT_REQUIRE_DIRECTORY_GUID) && !plan_guid(t, who, p, err))
		return false;
	if (has(t, CT_FLAG_SUBJECT_ALT_REQUIRE_DOMAIN_DNS) && !plan_domain_dns(t, who, p, err))
		return false;
	if (has(t, CT_FLAG_SUBJECT_ALT_REQUIRE_DNS)) {
		OWNED(own_memory) char *host = NULL;

		if (!need_dns(t, who, err))
			return false;
		host = as_certified(who->dns_name);
		return add_san(p, (struct issue_san_value){.kind = ISSUE_SAN_DNS}, host, err);
	}
	return true;
}

/* [MS-WCCE] 3.2.2.6.2.1.4.4.1: a machine's template wants a computer with a DNS name where a name
 * is built from it. */
static bool
check_machine(const struct tmpl *t, const struct principal *who, struct err *err)
{
	uint32_t from_dns = CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME |
			    CT_FLAG_SUBJECT_REQUIRE_DNS_AS_CN | CT_FLAG_SUBJECT_ALT_REQUIRE_DNS;

	if ((t->flags & CT_FLAG_MACHINE_TYPE) == 0 || !has(t, from_dns))
		return true;
	if (!who->is_machine)
		return err_set(err, CERTSRV_E_SUBJECT_DNS_REQUIRED,
		    "template %s is for computers, and %s is none", t->cn, who->downlevel);
	return need_dns(t, who, err);
}

/* What the renewed certificate says beside its subject. */
static void
take_old_san_and_sid(const struct tmpl *t, const struct issue_request *r, struct issue_plan *p)
{
	p->given_san = r->renewed->subject_alt_name;
	p->given_sid = r->renewed->sid_extension;
	p->san_from_request = p->given_san.len > 0;
	p->sid_from_request =
	    p->given_sid.len > 0 && (t->enrollment_flag & CT_FLAG_NO_SECURITY_EXTENSION) == 0;
}

static bool
takes_old_names(const struct tmpl *t, const struct issue_request *r)
{
	return r->renewed != NULL && has(t, CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME);
}

static bool
plan_names_of_renewed(
    const struct tmpl *t, const struct issue_request *r, struct issue_plan *p, struct err *err)
{
	take_old_san_and_sid(t, r, p);
	p->subject_from_request = true;
	p->given_subject = r->renewed->subject;
	return r->renewed->subject.len > 2 || p->san_from_request ||
	       err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		   "template %s takes the names of the renewed certificate "
		   "(CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME), and it has none; request a "
		   "new certificate",
		   t->cn);
}

static bool
plan_names_of_request(const struct tmpl *t, const struct principal *who,
    const struct issue_request *r, struct issue_plan *p, struct err *err)
{
	if (takes_old_names(t, r))
		return plan_names_of_renewed(t, r, p, err);
	/* An alternative name alone is enough, but for a CA (RFC 5280 4.1.2.6). */
	if (!r->has_subject && (r->subject_alt_name.len == 0 || tmpl_is_ca(t)))
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "template %s: the requester supplies the subject name, and the request holds "
		    "none%s",
		    t->cn, tmpl_is_ca(t) ? ", without which no CA is" : ", nor alternative names");
	p->subject_from_request = true;
	p->given_subject = r->subject;
	p->given_san = r->subject_alt_name;
	p->given_sid = r->sid_extension;
	p->san_from_request = r->subject_alt_name.len > 0;
	p->sid_from_request =
	    r->sid_extension.len > 0 && (t->enrollment_flag & CT_FLAG_NO_SECURITY_EXTENSION) == 0;
	/* Nobody approved other names than those. */
	if (p->approved_before)
		take_old_san_and_sid(t, r, p);
	/* Names that the template demands come from the directory where the request brings none. */
	return p->approved_before || p->san_from_request || plan_alternative_names(t, who, p, err);
}

static bool
plan_names_of_directory(
    const struct tmpl *t, const struct principal *who, struct issue_plan *p, struct err *err)
{
	char sid[SID_TEXT_MAX];

	if (!check_machine(t, who, err) || !plan_subject(t, who, p, err) ||
	    !plan_alternative_names(t, who, p, err))
		return false;
	if (p->subject_dn == NULL && p->subject_cn == NULL && p->subject_email == NULL &&
	    p->san_count == 0)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "template %s names neither a subject nor an alternative name; set "
		    "msPKI-Certificate-Name-Flag",
		    t->cn);
	if (!who->has_sid || (t->enrollment_flag & CT_FLAG_NO_SECURITY_EXTENSION) != 0)
		return true;
	sid_to_text(&who->sid, sid);
	return copy_text(sid, &p->sid, err);
}

bool
issue_plan_names(const struct tmpl *t, const struct principal *requester,
    const struct issue_request *r, struct issue_plan *p, struct err *err)
{
	return has(t, CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT)
		   ? plan_names_of_request(t, requester, r, p, err)
		   : plan_names_of_directory(t, requester, p, err);
}
