/*
 * The stages of an enrollment. Each takes the struct one step further or refuses; only
 * enroll_commit.c writes. Not for other rooms.
 */
#ifndef ENROLL_ENROLL_PRIV_H
#define ENROLL_ENROLL_PRIV_H

#include "audit.h"
#include "certificate.h"
#include "cmc.h"
#include "enroll.h"
#include "issue.h"
#include "pkix_policy.h"
#include "sealing.h"

/* A request of either format, read. Views and borrowed strings live as long as the struct. */
struct enroll_request {
	enum enroll_format format; /* ENROLL_CMC: any signed message; it is answered by CMC */
	bool decoded; /* the message was read: it can be stored stripped and answered in kind */
	bool is_wrapped, is_cmc;         /* which of the next three there are */
	struct cmc_wrapped wrapper;      /* SignedData around the request */
	struct cmc_request cmc;          /* is_cmc */
	struct pkix_request pkcs10;      /* else */
	const struct pkix_request *pkix; /* the PKCS#10, alone or inside the CMC */
	int64_t body_part_id;            /* that an answer is about */
	EVP_PKEY *key;
	const char *key_algorithm; /* "RSA" | "EC" */
	int key_bits;
	uint8_t key_info_hash[PKIX_KEY_HASH_LEN]; /* of the public key (pkix_key_hash) */
	struct view payload, key_hash;            /* 21.13 and 21.21; empty if absent */
	struct pkix_template_id ids[2]; /* of the PKCS#10's extensions, of AddExtensions */
};

/* Structure only. `most` is the size cap. On failure free it all the same; `decoded` says how far
 * it came. */
bool enroll_request_decode(enum enroll_format format, struct view body, size_t most,
    struct enroll_request *out, struct err *err);
/* Signatures and hash, under the request's own key. */
bool enroll_request_verify(const struct enroll_request *r, bool allow_sha1, struct err *err);
/* What may be stored (nothing of bytes that were not decoded): the request without the archived
 * key; empty if it does not fit or cannot be shown to be without one. */
bool enroll_request_raw(const struct enroll_request *r, struct buf *out, struct err *err);
/* A signature beside the one of the request's own key. */
struct enroll_signature {
	const struct cms_signed *message;
	const struct cms_signer *signer;
};
/* All of them, from outside in; free() the list. */
struct enroll_signature *enroll_request_signatures(
    const struct enroll_request *r, size_t *count_out);
/* Whom an agent enrolls ("requestername"), NULL if nobody is named; ERROR_INVALID_DATA if two
 * are. */
bool enroll_request_subject(const struct enroll_request *r, const char **name_out, struct err *err);
/* Value of an extension wherever the request carries it; empty if absent; ERROR_INVALID_DATA if two
 * places differ. */
bool enroll_request_extension(
    const struct enroll_request *r, int nid, struct view *value_out, struct err *err);
/* "Name:Value\n" lines of the name-value pairs; *out NULL if there are none. free(). */
bool enroll_request_attributes(const struct enroll_request *r, char **out, struct err *err);
void enroll_request_free(struct enroll_request *r);

/* Who signed beside the requester: an enrollment agent, a registration authority, or the holder of
 * the certificate that is renewed. Verified, in time, trusted, not revoked. */
struct enroll_signer {
	struct pkix_cert cert;
	char *name;    /* of its subject */
	bool may_sign; /* keyUsage; a renewal may be signed without */
	struct texts application_policies, issuance_policies;
};

/* The certificate that is renewed, and its row in the database. */
struct enroll_renewal {
	struct pkix_cert cert;
	struct pkix_template_id template_id;
	struct texts upns, emails, issuance_policies;
	char *sid;
	struct issue_renewed facts;
	/* Its key, if it was archived: a renewal that keeps the key need not send it again. */
	struct buf archived;
	char *kra_hashes;
};

/* A check of the one list: what it is called, when it is made, and what it tells. */
struct enrollment;
struct enroll_check {
	const char *name;
	unsigned when; /* ENROLL_AT_SUBMISSION | ENROLL_AT_APPROVAL */
	bool denial;   /* a refusal denies the request, else the CA failed at it */
	bool (*run)(struct enrollment *e, struct err *err);
	/* Once it was passed: what it found. free(). */
	char *(*told)(const struct enrollment *e);
	/* What in the directory decided; NULL: nothing. */
	struct explain_reason (*reason)(const struct enrollment *e);
};
/* Told of each check that was made; `refusal` NULL: it was passed. */
typedef void enroll_step(
    struct enrollment *e, const struct enroll_check *check, const struct err *refusal);

