#include "issue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"
#include "issue_priv.h"
#include "tmpl_priv.h"
#include "mem.h"

#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_EXT_KEY_USAGE     "2.5.29.37"
#define OID_OCSP_SIGNING      "1.3.6.1.5.5.7.3.9"

#define AT_SIGNATURE 2

#define SERVER_VERSION_MASK  0x000f0000u
#define SERVER_VERSION_SHIFT 16
/* The newest server version with a name (Windows Server 2016). Of what 4 to 6 stand for the one
 * thing that a CA must refuse when it cannot do it is attestation, which is refused by its own bit.
 * A number without a name is not promised. */
#define SERVER_VERSION_CURRENT 6

static bool
is_for_signatures_only(const struct tmpl *t, const struct tmpl_key_rule *key)
{
	if (key->signs_only)
		return true;
	if (t->key_usage[0] == 0 && t->key_usage[1] == 0)
		return t->key_spec == AT_SIGNATURE;
	return (t->key_usage[0] & KU_ENCRYPTS) == 0;
}

/* A bit without a meaning here may restrict what is issued. That of `flags` is not asked: default
 * templates have undocumented ones. */
static bool
check_flags(const struct tmpl *t, struct err *err)
{
	for (enum tmpl_word w = TMPL_ENROLLMENT_FLAG; w < TMPL_WORDS; w++) {
		uint32_t unknown = tmpl_flags_unknown(w, tmpl_word_value(t, w));

		if (unknown != 0)
			return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
			    "template %s: %s has bit 0x%" PRIx32 ", which this CA does not know; "
			    "clear it",
			    t->cn, tmpl_word_attribute(w), unknown);
	}
	return true;
}

/* What a template demands that this CA cannot give. */
static bool
check_template(const struct tmpl *t, struct err *err)
{
	unsigned server = (t->private_key_flag & SERVER_VERSION_MASK) >> SERVER_VERSION_SHIFT;

	if (server > SERVER_VERSION_CURRENT)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s needs a CA of version %u (msPKI-Private-Key-Flag), and this CA is "
		    "of version %d; lower the template's compatibility",
		    t->cn, server, SERVER_VERSION_CURRENT);
	if ((t->private_key_flag & CT_FLAG_ATTEST_REQUIRED) != 0)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s requires key attestation (CT_FLAG_ATTEST_REQUIRED), which this CA "
		    "does not do; clear the flag",
		    t->cn);
	if (t->schema_version >= 2 && t->oid == NULL)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s of version %d lacks msPKI-Cert-Template-OID; give it one of the "
		    "organisation's arc",
		    t->cn, t->schema_version);
	return check_flags(t, err);
}

/* Archival that contradicts the rest of the template. */
static bool
check_archival(const struct tmpl *t, const struct tmpl_key_rule *key, struct err *err)
{
	if (!tmpl_requires_key_archival(t))
		return true;
	if ((t->flags & CT_FLAG_DONOTPERSISTINDB) != 0)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template %s demands key archival and forbids the database "
		    "(CT_FLAG_DONOTPERSISTINDB); remove one",
		    t->cn);
	if (is_for_signatures_only(t, key))
		return err_set(err, DIRCA_E_SIGNATURE_KEY,
		    "template %s demands archival of a key that only signs; remove "
		    "CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL from msPKI-Private-Key-Flag",
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
comparable_bits(const struct tmpl_key_rule *rule, const struct issue_request *r)
{
	if (strcmp(r->key_algorithm, "EC") != 0 || rule->algorithm != NULL)
		return r->key_bits;
	if (r->key_bits >= 521)
		return 15360;
	if (r->key_bits >= 384)
		return 7680;
	return r->key_bits >= 256 ? 3072 : 0;
}

static bool
check_key(const struct tmpl *t, const struct tmpl_key_rule *rule, const struct issue_request *r,
    struct err *err)
{
	if (rule->algorithm != NULL && strcmp(rule->algorithm, r->key_algorithm) != 0)
		return err_set(err, CERTSRV_E_KEY_LENGTH,
		    "template %s demands a key of algorithm %s (msPKI-Asymmetric-Algorithm), and "
		    "the request has an %s key",
		    t->cn, t->asymmetric_algorithm, r->key_algorithm);
	if (r->key_bits < rule->curve_bits)
		return err_set(err, CERTSRV_E_KEY_LENGTH,
		    "template %s demands a key of algorithm %s (msPKI-Asymmetric-Algorithm), and "
		    "that of the request has %d bits",
		    t->cn, t->asymmetric_algorithm, r->key_bits);
	if (comparable_bits(rule, r) >= t->min_key_size)
		return true;
	return err_set(err, CERTSRV_E_KEY_LENGTH,
	    "template %s demands a key of %" PRId32 " bits (msPKI-Minimal-Key-Size), and the %s "
	    "key of the request has %d",
	    t->cn, t->min_key_size, r->key_algorithm, r->key_bits);
}

/* A key that is kept was archived with the certificate that is renewed
 * ([MS-WCCE] 3.2.2.6.2.1.4.5.7). */
static bool
keeps_archived_key(const struct tmpl *t, const struct issue_request *r)
{
	return r->renewed != NULL && r->renewed->same_key && r->renewed->key_is_archived &&
	       (t->private_key_flag & CT_FLAG_REQUIRE_SAME_KEY_RENEWAL) != 0;
}

bool
issue_check_archival(const struct tmpl *t, const struct issue_request *r, struct err *err)
{
	bool archive = tmpl_requires_key_archival(t);

	if (archive && !r->has_archived_key && !keeps_archived_key(t, r))
		return err_set(err, CERTSRV_E_ARCHIVED_KEY_REQUIRED,
		    "template %s demands key archival (CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL), and "
		    "the request holds no encrypted private key",
		    t->cn);
	if (!archive && r->has_archived_key)
		return err_set(err, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED,
		    "template %s has no key archival, and the request holds an encrypted private "
		    "key",
		    t->cn);
	return true;
}

bool
issue_check_template(const struct tmpl *t, struct err *err)
{
	struct tmpl_key_rule key;

	return check_template(t, err) && tmpl_key_rule(t, &key, err) &&
	       check_archival(t, &key, err) && issue_check_signature_rule(t, err);
}

static bool
check_request(const struct tmpl *t, const struct principal *who, const struct issue_request *r,
    struct issue_plan *p, struct err *err)
{
	struct tmpl_key_rule key;

	if (!check_version(t, r, err) || !issue_check_renewal(t, r, err) ||
	    !issue_check_on_behalf_of(t, r, err))
		return false;
	p->approved_before = issue_is_approved_before(t, who, r);
	return (p->approved_before || issue_check_signatures(t, r, err)) &&
	       tmpl_key_rule(t, &key, err) && check_key(t, &key, r, err) &&
	       issue_check_archival(t, r, err);
}

/* [MS-WCCE] 3.2.2.6.2.1.4.5.8: the request chooses among the policies of the template; what it asks
 * for beside them is refused ([MS-CRTD] 2.26). */
static bool
choose_policies(
    const struct tmpl *t, const struct issue_request *r, struct issue_plan *p, struct err *err)
{
	for (size_t i = 0; i < r->policies.count; i++)
		if (!texts_has(&t->policies, r->policies.list[i]))
			return err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
			    "template %s: the request asks for issuance policy %s, which is not in "
			    "msPKI-Certificate-Policy",
			    t->cn, r->policies.list[i]);
	p->chosen_policies = mem_zero(t->policies.count, sizeof *p->chosen_policies);
	p->policies.list = p->chosen_policies;
	for (size_t i = 0; i < t->policies.count; i++)
		if (texts_has(&r->policies, t->policies.list[i]))
			p->policies.list[p->policies.count++] = t->policies.list[i];
	return true;
}

