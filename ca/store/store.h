/*
 * The CA database: requests, certificates, archived keys, CRLs, settings and the audit trail, in
 * terms of the CA and not of SQL. Column names are those of the AD CS request table
 * ([MS-CSRA] 3.1.1.1). One writer thread commits many units of work together, each in its
 * savepoint; readers use connections of their own. Every function may be called from any thread;
 * store_close when no other call is running. UPN, common name, requester and his DN are found as
 * directories find them (base/match.h), other names without case for ASCII letters only. Instants
 * are seconds since 1970 UTC. Failures are DIRCA_E_DATABASE unless another code is named.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "buf.h"
#include "columns.h"
#include "events.h"
#include "texts.h"
#include "trail.h"

#define REASON_HOLD 6 /* certificateHold, RFC 5280 5.3.1 */

/* DB_DISP_* (docs/FACTS.md 1) */
enum disposition {
	DISP_ACTIVE = 8,
	DISP_PENDING = 9,
	DISP_FOREIGN = 12,
	DISP_ISSUED = 20,
	DISP_REVOKED = 21,
	DISP_ERROR = 30,
	DISP_DENIED = 31
};
const char *disposition_name(enum disposition d);

#define CR_IN_PKCS10                 0x100
#define CR_IN_PKCS7                  0x300
#define CR_IN_CMC                    0x400
#define CR_FLG_RENEWAL               0x002
#define CR_FLG_FORCEUTF8             0x004
#define CR_FLG_CAXCHGCERT            0x008
#define CR_FLG_ENROLLONBEHALFOF      0x010
#define CR_FLG_VALIDENCRYPTEDKEYHASH 0x040

enum store_find { STORE_FOUND, STORE_NOT_FOUND, STORE_FAILED };

struct store;
struct store_tx; /* inside a unit of work */

/* Opens `path`; migrates by user_version; refuses a newer version, a schema that was changed by
 * hand, a database of another program, an empty file, and a symbolic link. */
bool store_open(const char *path, struct store **out, struct err *err);
/* The same; makes the file (mode 0600) if there is none, and the tables if it is empty. */
bool store_create(const char *path, struct store **out, struct err *err);
/* Of the schema: what the database at `path` has, and what this program would bring it to. Nothing
 * is changed. */
bool store_version(const char *path, int *has_out, int *program_out, struct err *err);
/* Finishes what was submitted, checkpoints, closes. */
void store_close(struct store **s);

/* What a thread that calls store_do calls before it waits for the disk, and afterwards. Once,
 * before other threads use the store. */
void store_on_wait(struct store *s, void (*begins)(void), void (*ends)(void));

/* Runs `work` on the writer thread inside a savepoint and returns after the commit that holds it is
 * on disk: true means durable. False from `work` rolls only its savepoint back, with its err.
 * `work` must not block. If the commit fails, every unit in it fails and none is stored, whatever
 * its `work` said; what `work` wrote to `arg` then means nothing. Reading functions called by
 * `work` do not see what it wrote. */
typedef bool store_work(struct store_tx *tx, void *arg, struct err *err);
bool store_do(struct store *s, store_work *work, void *arg, struct err *err);

/* A row of the request table. Strings and buffers owned by the row when read, borrowed when
 * written. NULL / empty / 0 = SQL NULL. */
