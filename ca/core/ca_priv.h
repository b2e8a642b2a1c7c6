/*
 * What the files that make up the CA's state share. Not for other rooms.
 */
#ifndef CORE_CA_PRIV_H
#define CORE_CA_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "ca.h"
#include "owed.h"
#include "principal_cache.h"
#include "quota.h"
#include "trust.h"

/* notices.c */
struct notices {
	pthread_mutex_t lock; /* guards what follows; `stop` and `lost` are read without it */
	pthread_cond_t more;
	struct waiting *first, **last;
	size_t length;
	atomic_bool stop;
	_Atomic int64_t lost;
};
void notices_init(struct notices *q);
void notices_destroy(struct notices *q);
/* Is anybody to be told of anything? */
bool notices_wanted(const struct ca *ca);
/* Takes the event. */
void notices_push(struct ca *ca, struct event_record e, bool waited);

/* What the directory is owed, by kind (publication.c). */
enum { OWED_CA, OWED_AUTHORITY, OWED_CRL, OWED_SERVICE_KEY, OWED_CERTIFICATES, OWED_KINDS };

struct crl_http;

struct ca_state {
	struct dir_config directory_config;
	size_t preferred_uri; /* of directory_config */
	char *server; /* what the log was last told about the directory; under refresh_lock */
	pthread_mutex_t lock; /* guards `view` */
	struct ca_view *view;
	pthread_mutex_t
	    refresh_lock; /* one refresh at a time: an older view never replaces a newer one */
	pthread_mutex_t
	    maintain_lock;      /* one exchange certificate at a time; guards the next three */
	enum err_code no_xchg;  /* why the last could not be made */
	int64_t no_xchg_ms;     /* when that was told; clock_mono_ms */
	enum err_code no_token; /* why the token's key that root names is not used: told */
	enum err_code no_seed;  /* why the CA key's token gives no random numbers: told */
	pthread_mutex_t
	    make_crl_lock; /* one CRL: a large one takes a while, and nobody else waits */
	pthread_mutex_t checkpoint_lock; /* one checkpoint; guards the next */
	int64_t checkpoint_ms;           /* when one was made last, clock_boot_ms; 0: not yet */
	pthread_mutex_t crl_lock;        /* guards the next */
	struct crl_kept *crls;           /* of each list the newest that somebody asked for */
	char *recorded_rights[2];        /* rights_audit.c; under refresh_lock */
	char *told_stopped;              /* why nothing is issued; as before */
	struct principal_cache *principals;
	struct quota *requests; /* what each requester has the CA store */
	struct quota *refusals; /* and how many refusals of each are recorded */
	atomic_bool space_is_low;
	_Atomic int64_t space_looked_at, space_free_mb; /* clock_mono_ms; what there was then */
	struct crl_http *crl_http;                      /* under refresh_lock */
	pthread_mutex_t publish_lock;                   /* guards the next five */
	pthread_cond_t publish_turn;                    /* on the monotonic clock */
	bool publish_wanted, publish_stop;
	struct owed owed[OWED_KINDS];
	uint64_t answered;       /* how often the directory came back */
	int64_t published_up_to; /* request whose certificate was tried last; the publisher's own */
	struct ocsp_responder *ocsp; /* ocsp_responder.c */
	struct crl_sent *sent_crls;  /* of each list, what became of it in the directory */
	atomic_bool crl_wanted[CA_ISSUERS_MAX]; /* of the key of each issuer: CRLs must be made,
						   whatever there is */
	_Atomic int64_t foreign_crl; /* greatest number that is known from elsewhere than the
					database: it may be one that was restored */
	atomic_bool wants_maintenance;
	_Atomic int64_t log_level, events_kept; /* settings of the view */
	struct notices notices;
	struct texts restored; /* sentences about it; under `lock` */
};

/* Whence the CA knows what a directory would say: ca_directory.c, ca_local.c. */
struct ca_wanted { /* one of the four */
	const char *token;
	const char *account; /* a token too: without its SIDs */
	const struct identity *identity;
	const struct principal_record *record;
};
struct ca_source {
	const char *name; /* in records of changes */
	bool (*open)(struct ca *ca, struct err *err);
	/* The part of a new view that is read there: `pki`, and rights where that has none. */
	bool (*read)(struct ca *ca, struct ca_view *v, struct err *err);
	enum dir_find (*find)(
	    struct ca *ca, const struct ca_wanted *w, struct principal *out, struct err *err);
};
extern const struct ca_source ca_source_directory, ca_source_local;
/* ca_source.c */
const struct ca_source *ca_source_of(const struct config *config);

