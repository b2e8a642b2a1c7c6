/*
 * The CA's state as its operations see it: configuration, directory, database, vault, and what was
 * decoded from them. Everything that changes is replaced whole behind a reference count; a request
 * works on one `struct ca_view` from its beginning to its end.
 */
#ifndef CORE_CA_H
#define CORE_CA_H

#include "archive.h"
#include "ca_authority.h"
#include "ca_rights.h"
#include "config.h"
#include "coverage.h"
#include "enterprise_oid.h"
#include "officer.h"
#include "pki.h"
#include "pool.h"
#include "principal.h"
#include "settings.h"
#include "store.h"
#include "tmpl.h"
#include "trust.h"
#include "vault.h"

/* One KRA that root enabled, as the vault has it. */
struct ca_kra {
	struct pkix_cert cert;
	enum cms_reader reader;
	enum kra_status status; /* kra_check at the time the view was made */
	char *reason;           /* why it is not valid */
};

/* A CA exchange certificate whose key the vault holds. */
struct ca_xchg {
	struct pkix_cert cert;
	uint8_t id[VAULT_ID_LEN];
};

/* Immutable, reference-counted picture on which a request works. */
struct ca_view {
	struct pki_snapshot *pki; /* may be older than allowed; check ca_view_is_fresh */
	struct tmpl *templates;   /* every template of the directory that decodes */
	size_t template_count;
	struct texts broken_templates; /* "cn: sentence" of those that do not */
	struct enterprise_oids oids;   /* what the organisation says of its object identifiers */
	struct texts broken_oids;      /* sentences about entries that say nothing usable */
	struct texts enabled;          /* certificateTemplates of this CA's service object */
	struct texts service_hosts;    /* of all enrollment services, and of the configuration */
	struct officer_rules officer_rules; /* dircaOfficerRights */
	char *officer_problem;  /* why it could not be read: then there are no rules, and nobody may
				   act; NULL if it could */
	bool has_security;      /* true with an empty DACL: it could not be read, nobody has a right
				 */
	struct sd security;     /* dircaCASecurity */
	char *security_problem; /* why it could not be read */
	bool separate_roles;    /* role_separation of dircad.conf */
	struct view raw_rights[2]; /* dircaCASecurity and dircaOfficerRights as the directory gave
				      them; empty: absent */
	/* There are no directory and no templates: a request says itself what it is for. Rights are
	 * those of dircad.conf, which raw_rights[0] shows. */
	bool standalone;
	struct buf own_rights; /* what raw_rights[0] is a view of then */
	bool places_known; /* where CRL and CA certificate are found, if anywhere: not so before the
			      directory was read */
	struct settings settings;
	struct trust_issuers kra_issuers; /* this CA, and whom root took as an issuer of agents */
	struct ca_kra *kras;
	size_t kra_count;
	const struct ca_kra **agents; /* the valid ones of them, of each agent the newest */
	size_t agent_count;
	size_t kra_threshold;     /* of those that a key is sealed to, so many open it together */
	struct texts kras_stored; /* SHA-1 of those in the KRA store that are not enabled */
	struct texts
	    kras_missing; /* of the next those about what is enabled and not in the store */
	struct texts kra_problems; /* sentences about what is left out of the KRA store, why it
				      could not be read, and what is enabled and not in it */
	struct texts kras_foreign; /* SHA-1 of those that the directory names as this CA's, and
				      that are not in the store */
	struct coverage coverage;  /* who of them can open the keys that were archived by then */
	bool kra_store_unread;     /* it, or the list of enabled ones, could not be read now */
	int64_t crl_until;         /* nextUpdate of the newest CRL of the key that signs */
	enum err_code chain_code;  /* CRYPT_E_REVOKED or CRYPT_E_REVOCATION_OFFLINE: */
	char *chain_problem;       /* why the CA certificate, or one above it, is not known to be
				      good; NULL: it is */
	struct ca_xchg *xchgs;     /* made last first */
	size_t xchg_count;
	struct kept_extensions
	    *extensions; /* made by it (kept_extensions.h); NULL: none are kept */
	int64_t made_at; /* for whether certificates were valid then */
	int64_t read_ms; /* clock_boot_ms before the directory was read */
	int refs;
};

struct ca {
	const struct config *config;
	const struct ca_source *source; /* of templates, rights and people (ca_priv.h) */
	struct store *store;
	struct dir_pool *directory;     /* NULL: stand-alone */
	struct vault_info info;         /* of the start */
	const struct ca_issuer *issuer; /* the newest of info.issuers: it signs all but CRLs */
	struct buf *chain;              /* its certificate and its parents, DER */
	size_t chain_count;
	struct ca_crosses crosses;
	char *no_archival;      /* which certificate of the chain excludes key archival (paper,
				   "Restricting Key Archival"), as a sentence; NULL: none does */
	const EVP_MD *digest;   /* that the CA's signatures use */
	struct ca_state *state; /* ca_priv.h: current view, principal cache, locks */
};