struct store_request {
	int64_t request_id; /* 0 when adding: assigned */
	enum disposition disposition;
	char *disposition_message;
	int32_t status_code;    /* HRESULT */
	int request_type;       /* CR_IN_* */
	uint32_t request_flags; /* CR_FLG_* */
	int64_t submitted_when, resolved_when;
	int64_t revoked_when, revoked_effective_when;
	int revoked_reason;   /* -1 none */
	char *requester_name; /* DOMAIN\user */
	char *caller_name;
	char *requester_sid; /* own column: SID text at the time of the request */
	char *requester_dn;  /* own column */
	char *caller_sid;    /* own column: of who sent it, an agent's where there is one */
	char *template_name; /* CertificateTemplate: cn */
	char *template_oid;
	uint32_t enrollment_flags, general_flags, private_key_flags;
	char *request_attributes; /* "Name:Value\n" lines */
	struct buf raw_request;   /* without the archived key */
	/* certificate */
	struct buf raw_certificate;
	char *serial_number;         /* lower-case hex */
	struct buf certificate_hash; /* SHA-1, 20 bytes */
	int64_t not_before, not_after;
	char *subject_key_identifier; /* hex */
	char *upn, *common_name, *distinguished_name, *email;
	struct buf raw_public_key; /* SPKI */
	int public_key_length;
	uint32_t crl_partition; /* whose CRL tells of it; 0: the complete one alone */
	char *public_key_algorithm;
	uint32_t issuer_name_id; /* IssuerNameId: CA version (pkix_cert_ca_version) of the issuer */
	/* archived key */
	struct buf raw_archived_key; /* EnvelopedData ContentInfo */
	char *key_recovery_hashes;   /* "01 23 ..\nfe dc ..": kra_hashes_close */
	bool has_archived_key;       /* set when reading lists without blobs */
	struct buf
	    key_hash; /* 21.21 as the client sent it, echoed at issuance of a pending request */
	/* own columns; the first two SHA-256 */
	struct buf public_key_hash; /* of the SubjectPublicKeyInfo (pkix_key_hash) */
	struct buf request_hash;    /* of the request as it came (enroll_request_hash) */
	struct buf requester_sids;  /* all that the requester acted under then (sids_encode) */
	/* Of a key that the CA made: for whose certificate (DER; there is one for each such
	 * request, also while it waits), and the key encrypted to it. */
	struct buf key_recipient, raw_delivered_key;
};
void store_request_free(struct store_request *r);

/* ---- inside a unit of work ---- */
/* Sizes over those of AD CS are DIRCA_E_TOO_LARGE, text that is not UTF-8 ERROR_INVALID_DATA. An
 * archived key and its key_recovery_hashes go together, else E_INVALIDARG. The revocation members
 * count only if the disposition is DISP_REVOKED. Serial numbers lose leading zero bytes and are
 * unique among our own (not DISP_FOREIGN) rows. The database itself refuses an issued row without
 * certificate, serial number, hash or not_after, and one whose private_key_flags hold
 * CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL and that has no archived key. */
bool store_add_request(
    struct store_tx *tx, const struct store_request *r, int64_t *request_id_out, struct err *err);
/* The same of a row from elsewhere: r->request_id is the id that it had there, which it keeps if it
 * is free here. */
bool store_import_request(
    struct store_tx *tx, const struct store_request *r, int64_t *request_id_out, struct err *err);
/* Pending -> issued: certificate columns, disposition, its message, status code, resolved_when, and
 * requester_sids if there are any; all other columns, the archived key among them, stay. The row
 * must be pending, else CERTSRV_E_BAD_REQUESTSTATUS; CERTSRV_E_NO_REQUEST if there is none. */
bool store_issue_pending(struct store_tx *tx, const struct store_request *r, struct err *err);
/* Of a pending row, whose key is made when it is approved: archived key, its key recovery hashes
 * and the delivered key; before store_issue_pending, in the same unit of work. */
bool store_archive_pending(struct store_tx *tx, const struct store_request *r, struct err *err);
/* Of a certificate that came from elsewhere without its archived key: that, and the hashes of who
 * can open it. CERTSRV_E_BAD_REQUESTSTATUS if it has one. */
bool store_import_key(
    struct store_tx *tx, int64_t request_id, const struct store_request *r, struct err *err);
/* The same of one that has an archived key: it is replaced. */
bool store_replace_key(
    struct store_tx *tx, int64_t request_id, const struct store_request *r, struct err *err);