/* own_row.c. A row and an audit record of a certificate that the CA made for itself. */
#define OWN_ACTOR "dircad"
enum own_kind { OWN_EXCHANGE, OWN_SERVICE, OWN_OCSP, OWN_IMPORT };
bool add_own_row(struct ca *ca, struct view certificate, enum own_kind own, const char *actor,
    int64_t now, struct err *err);

/* service_renewal.c. Renews the certificate of the TLS service, with its key, when it is due. */
bool renew_service(struct ca *ca, struct vault *v, int64_t now, struct err *err);
/* Would clients that know this CA take it? CERT_E_WRONG_USAGE says why not. */
bool check_service(struct ca *ca, int64_t now, struct err *err);

/* crl_make.c. The CRLs of each key that are due, or all that there can be, or the delta CRLs alone.
 * One key that fails keeps no other back. Under make_crl_lock. */
enum crls_wanted { CRLS_DUE, CRLS_DELTA, CRLS_ALL };
bool make_crls(struct ca *ca, struct vault *v, const struct ca_view *view, enum crls_wanted wanted,
    const char *actor, int64_t now, bool *made_out, struct err *err);

/* newest_crl.c. One that was just made and stored, for ca_crl_newest; takes `octets`, in which its
 * DER lies. */
void crl_keep(struct ca *ca, const struct store_new_crl *crl, struct buf *octets);
void crls_forget(struct ca_state *s);
/* publication.c */
void sent_crls_free(struct ca_state *s);

/* restored.c. Compares how far database and vault have come, each by what the other remembers: one
 * that came back from an older copy is told in log and status, and the numbers of CRLs go on. */
bool check_restored(struct ca *ca, struct err *err);
/* Has the database remember how far the vault's journal has come. */
bool remember_journal(struct ca *ca, struct vault *v, struct err *err);
/* The directory has a CRL of that issuer's key with that number, which the database does not know.
 */
void found_newer_crl(struct ca *ca, size_t issuer, int64_t number, int64_t known);

/* The view of a CA that starts while the directory is away: never fresh, so that nothing is decided
 * by it, and without rights of anybody. */
bool view_begin(struct ca *ca, struct vault *v, struct err *err);

/* The KRA store into `v`. `last` is the view before it, NULL at first. */
bool view_read_kras(struct ca *ca, struct vault *vault, struct ca_view *v, struct err *err);

/* kra_chain.c: is a KRA certificate of another CA good, and each CA certificate above it up to a
 * root, by CRLs? CRYPT_E_REVOKED, CRYPT_E_REVOCATION_OFFLINE, CERT_E_EXPIRED. */
bool kra_chain_check(
    struct ca *ca, const struct ca_view *v, const struct pkix_cert *kra, struct err *err);

/* chain_crls.c: reads what ca_check_chain looks at; raises that nothing is issued, once. */
bool view_read_chain(struct ca *ca, struct ca_view *v, struct err *err);
void chain_events(struct ca *ca, const struct ca_view *last, const struct ca_view *v);

/* checkpoint.c: ca_checkpoint, where it is time. */
bool checkpoint_maintain(struct ca *ca, struct vault *v, const struct settings *s, struct err *err);

/* kra_events.c: raises what is new in `v`, which is in force; `last` NULL: at the start. */
void kra_events(struct ca *ca, const struct ca_view *last, const struct ca_view *v);

/* ---- store_setting.c; the caller holds maintain_lock ---- */
struct setting_change {
	const char *actor;
	struct settings was, now;
	bool set[SETTING_COUNT]; /* those that are written */
	bool to_default;         /* the rows go */
};
bool setting_store(struct ca *ca, struct setting_change *c, struct err *err);

/* ---- xchg_template.c: the template CAExchange (paper, "CA Exchange Certificate Generation") ----
 */
/* NULL: there is none, or it cannot be read. */
const struct tmpl *xchg_template(const struct ca_view *v);
/* May an exchange certificate be made? With CRLF_USE_XCHG_CERT_TEMPLATE only if the template is
 * there, and the CA's own account may enroll by it: CERTSRV_E_UNSUPPORTED_CERT_TYPE,
 * CERTSRV_E_TEMPLATE_DENIED. */
bool xchg_template_check(struct ca *ca, const struct ca_view *v, struct err *err);
/* Where there is the template, its validity and overlap become the settings'. *changed: they were
 * others. One that cannot be is logged, and the settings stay. Under maintain_lock. */
bool xchg_template_adopt(struct ca *ca, const struct ca_view *v, bool *changed, struct err *err);

#endif