struct enrollment {
	struct ca *ca;
	struct vault *vault;
	struct ca_view *view;
	const struct principal *caller;    /* who sent it and whose rights count */
	const struct principal *requester; /* whom the certificate is for: the caller, or: */
	struct principal subject;          /* whom an agent enrolls */
	int64_t now;
	int64_t submitted; /* validity of signers and renewed certificate is that of this moment */
	struct enroll_request request;
	struct enroll_signer *signers;
	struct issue_signer *signer_facts;
	size_t signer_count, signer_fact_count;
	struct enroll_renewal *renewal; /* NULL: none */
	struct texts policies;          /* certificatePolicies of the request */
	const char *label;              /* EST label, NULL if none */
	bool renews;                    /* EST simplereenroll */
	bool generates;                 /* the CA makes the key */
	struct view client_certificate; /* of the connection; empty: none */
	struct view kept_recipient;     /* at an approval: that of the submission */
	struct pkix_cert recipient;     /* whom the key that is made is encrypted to */
	struct key_transport transport;
	uint8_t request_hash[32]; /* SHA-256 of the request as it came */
	bool key_is_free;         /* nobody but the caller had the public key when it was asked */
	int64_t key_row;          /* of somebody else who has the public key */
	bool has_key;      /* a key is there to archive, or was archived when the request came */
	bool was_archived; /* the latter */
	enroll_step *step; /* NULL, but for explanations */
	void *step_arg;
	/* decision */
	const struct tmpl *tmpl;
	struct tmpl wished; /* what it points to where the CA has no templates */
	struct issue_request facts;
	struct issue_plan plan;
	struct certificate_names names; /* of the plan */
	struct store_values values;     /* at an approval: what certificate managers set */
	struct issue_extension *extra;  /* of them, the plan's */
	char *remark;  /* what the requester is told beside the certificate; NULL: nothing */
	bool deciding; /* a refusal now is a denial, else an error */
	/* archival */
	struct buf archived;   /* EnvelopedData for the KRAs */
	struct sealing sealed; /* whom it is sealed to */
	/* result */
	struct buf delivered; /* the key that the CA made, encrypted to the recipient */
	struct buf certificate;
	struct certificate_marks marks; /* of it; not where `generates` */
	uint32_t partition;             /* of the CRL that it names */
	struct buf response;
};
void enrollment_free(struct enrollment *e);

/* enroll_issue.c: signs what was decided, plan and names, and has the vault do the rest of `issue`
 * in the same act; both NULL: nothing else. */
bool enroll_certify(
    struct enrollment *e, struct vault_issue *issue, struct vault_issued *issued, struct err *err);
/* Certificate, archived key and answer of a request that does not wait. */
bool enroll_issue(struct enrollment *e, struct err *err);
/* After the commit, if the template publishes its certificates. */
void enroll_wake_publisher(const struct enrollment *e);

/* enroll_decide.c: may anything be decided by this view? DIRCA_E_DIRECTORY_UNAVAILABLE. */
bool enroll_check_fresh(const struct ca_view *view, struct err *err);
/* enroll_decide.c: which template the request means, by itself, by the EST label or, if both say
 * nothing, by default (NULL: none of these); CERTSRV_E_NO_CERT_TYPE, _TEMPLATE_CONFLICT,
 * _UNSUPPORTED_CERT_TYPE. */
bool enroll_find_template(const struct ca_view *view, const struct enroll_request *r,
    const char *label, const char *by_default, const struct tmpl **out, struct err *err);
/* enroll_wish.c: sets `tmpl` to what the request wishes of a stand-alone CA. Who renews, is
 * archived or enrolls another needs a template: CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
 * _BAD_REQUESTSUBJECT, _BAD_RENEWAL_CERT_ATTRIBUTE, _KEY_LENGTH, ERROR_INVALID_DATA. */
