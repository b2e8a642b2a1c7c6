/*
 * From an issue plan to a signed certificate: extensions in the order AD CS writes them,
 * TBSCertificate, signature by the vault.
 */
#ifndef CORE_CERTIFICATE_H
#define CORE_CERTIFICATE_H

#include "ca.h"
#include "extension.h"
#include "issue.h"

/* The names that a certificate holds: made once, so that what was checked is what is certified. */
struct certificate_names {
	struct buf subject; /* Name DER */
	struct buf san;     /* subjectAltName's value, empty if there are none */
};
/* Those of a plan, which may have names of the request in it. They can be encoded, hold nothing
 * that people would not see and keep to RFC 5280; else CERTSRV_E_BAD_REQUESTSUBJECT, with as many
 * of them as could be made. Freed in both cases. */
bool certificate_names_make(
    const struct issue_plan *plan, struct certificate_names *out, struct err *err);
void certificate_names_free(struct certificate_names *n);

/* What a certificate that was just made is known by, beside its names. */
struct certificate_marks {
	uint8_t serial[PKIX_SERIAL_LEN];
	uint8_t key_id[KEY_ID_LEN];
	uint8_t sha1[20]; /* of the certificate */
};

struct certificate_order {
	const struct ca_view *view; /* by which the plan was made */
	const struct issue_plan *plan;
	const struct certificate_names *names; /* of the plan */
	struct view spki;
	uint32_t partition; /* whose CRL it names; 0: the complete one (certificate_partition) */
	/* Of a CA's request: the values of 311.21.1 and 311.21.2; empty: none. */
	struct view ca_version, previous_hash;
	/* NULL, or: the vault makes the key, of the kind and size of `spki` (`tbs` is filled in
	 * here); archived and delivered key go to `made`. */
	struct vault_generate *generate;
	struct vault_generated *made;
	/* NULL, or: what the vault does in the same act (`tbs` is filled in here), and what comes
	 * of it. */
	struct vault_issue *issue;
	struct vault_issued *issued;
	/* NULL, or: filled in. Of a key that the vault makes they mean nothing. */
	struct certificate_marks *marks;
};
/* One at random of those that there are (CA\CRLMaxPartitions). */
bool certificate_partition(const struct ca_view *view, uint32_t *out, struct err *err);
/* With the extensions of the plan: AKI, SKI, AIA and CDP unless it leaves them out (directory and
 * HTTP URLs of the configuration), 25.2 (SEQUENCE{ [0] otherName }), template extension, SMIME
 * capabilities included. 128-bit random serial number. */
bool certificate_issue(struct ca *ca, struct vault *v, const struct certificate_order *order,
    struct buf *certificate_out, struct err *err);
/* Has the vault make an exchange key and its certificate ([MS-WCCE] 3.2.1.4.3.2.15.1), with this
 * CA's CDP and AIA.
 */
bool certificate_xchg(
    struct ca *ca, struct vault *v, int bits, int64_t life_s, struct buf *out, struct err *err);
/* The same of a key to which keys are encrypted that are brought from elsewhere. */
bool certificate_import(
    struct ca *ca, struct vault *v, int bits, int64_t life_s, struct buf *out, struct err *err);
/* Fills the certificate columns of a request row (serial, hash, names, UPN, key) from the
 * certificate, which `issuer` signed. Row strings are malloc'ed. */
bool certificate_columns(const struct ca_issuer *issuer, struct view certificate,
    struct store_request *row, struct err *err);
bool certificate_columns_of(const struct ca_issuer *issuer, const struct pkix_cert *c,
    struct store_request *row, struct err *err);
/* The same columns of a certificate that was just made, from what it was made of. */
struct certificate_known {
	struct view der, spki;
	const struct certificate_marks *marks;
	const struct certificate_names *names;
	int64_t not_before, not_after;
	const char *key_algorithm; /* those of pkix_key_info and pkix_key_hash */
	int key_bits;
	struct view key_hash;
};
bool certificate_columns_known(const struct ca_issuer *issuer, const struct certificate_known *c,
    struct store_request *row, struct err *err);

#endif
