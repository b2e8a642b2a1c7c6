/*
 * The issue decision, shared by issue.c (template, key, usages, validity), issue_names.c (subject,
 * alternative names, SID), issue_signatures.c (who else signed) and issue_renewal.c.
 */
#ifndef TEMPLATES_ISSUE_PRIV_H
#define TEMPLATES_ISSUE_PRIV_H

#include "issue.h"

/* [MS-WCCE] 3.2.2.6.2.1.4.5.9. Uses p->approved_before. */
bool issue_plan_names(const struct tmpl *t, const struct principal *who,
    const struct issue_request *r, struct issue_plan *p, struct err *err);

/* [MS-WCCE] 3.2.2.6.2.1.4.5.1, .3 and .4, read so that every demanded signature must hold every
 * policy: CERTSRV_E_SIGNATURE_POLICY_REQUIRED (none), _SIGNATURE_COUNT (too few),
 * _SIGNATURE_REJECTED, _ISSUANCE_POLICY_REQUIRED (enough, but not with the policies),
 * _TEMPLATE_POLICY_REQUIRED (the template names none), _TOO_MANY_SIGNATURES (more than fit). */
bool issue_check_signatures(const struct tmpl *t, const struct issue_request *r, struct err *err);
/* The last two of these codes, which are the template's fault. */
bool issue_check_signature_rule(const struct tmpl *t, struct err *err);
/* [MS-WCCE] 3.2.2.6.2.1.2.1: another subject only where the template allows it and an enrollment
 * agent signed; CERTSRV_E_TEMPLATE_DENIED, _BAD_REQUESTSUBJECT and the codes above. */
bool issue_check_on_behalf_of(const struct tmpl *t, const struct issue_request *r, struct err *err);

/* A renewal is for the template of the renewed certificate or for one that supersedes it
 * (CERTSRV_E_TEMPLATE_CONFLICT), and with its key where that is demanded
 * (CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY). True without a renewal. */
bool issue_check_renewal(const struct tmpl *t, const struct issue_request *r, struct err *err);
/* [MS-WCCE] 3.2.2.6.2.1.4.8: neither signatures nor approval are needed again. */
bool issue_is_approved_before(
    const struct tmpl *t, const struct principal *who, const struct issue_request *r);

#endif