bool enroll_find_wish(struct enrollment *e, struct err *err);
/* enroll_signers.c: verifies every signature beside the requester's own, and its certificate.
 * NTE_BAD_SIGNATURE, CRYPT_E_HASH_VALUE, CRYPT_E_NOT_FOUND (no certificate), CERT_E_WRONG_USAGE,
 * and those of enroll_check_trust. */
bool enroll_check_signers(struct enrollment *e, struct err *err);
/* The name of another subject counts if an enrollment agent signed it: inside the request all
 * signers did, in a wrapper's attributes only the one signer whose they are.
 * CERTSRV_E_SIGNATURE_REJECTED. After enroll_check_signers. */
bool enroll_check_naming(const struct enrollment *e, struct err *err);
/* enroll_trust.c: is a signer's certificate one of this CA (then its row says whether it is
 * revoked) or of a CA in NTAuthCertificates (then a current CRL below CN=CDP must say that it is
 * not)? CERT_E_ISSUERCHAINING, CERT_E_EXPIRED, CRYPT_E_REVOKED, CRYPT_E_REVOCATION_OFFLINE. */
bool enroll_check_trust(struct enrollment *e, const struct pkix_cert *cert, struct err *err);
/* ... and of a signer's policies those count that its issuer may give. */
bool enroll_check_signer_trust(struct enrollment *e, struct enroll_signer *s, struct err *err);
/* enroll_renewal.c: whom the request is for, if it names somebody: sets `requester`.
 * CERTSRV_E_BAD_REQUESTSUBJECT. */
bool enroll_find_subject(struct enrollment *e, struct err *err);
/* ... and the certificate that it renews: of this CA, valid, the requester's, and signed with.
 * CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE, _BAD_RENEWAL_SUBJECT, CERT_E_EXPIRED, CRYPT_E_REVOKED. */
bool enroll_check_renewal(struct enrollment *e, struct err *err);

/* The one list of checks that every enrollment passes, and every explanation tells of: rights,
 * template, who else signed and whom it is for, policy (which makes the plan), KRAs. Stops at the
 * first refusal. Rights are those of the caller, who may be an agent. */
#define ENROLL_AT_SUBMISSION 0x1u
#define ENROLL_AT_APPROVAL   0x2u /* the template is known, the key is sealed */
bool enroll_decide(struct enrollment *e, unsigned when, struct err *err);

/* enroll_manage.c: may this request be decided anew? What was refused archived nothing, and a key
 * that it brought is not kept (paper, "Understanding the Archival Process"). */
bool enroll_check_refused(const struct ca *ca, const struct store_request *row, struct err *err);
/* ... by somebody whose own it is not: the requester and who sent it as the directory knows them
 * now, who go to `e`; `agent` is filled where it was another. */
bool enroll_check_own(struct enrollment *e, const struct principal *officer,
    const struct store_request *row, struct principal *agent, struct err *err);
/* ... the whole decision once more, with what holds now: a signer that was revoked while the
 * request waited does not count. Only the validity of signers and of a renewed certificate is that
 * of the submission. The stored key must be what a KRA can open; an empty one is no key. */
bool enroll_decide_stored(struct enrollment *e, const struct store_request *row,
    const struct principal *officer, struct err *err);

/* enroll_told.c: the words of explanations, one for each check, and what decided rights. */
char *told_account(const struct enrollment *e);
char *told_ca_right(const struct enrollment *e);
char *told_template(const struct enrollment *e);
char *told_read_right(const struct enrollment *e);
char *told_enroll_right(const struct enrollment *e);
char *told_server_key(const struct enrollment *e);
char *told_binding(const struct enrollment *e);
char *told_signers(const struct enrollment *e);
char *told_subject(const struct enrollment *e);
char *told_renewal(const struct enrollment *e);
char *told_escalation(const struct enrollment *e);
char *told_archival(const struct enrollment *e);
char *told_policy(const struct enrollment *e);
char *told_names(const struct enrollment *e);
char *told_values(const struct enrollment *e);
char *told_service_names(const struct enrollment *e);
char *told_key(const struct enrollment *e);
char *told_kind(const struct enrollment *e);
char *told_chain(const struct enrollment *e);
char *told_kras(const struct enrollment *e);
struct explain_reason reason_ca_right(const struct enrollment *e);
struct explain_reason reason_read_right(const struct enrollment *e);
struct explain_reason reason_enroll_right(const struct enrollment *e);

