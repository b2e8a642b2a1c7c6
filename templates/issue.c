#include "issue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "issue_priv.h"
#include "tmpl_priv.h"

#define OID_KEY_USAGE         "2.5.29.15"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_EXT_KEY_USAGE     "2.5.29.37"
#define OID_OCSP_SIGNING      "1.3.6.1.5.5.7.3.9"

#define KU_KEY_ENCIPHERMENT  0x20
#define KU_DATA_ENCIPHERMENT 0x10
#define KU_KEY_AGREEMENT     0x08
#define KU_ENCRYPTS          (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_AGREEMENT)

#define AT_SIGNATURE 2

/* msPKI-Private-Key-Flag, [MS-CRTD] 2.27: bits that only this file asks for. */
#define CT_FLAG_ATTEST_REQUIRED 0x00002000u
#define SERVER_VERSION_MASK     0x000f0000u
#define SERVER_VERSION_SHIFT    16
/* The newest server version with a name (Windows Server 2016). Of what 4 to 6 stand for the one
 * thing that a CA must refuse when it cannot do it is attestation, which is refused by its own bit.
 * A number without a name is not promised. */
#define SERVER_VERSION_CURRENT 6

static bool
is_ca(const struct tmpl *t)
{
	return (t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA)) != 0;
}

static bool
is_for_signatures_only(const struct tmpl *t)
{
	if (t->key_usage[0] == 0 && t->key_usage[1] == 0)
		return t->key_spec == AT_SIGNATURE;
	return (t->key_usage[0] & KU_ENCRYPTS) == 0;
}

/* What a template demands that this CA cannot give, or that contradicts itself. */
static bool
check_template(const struct tmpl *t, struct err *err)
{
	unsigned server = (t->private_key_flag & SERVER_VERSION_MASK) >> SERVER_VERSION_SHIFT;

	if (server > SERVER_VERSION_CURRENT)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s needs a CA of version %u, and this CA is of version %d; lower the "
		    "template's compatibility",
		    t->cn, server, SERVER_VERSION_CURRENT);
	if ((t->private_key_flag & CT_FLAG_ATTEST_REQUIRED) != 0)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s requires key attestation, which this CA does not do", t->cn);
	if (t->schema_version >= 2 && t->oid == NULL)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s of version %d lacks msPKI-Cert-Template-OID", t->cn,
		    t->schema_version);
	if (!tmpl_requires_key_archival(t))
		return true;
	if ((t->flags & CT_FLAG_DONOTPERSISTINDB) != 0)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s demands key archival and forbids the database "
		    "(CT_FLAG_DONOTPERSISTINDB); remove one",
		    t->cn);
	if (is_for_signatures_only(t))
		return err_set(err, DIRCA_E_SIGNATURE_KEY,
		    "template %s demands archival of a key that only signs; remove the archival "
		    "flag",
		    t->cn);
	return true;
}

/* [MS-WCCE] 3.2.2.6.2.1.4.2; versions that the request does not tell are (0, 0). */
static bool
check_version(const struct tmpl *t, const struct issue_request *r, struct err *err)
{
	if (t->schema_version < 2 || !r->has_template_version ||
	    (r->template_major <= t->major && r->template_minor <= t->minor))
		return true;
	return err_set(err, CERTSRV_E_BAD_TEMPLATE_VERSION,
	    "template %s: the request is for version %" PRId64 ".%" PRId64
	    ", and the CA knows %" PRId32 ".%" PRId32 "; wait until the directory has replicated",
	    t->cn, r->template_major, r->template_minor, t->major, t->minor);
}

/* msPKI-Minimal-Key-Size of a template that names no elliptic curve algorithm is a number of RSA
 * bits: a curve's key is compared by its strength (NIST SP 800-57 part 1, 5.6.1.1), so that P-256
 * is not refused where RSA-2048 suffices. */
static int
comparable_bits(const struct tmpl *t, const struct issue_request *r)
{
	if (strcmp(r->key_algorithm, "EC") != 0 ||
	    (t->asymmetric_algorithm != NULL && strncmp(t->asymmetric_algorithm, "EC", 2) == 0))
		return r->key_bits;
	if (r->key_bits >= 521)
		return 15360;
	if (r->key_bits >= 384)
		return 7680;
	return r->key_bits >= 256 ? 3072 : 0;
}

static bool
check_request(const struct tmpl *t, const struct issue_request *r, struct err *err)
{
	bool archive = tmpl_requires_key_archival(t);

	if (!check_version(t, r, err))
		return false;
	if (t->ra_signatures > 0)
		return err_set(err, CERTSRV_E_SIGNATURE_COUNT,
		    "template %s demands %" PRId32
		    " signatures of registration authorities, which this CA does not take",
		    t->cn, t->ra_signatures);
	if (t->asymmetric_algorithm != NULL && strncmp(t->asymmetric_algorithm, "EC", 2) == 0 &&
	    strcmp(r->key_algorithm, "EC") != 0)
		return err_set(err, CERTSRV_E_KEY_LENGTH,
		    "template %s demands an %s key, and the request has an %s key", t->cn,
		    t->asymmetric_algorithm, r->key_algorithm);
	if (comparable_bits(t, r) < t->min_key_size)
		return err_set(err, CERTSRV_E_KEY_LENGTH,
		    "template %s demands a key of %" PRId32
		    " bits, and the %s key of the request has %d",
		    t->cn, t->min_key_size, r->key_algorithm, r->key_bits);
	if (archive && !r->has_archived_key)
		return err_set(err, CERTSRV_E_ARCHIVED_KEY_REQUIRED,
		    "template %s demands key archival, and the request holds no encrypted private "
		    "key",
		    t->cn);
	if (!archive && r->has_archived_key)
		return err_set(err, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED,
		    "template %s has no key archival, and the request holds an encrypted private "
		    "key",
		    t->cn);
	return true;
}

