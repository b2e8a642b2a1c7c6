/*
 * Enrollment: from a request's bytes to an answer that may leave, everything between in one place:
 * decode, verify, template, right, archival, certificate, one transaction. (paper, "Understanding
 * the Archival Process"; [MS-WCCE] 3.2.2.6.2.1)
 */
#ifndef ENROLL_ENROLL_H
#define ENROLL_ENROLL_H

#include "ca.h"
#include "explain.h"

enum enroll_format { ENROLL_PKCS10, ENROLL_CMC };

struct enroll_input {
	enum enroll_format format;
	struct view body;           /* DER */
	const char *template_label; /* EST label, NULL if none */
	bool renews;                /* EST simplereenroll */
	/* EST serverkeygen: the CA makes the key. PKCS#10 only; of the request's public key kind
	 * and size count, and its signature does not (RFC 7030 4.4.1). The client certificate of
	 * the connection, DER, is whom the key is encrypted to where the request names nobody. */
	bool generates;
	struct view client_certificate;
	const struct principal *caller;
	const char *caller_name; /* for CallerName; DOMAIN\user */
	int64_t now;
};

struct enroll_result {
	int64_t request_id;           /* whatever was sent has one; 0 if nothing was stored */
	enum disposition disposition; /* ISSUED, PENDING, DENIED or ERROR */
	struct err reason;            /* of a refusal; code ERR_OK otherwise */
	int64_t retry_after_s;        /* with DIRCA_E_QUOTA: when to try again; else 0 */
	struct buf certificate;       /* DER when issued */
	struct buf delivered_key;     /* EnvelopedData with the key that the CA made */
	struct buf response; /* CMC full response when the request was CMC (also for refusals once
				the message decoded) */
};

/* True: `out` holds the answer, committed (a refusal is an answer too: its row and its
 * audit records are stored, without the key, and the request itself only with
 * CA\KeepRefusedRequests). The same request of the same caller again is answered with what became
 * of it; of one that was refused at once nothing did, and it is decided anew. False: the CA could
 * not decide (database, vault or directory down), or takes no more now (DIRCA_E_QUOTA,
 * DIRCA_E_LOW_SPACE); nothing is stored; the client may try again. */
bool enroll_submit(struct ca *ca, struct vault *v, const struct enroll_input *in,
    struct enroll_result *out, struct err *err);
void enroll_result_free(struct enroll_result *r);

/* Reads the public keys of rows that an older program wrote, so that key_holder_check finds them.
 * Once, before the first request; nothing to do afterwards. */
bool enroll_complete_rows(struct ca *ca, struct err *err);

/* A certificate manager decides about a pending request. Rights: CA_RIGHT_OFFICER and officer
 * restrictions; nobody approves an own request (own_request.h: DIRCA_E_OWN_REQUEST), and whoever
 * denies one gains nothing. A pending request that brought a key archives none later: the key is
 * stored with the pending row, sealed (raw_archived_key). One whose key the CA makes has none until
 * it is approved. */
bool enroll_approve(struct ca *ca, struct vault *v, const struct principal *officer,
    int64_t request_id, int64_t now, struct enroll_result *out, struct err *err);
/* Has a request decided anew that was denied or ended in error, with the rights and rules of an
 * approval, and issued: what nobody but a certificate manager does, since the same request again is
 * answered with the denial. CERTSRV_E_ARCHIVED_KEY_REQUIRED: it was to archive a key, which is not
 * kept. CERTSRV_E_BAD_REQUESTSTATUS: it is of another state, was not kept, or came again meanwhile.
 */
bool enroll_resubmit(struct ca *ca, struct vault *v, const struct principal *officer,
    int64_t request_id, int64_t now, struct enroll_result *out, struct err *err);
bool enroll_deny(struct ca *ca, const struct principal *officer, int64_t request_id,
    const char *why, int64_t now, struct err *err);
/* Sets an attribute, or an extension of the certificate, of a pending request, with the rights and
 * rules of an approval; an empty value takes it away (CRYPT_E_NOT_FOUND). Extensions leave out of
 * what the template gives (key usage, extended key usage, policies), or add what says nothing about
 * whom a certificate is for; attribute ExpirationDate ends it earlier; E_ACCESSDENIED for others.
 * They are applied, and held against the template, when the request is approved. */
struct enroll_value {
	bool is_extension;
	const char *name; /* or object identifier */
	bool critical;
	struct view value; /* UTF-8, or DER */
};
bool enroll_set_value(struct ca *ca, const struct principal *officer, int64_t request_id,
    const struct enroll_value *in, int64_t now, struct err *err);
/* The same for an issued certificate: revoked for a reason of RFC 5280 5.3.1, from now on and in
 * the next CRL. removeFromCRL takes a hold back (DIRCA_E_OWN_REQUEST for one's own); anything else
 * is final. CERTSRV_E_BAD_REQUESTSTATUS: it is not issued, revoked already, or not on hold. */
struct revocation {
	int64_t request_id;
	const char *serial_number; /* instead, if not NULL: hex */
	int reason;
};
bool enroll_is_release(const struct revocation *r);
/* By name or number. */
bool enroll_revocation_reason(const char *text, int *out, struct err *err);
bool enroll_revoke(struct ca *ca, const struct principal *officer, const struct revocation *r,
    int64_t now, int64_t *request_id_out, struct err *err);
/* The requester (or an officer) fetches what became of a request; `response` as in enroll_result
 * when it was CMC. */
bool enroll_retrieve(struct ca *ca, struct vault *v, const struct principal *caller,
    int64_t request_id, struct enroll_result *out, struct err *err);

/* Did this account make the request, or was it made for it? The SID decides where there is one:
 * names are given away again. Without one in the row, only an account that still has none can be
 * it; the agent of an older row, which kept no SID of him, is known by his name. */
bool enroll_is_requester(const struct principal *p, const struct store_request *row);

/* What would become of a request by `who` for this template now, by the same checks as
 * enroll_submit. False as there: this CA could not decide. */
struct enroll_explanation {
	struct explanation steps;
	bool allowed;
	enum disposition outcome; /* ISSUED, PENDING, DENIED or ERROR */
	struct err refusal;       /* the first; code ERR_OK: none */
	char *assumed;            /* about the request; NULL: it did not come to that */
};
/* Why requests of this template wait for a certificate manager; NULL: any, of a stand-alone CA.
 * free(). */
char *enroll_waits_because(const char *template_cn);
bool enroll_explain(struct ca *ca, const struct principal *who, const char *template_cn,
    int64_t now, struct enroll_explanation *out, struct err *err);
/* What `dirca approve`, or `resubmit` of one that was refused, by this certificate manager would
 * come to now, with the values that were set for it. False, as there: he may not act for the
 * requester, there is no such request, or this CA could not decide. */
bool enroll_explain_request(struct ca *ca, const struct principal *officer, int64_t request_id,
    int64_t now, struct store_request *row_out, struct enroll_explanation *out, struct err *err);
void enroll_explanation_free(struct enroll_explanation *x);

#endif