/* enroll_requester.c: is this the account that the certificate was made for, not its agent? The SID
 * decides where there is one, as in enroll_is_requester. */
bool enroll_was_for(const struct principal *p, const struct store_request *row);

/* enroll_second_key.c: sets `remark` if the requester of a key that is archived has another valid
 * one for the same purpose: of this template, or of one that archives and shares a usage. A renewal
 * takes the old one's place. After the decision. */
void enroll_find_second_key(struct enrollment *e);
/* "Issued", with the remark; free(). And the event: in the unit of work, after its commit. */
char *enroll_issued_text(const struct enrollment *e);
bool enroll_remark_keep(
    struct store_tx *tx, const struct enrollment *e, int64_t request_id, struct err *err);
void enroll_remark_tell(const struct enrollment *e, int64_t request_id);

/* enroll_manage.c: what acts of certificate managers share. CERTSRV_E_NO_REQUEST; a view that is
 * fresh, ca_view_release also after false; the record of a refusal. */
bool enroll_get_row(struct ca *ca, int64_t request_id, struct store_request *row, struct err *err);
bool enroll_fresh_view(struct ca *ca, struct ca_view **out, struct err *err);
/* The row and such a view, for an officer who may act for its requester: the right is looked at
 * first, and the restrictions before anything else is said about the request. */
bool enroll_officer_row(struct ca *ca, const struct principal *officer, int64_t request_id,
    struct ca_view **view_out, struct store_request *row, struct err *err);
void enroll_audit_refusal(struct ca *ca, enum audit_event event, const struct principal *officer,
    int64_t request_id, int64_t now, struct err *reason);

bool enroll_check_pending(const struct store_request *row, struct err *err);

/* enroll_values.c: puts what certificate managers set into the plan; nothing beside what the
 * template gives, and nothing that they may not set (any more). */
bool enroll_apply_values(struct enrollment *e, struct err *err);
/* May a certificate manager set this, in this form? E_ACCESSDENIED, E_INVALIDARG,
 * ERROR_INVALID_DATA. An extension that is taken away has no form. */
bool enroll_check_value(const struct ca *ca, const struct store_value *v, struct err *err);

/* enroll_service_names.c: no name of the plan is the host of a CA's enrollment service.
 * DIRCA_E_SERVICE_NAME. */
bool enroll_check_service_names(struct enrollment *e, struct err *err);

/* enroll_repeat.c: what tells a request from others. SHA-256 of the body; of a CMC request with a
 * transactionId (RFC 5272 6.6), which a client may sign and encrypt anew, of that and of the
 * CertificationRequestInfo. Where a label names the template, it and NUL come first: the same
 * PKCS#10 for another template is another request. */
bool enroll_request_hash(const struct enroll_input *in, const struct enroll_request *r,
    uint8_t out[32], struct err *err);
/* The public key in a request for a key that the CA makes is nobody's claim, and the other is not
 * made yet: sets the hash of the key to one of request and caller, which no key has. */
bool enroll_claim_no_key(struct enrollment *e, struct err *err);
/* The row of the same request of the same caller; 0: it is new, or was refused at once. Sets
 * key_is_free. `tx` NULL: asked by a reader. */
bool enroll_find_repeat(
    struct enrollment *e, struct store_tx *tx, int64_t *request_id_out, struct err *err);
/* The answer to a repeat, from the row alone: the certificate, the request that waits, or, of a
 * certificate that was revoked, CRYPT_E_REVOKED. Nothing is opened, decided or written. */
bool enroll_answer_repeat(
    struct enrollment *e, int64_t request_id, struct enroll_result *out, struct err *err);
/* ... and whether the key is anybody else's (key_holder.h); sets key_row. */
bool enroll_check_key(struct enrollment *e, struct store_tx *tx, struct err *err);

/* enroll_binding.c: what the request says of its sender, the CA and its time (docs/PROTOCOL.md)
 * must be so; CA\RequireRequestBinding: it must say it if it archives a key.
 * DIRCA_E_REQUEST_BINDING. */
bool enroll_check_binding(struct enrollment *e, struct err *err);
/* ... and the exchange certificate that it used, `xchg`. */
bool enroll_check_bound_exchange(
    const struct enrollment *e, const struct pkix_cert *xchg, struct err *err);