/* The same in the place of the archived key `was`, which is kept beside the row until
 * store_revert_key puts it back. *done_out: false, and nothing is done: the row does not have that
 * key (any more). */
struct store_rewrap {
	int64_t request_id;
	struct view batch, was, new_hash; /* 16 octets; SHA-256 of the new one */
	int64_t now;
};
bool store_rewrap_key(struct store_tx *tx, const struct store_rewrap *w,
    const struct store_request *r, bool *done_out, struct err *err);
/* Puts the key of before that batch back, if the row still has `is`; *hashes_out: who opens it.
 * free(). */
bool store_revert_key(struct store_tx *tx, int64_t request_id, struct view batch, struct view is,
    bool *done_out, char **hashes_out, struct err *err);
/* Whose certificate has this SHA-1 in the unit of work that may add it: issued, revoked, foreign.
 */
enum store_find store_certificate_there(
    struct store_tx *tx, struct view sha1, int64_t *request_id_out, struct err *err);
/* Pending -> denied; codes as above. A key that was sealed for the request is deleted: denied
 * requests archive nothing (paper, "Understanding the Archival Process"). */
bool store_deny_pending(struct store_tx *tx, int64_t request_id, const char *message,
    int32_t status, int64_t now, struct err *err);
/* Denied or in error -> pending, with the hash of its public key, which a refused row does not
 * claim; codes as above. For one that is decided anew, in the same unit of work. */
bool store_resubmit(
    struct store_tx *tx, int64_t request_id, struct view public_key_hash, struct err *err);
/* What certificate managers set for a request that waits, beside its own words. */
enum store_value_kind { STORE_ATTRIBUTE = 1, STORE_EXTENSION = 2 };
struct store_value {
	enum store_value_kind kind;
	char *name;       /* of an extension the object identifier; without case */
	bool critical;    /* of an extension */
	struct buf value; /* text, or DER; not empty */
	char *set_by;     /* DOMAIN\user */
	int64_t set_when;
};
struct store_values {
	struct store_value *list;
	size_t count;
};
void store_values_free(struct store_values *v);
/* In the place of the one that there is of this kind and name. The request must be pending, as
 * above; DIRCA_E_TOO_LARGE: over 2048 bytes, or 32 values. */
bool store_set_value(
    struct store_tx *tx, int64_t request_id, const struct store_value *v, struct err *err);
/* Takes the one of this kind and name away, if the request is pending and has it. */
bool store_drop_value(struct store_tx *tx, int64_t request_id, const struct store_value *v,
    bool *was_there_out, struct err *err);
/* Are they still what store_list_values gave? DIRCA_E_CHANGED. */
bool store_values_stand(
    struct store_tx *tx, int64_t request_id, const struct store_values *values, struct err *err);
/* Issued, or revoked with reason 6 (certificateHold) -> revoked; codes as above. Reason 8
 * (removeFromCRL) releases a hold: the row is issued again. E_INVALIDARG: no reason of RFC
 * 5280 5.3.1. */
bool store_revoke(struct store_tx *tx, int64_t request_id, int reason, int64_t now,
    int64_t effective, struct err *err);
/* For rows that store_list_unhashed names. */
bool store_set_public_key_hash(
    struct store_tx *tx, int64_t request_id, struct view hash, struct err *err);
/* Settings under their AD CS names, "CA\\EncryptionCSP\\SymmetricKeySize"; value NULL deletes.
 * Names without case. */