static bool
plan_policies(
    const struct tmpl *t, const struct issue_request *r, struct issue_plan *p, struct err *err)
{
	if (t->schema_version < 2)
		return true;
	p->application_policies =
	    t->application_policies.count > 0 ? t->application_policies : t->eku;
	if ((t->enrollment_flag & CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST) != 0)
		return choose_policies(t, r, p, err);
	p->policies = t->policies;
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
	p->key_usage_critical = texts_has(&t->critical, OID_KEY_USAGE);
	p->eku = t->eku;
	p->eku_critical = texts_has(&t->critical, OID_EXT_KEY_USAGE);
}

static void
plan_basic_constraints(const struct tmpl *t, struct issue_plan *p)
{
	p->path_len = -1;
	if (tmpl_is_ca(t)) {
		p->basic_constraints = true;
		p->is_ca = true;
		p->basic_constraints_critical =
		    true; /* RFC 5280 4.2.1.9, whatever pKICriticalExtensions says */
		p->path_len = t->max_depth;
	} else if ((t->enrollment_flag & CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS) != 0) {
		p->basic_constraints = true;
		p->basic_constraints_critical = texts_has(&t->critical, OID_BASIC_CONSTRAINTS);
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
			  texts_has(&p->application_policies, OID_OCSP_SIGNING);
	/* A certificate that nobody checks does not say where to check it. */
	p->no_revocation_info =
	    p->ocsp_nocheck || (flag & CT_FLAG_NOREVOCATIONINFOINISSUEDCERTS) != 0;
	p->pend = tmpl_pends(t) && !p->approved_before;
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
		    "valid; renew the CA certificate, raise CA\\ValidityPeriod or shorten "
		    "pKIOverlapPeriod",
		    t->cn);
	return true;
}

static const struct principal *
issue_subject(const struct principal *requester, const struct issue_request *r)
{
	return r->on_behalf_of != NULL ? r->on_behalf_of : requester;
}

bool
issue_plan_make(const struct tmpl *t, const struct principal *requester,
    const struct issue_request *r, const struct issue_limits *limits, struct issue_plan *out,
    struct err *err)
{
	const struct principal *who = issue_subject(requester, r);

	*out = (struct issue_plan){.subject = who, .critical = t->critical};
	if (!issue_check_template(t, err) || !check_request(t, who, r, out, err) ||
	    !plan_validity(t, limits, out, err) || !plan_policies(t, r, out, err) ||
	    !issue_plan_names(t, who, r, out, err)) {
		issue_plan_free(out);
		return false;
	}
	out->archive = r->has_archived_key;
	plan_usages(t, r, out);
	plan_basic_constraints(t, out);
	plan_template_and_flags(t, out);
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
	free(p->chosen_policies);
	free(p->chosen_usages);
	free(p->chosen_application);
	*p = (struct issue_plan){0};
}