/* enroll_server_key.c: may the CA make the key, and whom is it encrypted to? A certificate of the
 * requester that this CA issued and did not revoke: named by AsymmetricDecryptKeyIdentifier, else
 * that of the connection. Only where the template archives the key. DIRCA_E_KEY_RECIPIENT,
 * CERTSRV_E_ARCHIVED_KEY_UNEXPECTED, CERTSRV_E_KEY_LENGTH, CERT_E_*, CRYPT_E_REVOKED. */
bool enroll_check_server_key(struct enrollment *e, struct err *err);

/* enroll_archive.c: KRAs enough to seal a key to; nothing to do without one. */
bool enroll_check_kras(struct enrollment *e, struct err *err);
/* What the vault is asked for to prove the payload and seal it to KRAs; the front has checked what
 * it can. */
struct enroll_archival {
	struct vault_rewrap order;
	void *kra_hashes;
	char sid[SID_TEXT_MAX];
};
bool enroll_archival_begin(struct enrollment *e, struct enroll_archival *a, struct err *err);
/* Where the vault refused: another exchange key is made where that one can be to blame. */
void enroll_archival_failed(struct enrollment *e, enum err_code code);
void enroll_archival_free(struct enroll_archival *a);
/* All of it for a request that waits; nothing to do without a payload. */
bool enroll_archive(struct enrollment *e, struct err *err);
/* In the place of enroll_certify: key, archived key, delivered key and certificate in one. */
bool enroll_generate(struct enrollment *e, struct err *err);

/* enroll_respond.c: the signed CMC full response that says what the row of a request says became of
 * it. A refusal is "CODE_NAME: sentence" with its CMCFailInfo. What the request says to be known by
 * (transactionId, senderNonce, dataReturn) comes back. */
bool enroll_respond(struct ca *ca, struct vault *v, const struct store_request *row,
    const struct enroll_request *request, struct buf *out, struct err *err);
/* The same of a certificate that is not there yet: its content, but for the hash of the
 * certificate, which the vault puts between `before` and `after`; and, with what the vault made of
 * it, the answer
 * (`response`). */
struct enroll_answer {
	struct buf content;
	struct view before, after; /* in it */
};
bool enroll_answer_begin(const struct enrollment *e, struct enroll_answer *out, struct err *err);
bool enroll_answer_finish(struct enrollment *e, struct enroll_answer *a,
    const struct vault_issued *made, struct err *err);
void enroll_answer_free(struct enroll_answer *a);

/* enroll_commit.c: the one transaction of a submission, and the row that it is about to add. */
struct enroll_commit {
	struct enrollment *e;
	const char *caller_name;
	enum disposition disposition;
	const struct err *reason; /* of a refusal, else NULL */
	struct store_request row; /* enroll_commit_prepare; with its request_id once committed */
	int64_t request_id;       /* out */
	int64_t repeat_of; /* out, on failure: the row of the same request, which was first */
};
/* Inside a unit of work: the audit record of the archived key of a row, otherwise as `about` says,
 * and the certificates of its KRAs. */
bool enroll_note_archived(struct store_tx *tx, const struct enrollment *e,
    const struct store_request *row, const struct ca_audit *about, struct err *err);
/* What became of a request, as an event: 6, 8, 21, 22 or 53 (events.h). */
struct enroll_event {
	const struct store_request *row; /* its disposition, requester_name */
	int64_t request_id;
	const struct err *reason; /* NULL: issued, or pending */
	bool is_denial;           /* the reason denies it, else it is a failure */
	bool waited;              /* for whoever decided it */
	const char *info;         /* who or what decided; NULL: nothing to add */
};
/* In the unit of work, and to log and people after it; or both at once. */
bool enroll_event_keep(
    struct store_tx *tx, struct ca *ca, const struct enroll_event *e, int64_t now, struct err *err);
void enroll_event_tell(struct ca *ca, const struct enroll_event *e, int64_t now);
void enroll_event_raise(struct ca *ca, const struct enroll_event *e);
bool enroll_commit_prepare(struct enroll_commit *c, struct err *err);
void enroll_commit_free(struct enroll_commit *c);
/* DIRCA_E_KEY_IN_USE if another principal's request with the same key was first. */
bool enroll_commit(struct enroll_commit *c, struct err *err);

#endif