bool store_set_setting(struct store_tx *tx, const char *name, const char *value, struct err *err);
/* Which of the CA's lists of revoked certificates. */
struct store_crl_id {
	uint32_t key_index; /* of the CA key that signs it */
	uint32_t partition; /* 0: all certificates of the key, whatever partition they are in */
	bool delta;
};
struct store_new_crl {
	uint32_t name_id; /* CRLNameId: CA version of the certificate whose key signed it */
	uint32_t partition;
	int64_t number, base_number; /* the latter of a delta CRL; 0: a base CRL itself */
	int64_t this_update, next_update, next_publish;
	int64_t changes; /* store_snapshot_changes */
	struct view der;
};
struct store_crl_id store_new_crl_id(const struct store_new_crl *crl);
/* ERROR_FILE_EXISTS if the list has a CRL with this or a greater number, another list of the key
 * one with a greater, or another key one with this or a greater. Lists of a key that are made
 * together share a number (RFC 5280 5.2.3). */
bool store_add_crl(struct store_tx *tx, const struct store_new_crl *crl, struct err *err);
/* Forgets the changes that every base CRL knows which is valid at `now`. */
bool store_forget_changes(struct store_tx *tx, int64_t now, struct err *err);

/* Places of the directory where an issued certificate still has to be published. The row is written
 * in the unit of work that issues the certificate and goes when the directory has it. */
enum store_place { STORE_PLACE_REQUESTER = 1, STORE_PLACE_KRA = 2 };
bool store_add_publication(
    struct store_tx *tx, int64_t request_id, enum store_place place, struct err *err);
bool store_end_publication(
    struct store_tx *tx, int64_t request_id, enum store_place place, struct err *err);

/* A copy of a certificate that archived keys are sealed to; one that is there already stays. */
bool store_keep_kra(
    struct store_tx *tx, struct view sha1, struct view certificate, struct err *err);

/* The audit trail (trail.h): append-only. */
bool store_audit(struct store_tx *tx, struct audit_record *a, struct err *err);
/* A signed checkpoint (checkpoint.h) of a row. */
bool store_add_checkpoint(struct store_tx *tx, int64_t row, struct view message, struct err *err);
/* Which records store_audit leaves out from now on (audit_event_passes; row_id becomes 0); all pass
 * at first. */
void store_set_audit_filter(struct store *s, int64_t filter);

/* An event (events.h); of older ones than the `keep` newest, it included, nothing stays. Values
 * that are too long are cut. */
bool store_add_event(
    struct store_tx *tx, const struct event_record *e, int64_t keep, struct err *err);
/* That the owner of a key is to be told of an event, of a request. Numbers never come again. */
bool store_add_owner_notice(struct store_tx *tx, const struct event_record *e, struct err *err);
bool store_fail_owner_notice(struct store_tx *tx, int64_t notice_id, struct err *err);
bool store_end_owner_notice(struct store_tx *tx, int64_t notice_id, struct err *err);

/* ---- reading ---- */
enum store_find store_get_request(struct store *s, int64_t request_id, struct store_request *out,
    struct err *err); /* whole row */
/* By kind and name; of a request that there is not, none. */
bool store_list_values(
    struct store *s, int64_t request_id, struct store_values *out, struct err *err);
/* `serial`: hex in either case, blanks, colons and leading zeros skipped; STORE_FAILED with
 * ERROR_INVALID_DATA if it is none. Of an own and a foreign row with one number the own one. */
enum store_find store_get_by_serial(
    struct store *s, const char *serial, struct store_request *out, struct err *err);

/* By the SHA-1 of the certificate: issued, revoked or foreign; of several the first. */
enum store_find store_get_by_hash(
    struct store *s, struct view sha1, struct store_request *out, struct err *err);

/* By either: what is as long as a SHA-1 is looked for as one first, since nobody makes a
 * certificate that has another's. */
enum store_find store_get_by_serial_or_hash(
    struct store *s, const char *text, struct store_request *out, struct err *err);

struct store_requests {
	struct store_request *list;
	size_t count;
	int64_t
	    next; /* of a page of candidates: what the next one begins behind; 0: it was the last */
};
void store_requests_free(struct store_requests *rs);
/* Lists come without raw_request, raw_archived_key; in order of request_id, or of a column that has
 * an index (SORTED_COLUMNS): text without case, a disposition by its number, equal ones by
 * request_id, and what is absent last, whatever the direction. */
