/*
 * The decision what a certificate gets: subject, alternative names, usages, policies, template
 * extension, validity, where it is published ([MS-WCCE] 3.2.2.6.2.1.4.5, [MS-CRTD] 2.26 to 2.28).
 * Pure: structs in, plan out, the clock passed in. The encoder (ca/core/certificate.h) turns a plan
 * into a TBSCertificate.
 */
#ifndef TEMPLATES_ISSUE_H
#define TEMPLATES_ISSUE_H

#include "tmpl.h"
#include "security_principal.h"

/* A registration authority or enrollment agent that signed the request beside its own key. That its
 * signature verifies and its certificate chains, is in time and not revoked was checked before. */
struct issue_signer {
	const char *name; /* for sentences */
	struct view key;  /* DER of the public key: who signs twice counts once, whatever the
			     certificate (ECDSA signatures, and so certificates, can be rewritten) */
	/* Of its certificate: application policies, where it has none its extended key usages, and
	 * certificate policies. */
	struct texts application_policies, issuance_policies;
};

/* The certificate that a request renews: the request is signed with its key, and it was checked
 * like a signer's. Everything is borrowed. */
struct issue_renewed {
	/* NULL: its extensions name none. `template_cn` is that of extension 20.2, else the cn of
	 * the directory's template whose OID extension 21.7 holds. */
	const char *template_cn, *template_oid;
	bool same_key;                /* the request is for the same public key */
	bool key_is_archived;         /* its private key is, and opens with the KRAs of then */
	struct view subject;          /* DER */
	struct view subject_alt_name; /* DER of the extension value, empty if absent */
	struct texts upns, emails;    /* that the alternative names hold */
	struct texts policies;        /* issuance policies */
	struct view sid_extension;    /* 25.2, empty if absent */
	const char *sid;              /* the text in it, NULL if absent */
};

/* What the request says, as far as policy needs it. */
struct issue_request {
	const char *key_algorithm; /* "RSA" or "EC" */
	int key_bits;
	bool has_archived_key;
	bool has_subject;             /* a non-empty subject name */
	struct view subject;          /* its DER, used only with ENROLLEE_SUPPLIES_SUBJECT */
	struct view subject_alt_name; /* DER of the SAN extension value, empty if absent */
	struct view
	    sid_extension; /* DER value of 1.3.6.1.4.1.311.25.2 of the request, empty if absent */
	bool has_template_version; /* 21.7 was in the request */
	int64_t template_major, template_minor;
	const struct issue_signer *signers;
	size_t signer_count;
	const struct issue_renewed *renewed; /* NULL: no renewal */
	/* certificatePolicies of the request, for ISSUANCE_POLICIES_FROM_REQUEST; borrowed */
	struct texts policies;
	/* Whom the caller, an enrollment agent, enrolls ("requestername"); NULL: the caller itself.
	 */
	const struct principal *on_behalf_of;
};

enum issue_name { ISSUE_NAME_CN, ISSUE_NAME_EMAIL, ISSUE_NAME_DN };
enum issue_san { ISSUE_SAN_UPN, ISSUE_SAN_EMAIL, ISSUE_SAN_DNS, ISSUE_SAN_GUID };

struct issue_san_value {
	enum issue_san kind;
	char *text; /* UPN, EMAIL, DNS */
	uint8_t guid[GUID_LEN];
};

struct issue_extension {
	const char *oid;
	bool critical;
	struct view value;
};