/* The usages of the template as the request's algorithm can have them: an EC key agrees where an
 * RSA key enciphers (RFC 8813 3). */
static void
plan_usages(const struct tmpl *t, const struct issue_request *r, struct issue_plan *p)
{
	memcpy(p->key_usage, t->key_usage, sizeof p->key_usage);
	if (strcmp(r->key_algorithm, "EC") == 0 &&
	    (p->key_usage[0] & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)) != 0) {
		p->key_usage[0] &= (uint8_t) ~(KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT);
		p->key_usage[0] |= KU_KEY_AGREEMENT;
	}
	p->key_usage_critical = text_list_has(&t->critical, OID_KEY_USAGE);
	p->eku = t->eku;
	p->eku_critical = text_list_has(&t->critical, OID_EXT_KEY_USAGE);
	if (t->schema_version < 2)
		return;
	p->application_policies =
	    t->application_policies.count > 0 ? t->application_policies : t->eku;
	/* Policies that only the request may choose ([MS-WCCE] 3.2.2.6.2.1.4.5.8) are chosen by
	 * none here. */
	if ((t->enrollment_flag & CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST) == 0)
		p->policies = t->policies;
}

static void
plan_basic_constraints(const struct tmpl *t, struct issue_plan *p)
{
	p->path_len = -1;
	if (is_ca(t)) {
		p->basic_constraints = true;
		p->is_ca = true;
		p->basic_constraints_critical =
		    true; /* RFC 5280 4.2.1.9, whatever pKICriticalExtensions says */
		p->path_len = t->max_depth;
	} else if ((t->enrollment_flag & CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS) != 0) {
		p->basic_constraints = true;
		p->basic_constraints_critical = text_list_has(&t->critical, OID_BASIC_CONSTRAINTS);
	}
}

static void
plan_template_and_flags(const struct tmpl *t, struct issue_plan *p)
{
	uint32_t flag = t->enrollment_flag;

	p->template_name = t->schema_version < 2 && (t->flags & CT_FLAG_ADD_TEMPLATE_NAME) != 0;
	p->template_info = t->schema_version >= 2;
	p->template_cn = t->cn;
	p->template_oid = t->oid;
	p->template_major = t->major;
	p->template_minor = t->minor;
	p->smime_capabilities = (flag & CT_FLAG_INCLUDE_SYMMETRIC_ALGORITHMS) != 0;
	p->ocsp_nocheck = (flag & CT_FLAG_ADD_OCSP_NOCHECK) != 0 &&
			  text_list_has(&p->application_policies, OID_OCSP_SIGNING);
	/* A certificate that nobody checks does not say where to check it
	 * ([MS-WCCE] 3.2.2.6.2.1.4.5.6). */
	p->no_revocation_info =
	    p->ocsp_nocheck || (flag & CT_FLAG_NOREVOCATIONINFOINISSUEDCERTS) != 0;
	p->pend = tmpl_pends(t);
	p->archive = tmpl_requires_key_archival(t);
	p->publish_to_kra = (flag & CT_FLAG_PUBLISH_TO_KRA_CONTAINER) != 0;
	p->publish_to_ds = (flag & CT_FLAG_PUBLISH_TO_DS) != 0;
}

/* The period of the template, from notBefore on, cut where the CA certificate ends. */
static bool
plan_validity(
    const struct tmpl *t, const struct issue_limits *limits, struct issue_plan *p, struct err *err)
{
	if (limits->ca_not_after <= limits->now)
		return err_set(err, CERT_E_EXPIRED, "the CA certificate has expired; renew it");
	p->not_before = limits->now - limits->clock_skew;
	if (__builtin_add_overflow(p->not_before, t->validity, &p->not_after) ||
	    p->not_after > limits->ca_not_after)
		p->not_after = limits->ca_not_after;
	if (p->not_after <= limits->now)
		return err_set(err, ERROR_INVALID_DATA,
		    "template %s: its validity period is over at once", t->cn);
	if (t->overlap > p->not_after - p->not_before)
		return err_set(err, CERTSRV_E_CERT_TYPE_OVERLAP,
		    "template %s: the renewal period is longer than the certificate would be "
		    "valid; renew the CA "
		    "certificate or shorten pKIOverlapPeriod",
		    t->cn);
	return true;
}

bool
issue_plan_make(const struct tmpl *t, const struct principal *requester,
    const struct issue_request *r, const struct issue_limits *limits, struct issue_plan *out,
    struct err *err)
{
	*out = (struct issue_plan){0};
	if (!check_template(t, err) || !check_request(t, r, err) ||
	    !plan_validity(t, limits, out, err) || !issue_plan_names(t, requester, r, out, err)) {
		issue_plan_free(out);
		return false;
	}
	plan_usages(t, r, out);
	plan_basic_constraints(t, out);
	plan_template_and_flags(t, out);
	out->subject = requester;
	out->critical = t->critical;
	return true;
}

void
issue_plan_free(struct issue_plan *p)
{
	for (size_t i = 0; i < p->san_count; i++)
		free(p->sans[i].text);
	free(p->sans);
	free(p->subject_dn);
	free(p->subject_cn);
	free(p->subject_email);
	free(p->sid);
	*p = (struct issue_plan){0};
}