enum store_sort {
	STORE_SORT_ID,
#define STORE_SORT_NAME(NAME, kind, column, member, json) STORE_SORT_##NAME,
	SORTED_COLUMNS(STORE_SORT_NAME)
#undef STORE_SORT_NAME
	    STORE_SORTS
};
/* By the name that the API gives the column; false: the CA sorts by none such. */
bool store_sort_find(const char *name, enum store_sort *out);
const char *store_sort_name(enum store_sort sort);
/* What such a column holds: COL_DISPOSITION, COL_WHEN, COL_TEXT. */
enum column_kind store_sort_kind(enum store_sort sort);
/* The value of a row in that column, borrowed; NULL and 0: absent. */
struct store_sort_value {
	const char *text;
	int64_t number;
};
struct store_sort_value store_sort_value(const struct store_request *row, enum store_sort sort);

struct store_filter {
	enum disposition disposition; /* 0: any */
	const char *requester_name;   /* NULL: any; without case */
	enum store_sort sort;
	int64_t after_id; /* for paging; 0: from the first on */
	struct store_sort_value
	    after_value;   /* what that row had in the column when it was listed */
	bool newest_first; /* the order is the other way round, and so is paging */
	int limit;         /* 0: 1000; at most 100000 */
};
bool store_list_requests(
    struct store *s, const struct store_filter *f, struct store_requests *out, struct err *err);

/* Issued certificates that end from `from` until `until`, the first to end first, without those of
 * which the same requester has one of the same template that ends later, and without CA exchange
 * certificates, which the CA renews. *next_out: where the next page begins (after_id); 0: this was
 * the last. A page may hold fewer rows than the limit, and none: `limit` are looked at. */
struct store_expiring {
	int64_t from, until;
	int64_t after_id;
	int limit; /* as in store_filter */
};
bool store_list_expiring(struct store *s, const struct store_expiring *f,
    struct store_requests *out, int64_t *next_out, struct err *err);

/* A principal is its SID, or, where it has none, its name (without case). */
struct store_principal {
	const char *sid, *name;
};

/* The certificate of a requester and template with an archived key that ends last, after `now`, is
 * not revoked, and has another public key. */
struct store_valid_key_query {
	struct store_principal holder; /* both: the name finds it, the SID says whether it is */
	const char *template_name;
	struct view other_than; /* hash of a public key */
	int64_t now;
};
struct store_valid_key {
	int64_t request_id, not_after;
};
enum store_find store_find_valid_key(struct store *s, const struct store_valid_key_query *q,
    struct store_valid_key *out, struct err *err);

/* Rows of issued and revoked certificates with this subjectKeyIdentifier (lower-case hex), the
 * newest first, at most STORE_SAME_KEY_MAX; as lists are. */
#define STORE_SAME_KEY_MAX 16
bool store_list_key_identifier(
    struct store *s, const char *hex, struct store_requests *out, struct err *err);

/* ---- whose a public key is, and what came before ---- */
/* The first row of another principal that has the key: of any disposition but the refused ones.
 * `archived_only`: only rows with an archived key count. */
struct store_key_claim {
	struct view public_key_hash;
	struct store_principal holder;
	bool archived_only;
};
enum store_find store_find_other_holder(
    struct store *s, const struct store_key_claim *c, int64_t *request_id_out, struct err *err);
/* What is in the database of a request that comes in, in one reading: whether the same caller sent
 * the same before and was not refused at once, and whether a row of anybody else that was not
 * refused has its key. */
struct store_newcomer {
	struct view request_hash, public_key_hash;
	struct store_principal caller;
	int64_t now; /* a certificate that has expired by then is no answer */
	bool renews; /* nor is one with more than half of its life behind it, to a renewal */
};
struct store_precedent {
	int64_t repeat_of; /* 0: none */
	bool key_is_held;
};
bool store_find_precedent(
    struct store *s, const struct store_newcomer *n, struct store_precedent *out, struct err *err);