/* `v` is a vault connection for the start-up work (exchange certificate, first CRL). Starts no
 * thread but the database's writer. */
bool ca_open(const struct config *config, struct vault *v, struct ca **out, struct err *err);
void ca_close(struct ca **ca);

/* No decision rests on a picture of the directory that is older than this, whatever becomes of the
 * directory. (What is known of a person is kept for PRINCIPAL_CACHE_TTL_MS.) */
#define CA_VIEW_MAX_AGE_S 60

/* Is a certificate with this IssuerNameId one of the key that signs certificates now? */
bool ca_issues_with_its_key(const struct ca *ca, uint32_t issuer_name_id);

/* A copy of the certificate in the database, in the unit of work that stores what is sealed to it.
 */
bool ca_kra_keep(struct store_tx *tx, const struct ca_kra *kra, struct err *err);
/* A certificate was revoked, or taken from hold: if it is a KRA's or an exchange certificate, that
 * is in force at once, and one that was handed out has another in its place. */
void ca_look_at_revoked(struct ca *ca, struct vault *v, int64_t request_id);

struct ca_view *ca_view_get(struct ca *ca);
void ca_view_release(struct ca_view **v);
/* Reads directory, settings and the vault's KRAs again and replaces the view; called by the
 * housekeeper when the directory says that something changed and every half minute, after a
 * settings change and on SIGHUP. Requests go on with the old view meanwhile. On failure it stays
 * and err says why; requests are refused once it is older than CA_VIEW_MAX_AGE_S
 * (ca_view_is_fresh). */
bool ca_refresh(struct ca *ca, struct vault *v, struct err *err);
bool ca_view_is_fresh(const struct ca_view *v, int64_t boot_ms); /* clock_boot_ms */
/* The exchange certificate that is handed out: of those that are valid now the one that was made
 * last; NULL: none. */
const struct ca_xchg *ca_view_xchg(const struct ca_view *v, int64_t now);
const struct tmpl *ca_view_template(const struct ca_view *v, const char *cn); /* without case */
const struct tmpl *ca_view_template_by_oid(const struct ca_view *v, const char *oid);
/* By its cn, else by its OID, which travels where not every name does. */
const struct tmpl *ca_view_template_called(const struct ca_view *v, const char *name);
bool ca_view_is_enabled(const struct ca_view *v, const char *cn);
/* Runs `work` on a directory connection; once more on a new one when the connection turned out to
 * be gone. DIRCA_E_STANDALONE if there is no directory. */
typedef bool ca_directory_work(struct dir_conn *c, void *arg, struct err *err);
bool ca_directory_do(struct ca *ca, ca_directory_work *work, void *arg, struct err *err);
/* Who made a request, as its row says, and when; else when its certificate begins. */
struct principal_record ca_requester_of(const struct store_request *row);
/* principal_find, principal_find_token_account (for what needs no group), principal_find_identity
 * and principal_find_recorded on such a connection; of a stand-alone CA among the accounts of its
 * machine (local_accounts.h) and the holders of its certificates (ca_holder.h). */
enum dir_find ca_find(struct ca *ca, const char *token, struct principal *out, struct err *err);
enum dir_find ca_find_account(
    struct ca *ca, const char *token, struct principal *out, struct err *err);
enum dir_find ca_find_identity(
    struct ca *ca, const struct identity *id, struct principal *out, struct err *err);
enum dir_find ca_find_recorded(
    struct ca *ca, const struct principal_record *r, struct principal *out, struct err *err);

/* CA right of dircaCASecurity for the principal; E_ACCESSDENIED (or CERTSRV_E_ENROLL_DENIED for
 * CA_RIGHT_ENROLL) with the deciding ACE. Without a descriptor: authenticated users may enroll,
 * nobody manages (fail closed). */
bool ca_check_right(
    const struct ca_view *v, const struct principal *p, uint32_t right, struct err *err);

/* May this certificate manager act on a row of the database? CA_RIGHT_OFFICER (E_ACCESSDENIED),
 * then the restrictions of dircaOfficerRights for the row's requester and template
 * (CERTSRV_E_RESTRICTEDOFFICER names the rule). The requester's groups are read from the directory
 * by the row's SID, DN and name (ca_requester_of). Of a deleted requester those count that
 * were written down with the row; where none were, the rules about Everyone only. An unreadable
 * directory is a refusal with its own code. */
bool ca_check_officer(struct ca *ca, const struct ca_view *v, const struct principal *officer,
    const struct store_request *row, struct err *err);
/* The same, and what decided. */
struct officer_decision {
	int rule;       /* index of the rule; -1: none */
	bool by_record; /* the groups that the requester had when the request was decided */
};
bool ca_decide_officer(struct ca *ca, const struct ca_view *v, const struct principal *officer,
    const struct store_request *row, struct officer_decision *out, struct err *err);