struct issue_plan {
	const struct principal *subject; /* whom the certificate is for; borrowed */
	/* Names that are taken as they are, of the request or of the certificate that it renews:
	 * DER, borrowed, used where *_from_request says so. */
	struct view given_subject, given_san, given_sid;
	bool subject_from_request; /* then subject_dn, _cn and _email are NULL; else at least one
				      name is there: */
	char *
	    subject_dn; /* RFC 4514 DN of the directory (SUBJECT_REQUIRE_DIRECTORY_PATH), or NULL */
	char *subject_cn;      /* CN alone, or NULL */
	char *subject_email;   /* E= to put first (most specific), or NULL */
	bool san_from_request; /* then `sans` is empty */
	struct issue_san_value *sans;
	size_t san_count;
	uint8_t key_usage[2];
	bool key_usage_critical;
	struct texts eku; /* borrowed lists of the template: valid as long as it */
	bool eku_critical;
	struct texts application_policies; /* 21.10; empty for version 1 */
	/* Issuance policies, OIDs of the template's list; `chosen_policies` owns the list where the
	 * request chose among them. Their statements: enterprise_oid.h. */
	struct texts policies;
	char **chosen_policies;
	/* What of them a certificate manager left (issue_narrow_usages). */
	char **chosen_usages, **chosen_application;
	/* Extensions beside these; borrowed, values are DER. */
	const struct issue_extension *extra;
	size_t extra_count;
	struct texts critical; /* OIDs of extensions that are critical if they are there */
	bool basic_constraints, is_ca, basic_constraints_critical;
	int32_t path_len;   /* -1 none */
	bool template_name; /* v1 with ADD_TEMPLATE_NAME: 20.2 with the cn */
	bool template_info; /* v2+: 21.7 */
	const char *template_cn, *template_oid;
	int32_t template_major, template_minor;
	bool smime_capabilities; /* INCLUDE_SYMMETRIC_ALGORITHMS */
	bool ocsp_nocheck;       /* and no AIA */
	bool no_revocation_info; /* no CDP; always with ocsp_nocheck */
	char *sid;               /* text for 25.2, or NULL */
	bool sid_from_request;
	int64_t not_before, not_after;
	bool pend;
	bool archive;         /* the request's key is to be archived */
	bool approved_before; /* a renewal that needs neither signatures nor a manager again */
	bool publish_to_kra, publish_to_ds;
};

struct issue_limits {
	int64_t now;
	int64_t clock_skew;   /* seconds that notBefore is set back */
	int64_t ca_not_after; /* notAfter never outlives the CA certificate */
};

/* What refuses every request for a template, with the code of issue_plan_make. */
bool issue_check_template(const struct tmpl *t, struct err *err);
/* The one rule of archival: a template that demands it gets the key, or the request keeps one that
 * is archived already; any other gets none. CERTSRV_E_ARCHIVED_KEY_REQUIRED, _UNEXPECTED. Part of
 * issue_plan_make. */
bool issue_check_archival(const struct tmpl *t, const struct issue_request *r, struct err *err);
/* `requester` is the caller, whose Enroll right was checked before; the names are those of
 * r->on_behalf_of where that is set. False with the code of [MS-ERREF] 2.1.1 that fits
 * (CERTSRV_E_KEY_LENGTH, _ARCHIVED_KEY_REQUIRED, _ARCHIVED_KEY_UNEXPECTED, _SUBJECT_UPN_REQUIRED,
 * _BAD_TEMPLATE_VERSION
 * ...). _UNSUPPORTED_CERT_TYPE: the template asks for what this CA cannot do (attestation, a newer
 * server, archival without database, no OID); _CERT_TYPE_OVERLAP: the CA certificate ends too soon
 * for the template's renewal period; for signatures and renewals see issue_priv.h. */
bool issue_plan_make(const struct tmpl *t, const struct principal *requester,
    const struct issue_request *r, const struct issue_limits *limits, struct issue_plan *out,
    struct err *err);
void issue_plan_free(struct issue_plan *p);

/* A certificate manager before an approval: out of what the plan has, never beside it.
 * CERTSRV_E_TEMPLATE_CONFLICT names what is not in it; nothing left is one too. `critical` marks
 * the extension, and takes no mark away. */
bool issue_narrow_key_usage(
    struct issue_plan *p, const uint8_t usage[2], bool critical, struct err *err);
/* Extended key usages, and with them the application policies, which some read instead. */
bool issue_narrow_usages(
    struct issue_plan *p, const struct texts *usages, bool critical, struct err *err);
bool issue_narrow_policies(struct issue_plan *p, const struct texts *policies, struct err *err);
/* Ends earlier; ERROR_INVALID_DATA if that is over already. */
bool issue_shorten(struct issue_plan *p, int64_t not_after, int64_t now, struct err *err);

#endif