/* The same inside a unit of work, where nobody can come between the answer and what is written. */
enum store_find store_other_holder(
    struct store_tx *tx, const struct store_key_claim *c, int64_t *request_id_out, struct err *err);
bool store_precedent(struct store_tx *tx, const struct store_newcomer *n,
    struct store_precedent *out, struct err *err);
/* Rows without public_key_hash, refused ones apart, in order of request_id behind `after_id`; as
 * lists are. */
bool store_list_unhashed(
    struct store *s, int64_t after_id, size_t limit, struct store_requests *out, struct err *err);

/* Recovery candidates: issued, revoked or foreign (imported) rows that have an archived key, by one
 * indexed column, in order of request_id. Without case for names; serial number and SHA-1 are hex
 * as in store_get_by_serial. Of store_find_candidates all, at most 1000, more is DIRCA_E_TOO_LARGE;
 * of store_page_candidates the first 1000 behind this request. */
enum store_key {
	STORE_BY_UPN,
	STORE_BY_COMMON_NAME,
	STORE_BY_REQUESTER,
	STORE_BY_REQUESTER_SID,
	STORE_BY_REQUESTER_DN, /* those that begin so */
	STORE_BY_SERIAL,
	STORE_BY_CERTIFICATE_HASH
};
bool store_find_candidates(struct store *s, enum store_key by, const char *value,
    struct store_requests *out, struct err *err);
bool store_page_candidates(struct store *s, enum store_key by, const char *value, int64_t after,
    struct store_requests *out, struct err *err);

/* The certificate with this SHA-1: a copy that store_keep_kra made, else one that this CA issued.
 */
enum store_find store_get_kra(
    struct store *s, struct view sha1, struct buf *certificate_out, struct err *err);
/* Archived keys, by request: every one, or so many behind one (below 0: all). */
typedef void store_archived_each(int64_t request_id, struct view archived_key, void *arg);
bool store_page_archived(struct store *s, int64_t after, int64_t limit, store_archived_each *each,
    void *arg, struct err *err);
bool store_walk_archived(struct store *s, store_archived_each *each, void *arg, struct err *err);
/* Each combination of agents that archived keys are sealed to, as it stands in key_recovery_hashes,
 * and how many keys; `each` ends the walk with false and err. */
typedef bool store_kra_set_each(const char *hashes, int64_t keys, void *arg, struct err *err);
bool store_walk_kra_sets(struct store *s, store_kra_set_each *each, void *arg, struct err *err);
/* Requests whose keys are sealed to just that combination, in order, behind `after_id`. */
struct store_ids {
	int64_t *list;
	size_t count;
};
void store_ids_add(struct store_ids *ids, int64_t id);
void store_ids_free(struct store_ids *ids);
bool store_sealed_to(struct store *s, const char *hashes, int64_t after_id, size_t limit,
    struct store_ids *out, struct err *err);

/* Keys that were replaced in a batch, in order, behind `after_id`. */
struct store_former_key {
	int64_t request_id;
	uint8_t new_hash[32];
};
struct store_former_keys {
	struct store_former_key *list;
	size_t count;
};
void store_former_keys_free(struct store_former_keys *k);
bool store_list_former_keys(struct store *s, struct view batch, int64_t after_id, size_t limit,
    struct store_former_keys *out, struct err *err);

/* free(); *out NULL if unset */
bool store_get_setting(struct store *s, const char *name, char **out, struct err *err);
struct store_settings {
	char **names, **values;
	size_t count;
};
bool store_list_settings(struct store *s, struct store_settings *out, struct err *err);
void store_settings_free(struct store_settings *s);

/* CA exchange certificates (CR_FLG_CAXCHGCERT) with not_after > now, made last first. */
bool store_exchange_certificates(
    struct store *s, int64_t now, struct store_requests *out, struct err *err);
