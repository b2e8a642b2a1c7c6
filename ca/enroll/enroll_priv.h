/*
 * The stages of an enrollment. Each takes the struct one step further or refuses; only
 * enroll_commit.c writes. Not for other rooms.
 */
#ifndef ENROLL_ENROLL_PRIV_H
#define ENROLL_ENROLL_PRIV_H

#include "certificate.h"
#include "cmc.h"
#include "enroll.h"
#include "issue.h"

#define CLOCK_SKEW_S 600

/* A request of either format, read. Views and borrowed strings live as long as the struct. */
struct enroll_request {
	enum enroll_format format;
	bool decoded; /* the message was read: it can be stored stripped and answered in kind */
	struct cmc_request cmc;          /* ENROLL_CMC */
	struct pkix_request pkcs10;      /* ENROLL_PKCS10 */
	const struct pkix_request *pkix; /* the PKCS#10, alone or inside the CMC */
	EVP_PKEY *key;
	const char *key_algorithm; /* "RSA" | "EC" */
	int key_bits;
	struct view payload, key_hash;  /* 21.13 and 21.21; empty if absent */
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
/* Value of an extension wherever the request carries it; empty if absent; ERROR_INVALID_DATA if two
 * places differ. */
bool enroll_request_extension(
    const struct enroll_request *r, int nid, struct view *value_out, struct err *err);
/* "Name:Value\n" lines of the name-value pairs; *out NULL if there are none. free(). */
bool enroll_request_attributes(const struct enroll_request *r, char **out, struct err *err);
void enroll_request_free(struct enroll_request *r);

struct enrollment;
/* Told of each check that was made; `refusal` NULL: it was passed. */
typedef void enroll_step(struct enrollment *e, const char *check, const struct err *refusal);

struct enrollment {
	struct ca *ca;
	struct vault *vault;
	struct ca_view *view;
	const struct principal *requester;
	int64_t now;
	struct enroll_request request;
	const char *label; /* EST label, NULL if none */
	bool has_key;      /* a key is there to archive, or was archived when the request came */
	enroll_step *step; /* NULL, but for explanations */
	void *step_arg;
	/* decision */
	const struct tmpl *tmpl;
	struct issue_request facts;
	struct issue_plan plan;
	bool deciding; /* a refusal now is a denial, else an error */
	/* archival */
	struct buf archived; /* EnvelopedData for the KRAs */
	char *kra_hashes;    /* KeyRecoveryHashes */
	/* result */
	struct buf certificate;
	struct buf response;
};
void enrollment_free(struct enrollment *e);

/* enroll_decide.c: which template the request means (`label` may be NULL); CERTSRV_E_NO_CERT_TYPE,
 * _TEMPLATE_CONFLICT, _UNSUPPORTED_CERT_TYPE. */
bool enroll_find_template(const struct ca_view *view, const struct enroll_request *r,
    const char *label, const struct tmpl **out, struct err *err);
/* The one list of checks that every enrollment passes, and every explanation tells of: rights,
 * template, policy (which makes the plan), KRAs. Stops at the first refusal. */
#define ENROLL_AT_SUBMISSION    0x1u
#define ENROLL_AT_APPROVAL      0x2u /* the template is known, the key is sealed */
#define ENROLL_CHECK_ACCOUNT    "account"
#define ENROLL_CHECK_CA_RIGHT   "ca-right"
#define ENROLL_CHECK_TEMPLATE   "template"
#define ENROLL_CHECK_RIGHT      "enroll-right"
#define ENROLL_CHECK_ESCALATION "escalation"
#define ENROLL_CHECK_ARCHIVAL   "archival"
#define ENROLL_CHECK_POLICY     "policy"
#define ENROLL_CHECK_KRAS       "kra"
bool enroll_decide(struct enrollment *e, unsigned when, struct err *err);

/* enroll_archive.c: KRAs enough to seal a key to; nothing to do without one. */
bool enroll_check_kras(struct enrollment *e, struct err *err);
/* Proves and seals the payload to the chosen KRAs; nothing to do without one. */
bool enroll_archive(struct enrollment *e, struct err *err);

/* enroll_respond.c: a signed CMC full response. */
struct enroll_answer {
	enum cmc_status status;
	const char *text;
	int64_t body_part_id;
	int fail_info;
	int64_t pending_id, pending_time;
	struct view certificate, key_hash; /* empty: none */
};
bool enroll_respond(struct ca *ca, struct vault *v, const struct enroll_answer *answer,
    struct buf *out, struct err *err);
/* Refusal in CMC terms: "CODE_NAME: sentence" and CMCFailInfo. */
bool enroll_respond_refusal(struct ca *ca, struct vault *v, int64_t body_part_id,
    const struct err *reason, struct buf *out, struct err *err);

/* enroll_commit.c: the one transaction of a submission. */
struct enroll_commit {
	struct enrollment *e;
	const char *caller_name;
	enum disposition disposition;
	const struct err *reason; /* of a refusal, else NULL */
	int64_t request_id;       /* out */
};
bool enroll_commit(struct enroll_commit *c, struct err *err);

/* True: the client's doing, to be stored and told. False: this CA could not decide now. */
bool enroll_is_refusal(enum err_code code);

#endif