/* The principal of an authenticated identity, from the directory, cached for 5 s. Copy owned by the
 * caller. An account that is disabled, expired or
 * locked out is refused: whatever it wanted, it may not act (principal_check_active). */
bool ca_principal(struct ca *ca, const struct identity *id, struct principal *out, struct err *err);

/* The whole row of a request that there was a moment ago: DIRCA_E_DATABASE if it is gone. */
bool ca_get_row(struct ca *ca, int64_t request_id, struct store_request *out, struct err *err);

/* Counts what this principal has the CA store: one of its `limits` in an hour (MaxRequestsPerHour,
 * MaxKilobytesPerHour of the settings). DIRCA_E_QUOTA; *retry_after_s says when to try again. The
 * first refusal of an hour is audited. */
bool ca_take_quota(struct ca *ca, const struct ca_view *v, const struct principal *p, size_t bytes,
    int64_t *retry_after_s, struct err *err);

/* CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED if the chain of the CA excludes archival. */
bool ca_check_archival(const struct ca *ca, struct err *err);

/* May certificates be issued: are there current CRLs of the CA and of each CA above it, and is none
 * of them revoked? CRYPT_E_REVOKED, and unless CRLF_REVCHECK_IGNORE_OFFLINE is set
 * CRYPT_E_REVOCATION_OFFLINE. */
bool ca_check_chain(const struct ca_view *v, int64_t now, struct err *err);

/* Housekeeping, called by the service's timer: makes a new exchange certificate within the overlap,
 * makes a CRL when due. Idempotent. */
bool ca_maintain(struct ca *ca, struct vault *v, int64_t now, struct err *err);
/* Was something found meanwhile for which it should run soon? Asked once. */
bool ca_wants_maintenance(struct ca *ca);
/* The exchange certificate's part of it, for who met a key that the vault retired; in use when it
 * returns. */
bool ca_renew_exchange(struct ca *ca, struct vault *v, int64_t now, struct err *err);
/* Makes a new one whatever there is, for an administrator; in use when it returns. */
bool ca_new_exchange(struct ca *ca, struct vault *v, const char *actor, struct err *err);
/* The certificate that keys are encrypted to which are brought from elsewhere: of those whose key
 * the vault holds the newest that is valid. DIRCA_E_XCHG_CERT if there is none: one is made by the
 * second, for so many seconds (VAULT_XCHG_LIFE_MIN to _MAX), after which its key is destroyed. */
bool ca_import_certificate(
    struct ca *ca, struct vault *v, int64_t now, struct pkix_cert *out, struct err *err);
bool ca_new_import(struct ca *ca, struct vault *v, const char *actor, int64_t life_s, int64_t now,
    struct buf *certificate_out, struct err *err);
/* Has the vault sign the end of the audit trail, where that has moved since the last time;
 * *row_out: the row of the newest checkpoint, 0 if there is none. E_ACCESSDENIED: the vault signed
 * a longer trail; ERROR_FILE_EXISTS: one that is as long, and another. */
bool ca_checkpoint(struct ca *ca, struct vault *v, int64_t *row_out, struct err *err);
/* Makes, stores and audits all CRLs of each key now, or the delta CRLs alone (E_INVALIDARG if there
 * are none), and wakes the publisher, who brings them to the directory; those of a key have a
 * number that is one more than the last. */
bool ca_publish_crl(
    struct ca *ca, struct vault *v, bool delta_only, const char *actor, struct err *err);
/* The newest CRL of a list: one copy in memory, shared by all who hold it. NULL: there is none. */
struct ca_crl {
	int64_t number, this_update;
	struct view der;
	uint8_t sha256[32];
};
bool ca_crl_newest(
    struct ca *ca, const struct store_crl_id *id, struct ca_crl **out, struct err *err);
void ca_crl_release(struct ca_crl **crl);
/* When the certificate of the TLS service ends. */
bool ca_service_until(struct ca *ca, int64_t *not_after_out, struct err *err);
/* Sentences for the administrator, in status and log; texts_free. */
void ca_warnings(struct ca *ca, int64_t now, struct texts *out);
/* Puts in what those of SETTING_OF_FACT are. */
bool ca_provider_settings(struct ca *ca, struct vault *v, struct settings *in, struct err *err);
/* Settings change with audit record, then refresh. E_ACCESSDENIED for CA\KRACertCount, which is
 * root's: `dirca kra count`. Those of SETTING_OF_FACT are taken as what they are: else
 * NTE_KEYSET_NOT_DEF or NTE_BAD_ALGID names the cure. */
bool ca_set_setting(struct ca *ca, struct vault *v, const char *actor, const char *name,
    const char *value, struct err *err);

#endif