struct store_revoked {
	const char *serial;
	int64_t when;
	int reason;
};
/* One state of the database, for all lists that are made together. */
struct store_snapshot;
bool store_snapshot_begin(struct store *s, struct store_snapshot **out, struct err *err);
void store_snapshot_end(struct store_snapshot **s);
/* How far revocations had come: a number that grows with each. */
int64_t store_snapshot_changes(const struct store_snapshot *s);
struct store_crl_query {
	uint32_t issuer; /* CA version of the certificate whose rows are asked for */
	uint32_t partition;
	int64_t now;
	bool delta;
	int64_t since; /* of a delta CRL: the changes that its base knows */
};
/* Gives the revoked rows of a CA certificate for a base CRL made at `now`, one by one, in no order
 * that means anything: effective by then, and not expired before the base CRL that came before was
 * made (RFC 5280 3.3: an entry appears on one CRL issued after the certificate's expiry before it
 * goes). A CRL of a time that is yet to come, as a clock that was ahead leaves one, is none that
 * came before; what was revoked at such a time is effective. `when` is the effective date, `now` at
 * most. For a delta CRL the rows that changed since, expired or not (RFC 5280 5.2.4), with reason 8
 * (removeFromCRL) where a hold was lifted. `each` ends the walk with false and err. */
typedef bool store_revoked_each(const struct store_revoked *r, void *arg, struct err *err);
bool store_walk_revoked(const struct store_snapshot *s, const struct store_crl_query *q,
    store_revoked_each *each, void *arg, struct err *err);
struct store_crl {
	uint32_t name_id;
	int64_t number, this_update, next_update, next_publish;
	int64_t base_number; /* 0: a base CRL itself */
	int64_t changes;
	size_t size; /* of the CRL */
	struct buf der;
};
void store_crl_free(struct store_crl *c);
/* The one of the list with the greatest number; number 0 and empty if none. The first leaves `der`
 * empty: a CRL may be large. */
bool store_newest_crl_dates(
    struct store *s, const struct store_crl_id *id, struct store_crl *out, struct err *err);
bool store_newest_crl(
    struct store *s, const struct store_crl_id *id, struct store_crl *out, struct err *err);
/* The oldest base CRL of a delta CRL's list that is valid at `now` still: what a delta CRL builds
 * on, so that it serves whoever holds one that is. Number 0: there is none. */
bool store_delta_base(struct store *s, const struct store_crl_id *id, int64_t now,
    struct store_crl *out, struct err *err);
/* The greatest number of all; 0: none. */
bool store_last_crl_number(struct store *s, int64_t *number_out, struct err *err);
/* The greatest partition of a key that has a CRL. */
bool store_most_partitions(struct store *s, uint32_t key_index, int64_t *out, struct err *err);

/* What is to be said of one of our certificates. */
struct store_status {
	uint32_t issuer_name_id;
	bool revoked;
	int64_t revoked_when; /* of a revoked one, as its reason */
	int reason;
};
/* By serial number, as store_get_by_serial takes it. STORE_NOT_FOUND: never issued. */
enum store_find store_status_by_serial(
    struct store *s, const char *serial, struct store_status *out, struct err *err);

/* Every CRL that was published, by number; `each` ends the walk with false and err. */
typedef bool store_crl_each(
    int64_t number, int64_t this_update, struct view crl, void *arg, struct err *err);
bool store_walk_crls(struct store *s, store_crl_each *each, void *arg, struct err *err);

/* The first behind `after` (0: of all) of which the owner was not told yet. */
struct store_owner_notice {
	struct event_record event; /* row_id: the number of the notice */
	bool failed;               /* a try was recorded as failed */
};
enum store_find store_next_owner_notice(
    struct store *s, int64_t after, struct store_owner_notice *out, struct err *err);
void store_owner_notice_free(struct store_owner_notice *n);

struct store_publication {
	int64_t request_id;
	enum store_place place;
	char *requester_dn, *requester_sid; /* NULL: not stored */
	struct buf certificate;
};
struct store_publications {
	struct store_publication *list;
	size_t count;
};
/* At most `limit` of those that wait, in order of request and place, behind the one of `after`
 * (NULL: from the first on). */
bool store_list_publications(struct store *s, const struct store_publication *after, size_t limit,
    struct store_publications *out, struct err *err);
void store_publications_free(struct store_publications *ps);

/* Walks the audit trail after `after_row` (0: all) and verifies its chain up to the head that is
 * kept apart; `each` may be NULL; it may stop the walk by false, which is success without the check
 * of the end. DIRCA_E_DATABASE names the first row that was changed or is missing; rows before it
 * have been given to `each`. */
typedef bool store_audit_each(const struct audit_record *a, void *arg);
bool store_audit_walk(struct store *s, int64_t after_row, store_audit_each *each, void *arg,
    int64_t *count_out, struct err *err);

/* Gives the rows after `after_row` to `each` as they stand, for who verifies elsewhere: at most
 * `most` of them, or until `each` says false. */
struct audit_reading {
	int64_t last;           /* row that was given last; after_row if none was */
	bool ended;             /* there was none behind it */
	struct trail_head head; /* of the trail, as of the last row */
};
bool store_audit_read(struct store *s, int64_t after_row, size_t most, store_audit_each *each,
    void *arg, struct audit_reading *out, struct err *err);

/* Where the trail ends, and its last checkpoint, as of one moment. */
struct store_audit_end {
	struct trail_head head;
	int64_t signed_row; /* 0: there is no checkpoint */
	struct buf message; /* the checkpoint */
};
bool store_audit_end(struct store *s, struct store_audit_end *out, struct err *err);
void store_audit_end_free(struct store_audit_end *e);
/* Checkpoints of rows behind `after_row`, up to `up_to`, in order. */
typedef void store_checkpoint_each(int64_t row, struct view message, void *arg);
bool store_walk_checkpoints(struct store *s, int64_t after_row, int64_t up_to,
    store_checkpoint_each *each, void *arg, struct err *err);

/* Events behind row `after_row` as they were raised, at most `most`, until `each` has seen enough
 * (false). */
typedef bool store_event_each(const struct event_record *e, void *arg);
struct event_reading {
	int64_t last; /* row that was looked at last; `after_row` if there was none */
	bool ended;   /* there was none behind it */
};
bool store_read_events(struct store *s, int64_t after_row, size_t most, store_event_each *each,
    void *arg, struct event_reading *out, struct err *err);

struct store_counts {
	int64_t issued, pending, denied, error, revoked, archived_keys;
	int64_t unpublished; /* publications that wait */
};
bool store_count(struct store *s, struct store_counts *out, struct err *err);

/* A copy of the database at `path` as it is at one moment, whoever uses it meanwhile: the new file
 * `copy`, mode 0600. `copied` is told how far it is, in pages. */
typedef void store_copied(void *arg, int pages, int of);
bool store_copy(
    const char *path, const char *copy, store_copied *copied, void *arg, struct err *err);
/* Adds a sentence for each thing that is wrong: pages, references, archived keys that are not
 * there, counts that are not kept right, a broken audit trail. Reads everything. False: it cannot
 * be read. */
bool store_check(struct store *s, struct texts *findings, struct err *err);
/* Writes the file anew without what is free in it. Nobody else may use the database. */
bool store_vacuum(const char *path, struct err *err);
struct store_size {
	int64_t version; /* of the schema */
	int64_t page_bytes, pages, free_pages;
	int64_t requests, archived_keys, audit_rows, crls, crl_bytes;
};
bool store_size(struct store *s, struct store_size *out, struct err *err);

#endif
