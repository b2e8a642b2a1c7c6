/*
 * Settings in the database under their AD CS names, with form, default and range in one table
 * (settings.c). A period is a pair there: a word for its unit and a number of them.
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "archive.h"
#include "config.h"
#include "store.h"

enum setting {
	SETTING_KRA_CERT_COUNT, /* CA\KRACertCount: KRAs an archived key is sealed to; 0 = archival
				   not configured. The vault's, by root (kra_policy.h); what the
				   database has is of older programs */
	SETTING_CNG_ENCRYPTION_ALGORITHM, /* CA\EncryptionCSP\CNGEncryptionAlgorithm: AES | 3DES */
	SETTING_SYMMETRIC_KEY_SIZE,       /* CA\EncryptionCSP\SymmetricKeySize: 128 | 192 | 256 */
	SETTING_ENCRYPTION_ALGORITHM,     /* CA\EncryptionCSP\EncryptionAlgorithm: the two before as
					     one ALG_ID; not stored */
	SETTING_XCHG_ALGORITHM, /* CA\EncryptionCSP\CNGPublicKeyAlgorithm of the exchange key: RSA,
				   or a curve */
	SETTING_XCHG_KEY_SIZE, /* CA\EncryptionCSP\KeySize: RSA bits of the exchange key, 2048..4096
				*/
	SETTING_XCHG_PROVIDER, /* CA\EncryptionCSP\Provider: what keeps exchange keys, PROVIDER_*;
				  this and the next two are facts: ca_provider_settings */
	SETTING_XCHG_PROVIDER_TYPE, /* CA\EncryptionCSP\ProviderType: 1, of CNG (paper, "CA
				       Exchange Certificate Generation") */
	SETTING_XCHG_HASH,          /* CA\EncryptionCSP\HashAlgorithm of the signature in exchange
				       certificates, an ALG_ID: the CA key's */
	SETTING_XCHG_VALIDITY,      /* CA\CAXchgValidityPeriod, one week */
	SETTING_XCHG_VALIDITY_UNITS,
	SETTING_XCHG_OVERLAP, /* CA\CAXchgOverlapPeriod, one day */
	SETTING_XCHG_OVERLAP_UNITS,
	SETTING_CRL_PERIOD, /* CA\CRLPeriod, one week */
	SETTING_CRL_PERIOD_UNITS,
	SETTING_CRL_OVERLAP, /* CA\CRLOverlapPeriod, one day */
	SETTING_CRL_OVERLAP_UNITS,
	SETTING_CRL_DELTA_PERIOD, /* CA\CRLDeltaPeriod; 0 units: no delta CRLs, the default */
	SETTING_CRL_DELTA_PERIOD_UNITS,
	SETTING_CRL_DELTA_OVERLAP, /* CA\CRLDeltaOverlapPeriod, none */
	SETTING_CRL_DELTA_OVERLAP_UNITS,
	SETTING_CRL_PARTITIONS,   /* CA\CRLMaxPartitions; 0: none */
	SETTING_FRESHEST_IN_CERT, /* CA\FreshestCRLInCertificates: 1 names the delta CRL in
				     certificates too, not only in base CRLs */
	SETTING_OCSP,             /* CA\OCSPResponder: 1 answers OCSP requests, the default */
	SETTING_OCSP_VALIDITY,    /* CA\OCSPValidityPeriod: how long an answer is good, 12 hours */
	SETTING_OCSP_VALIDITY_UNITS,
	SETTING_OCSP_IN_CERT, /* CA\OCSPInCertificates: 1 names the responder in certificates */
	SETTING_VALIDITY,     /* CA\ValidityPeriod: no certificate lives longer; five years */
	SETTING_VALIDITY_UNITS,
	SETTING_REFUSE_ESCALATION, /* CA\RefuseEscalation: 1 refuses templates that are certain to
				      be one (tmpl_is_certain_escalation); 0 issues them */
	SETTING_ALLOW_SHARED_KEYS, /* CA\AllowSharedKeys: 1 lets several principals have one public
				      key, as long as nobody archives it */
	SETTING_KEEP_REFUSED, /* CA\KeepRefusedRequests: 1 keeps the bytes of refused requests, 0
				 only their hash */
	SETTING_REQUESTS_PER_HOUR,  /* CA\MaxRequestsPerHour of one requester; 0: any number */
	SETTING_KILOBYTES_PER_HOUR, /* CA\MaxKilobytesPerHour of one requester; 0: any number */
	SETTING_REQUIRE_BINDING, /* CA\RequireRequestBinding: 1 demands of a request that archives a
				    key that it says who sends it (docs/PROTOCOL.md) */
	SETTING_LOG_LEVEL,       /* CA\LogLevel: which events are kept; 2 errors, 3 warnings, 4
				    information too */
	SETTING_EVENTS_KEPT,     /* CA\EventsKept: how many of the newest */
	SETTING_CHECKPOINT_MINUTES,  /* CA\AuditCheckpointMinutes: how often the vault signs the end
					of the audit trail, where there are new rows; 0: never */
	SETTING_AUDIT_FILTER,        /* CA\AuditFilter: what is audited (trail.h) */
	SETTING_CRL_FLAGS,           /* CA\CRLFlags: CRLF_* */
	SETTING_KRA_FLAGS,           /* CA\KRAFlags: of dircad.conf, KRAF_* */
	SETTING_REQUEST_DISPOSITION, /* Policy\RequestDisposition: of a stand-alone CA, REQDISP_*;
					with a directory templates say which requests wait */
	SETTING_RECOVERY_CASE,       /* CA\Recovery\RequireCase: 1 hands out keys by a recovery case
					only */
	SETTING_RECOVERY_APPROVER,   /* CA\Recovery\SecondApprover: templates whose keys need one;
					text, see second_approver */
	SETTING_RECOVERY_APPROVE_HOURS, /* CA\Recovery\ApproveHours: how long a case waits for one
					 */
	SETTING_RECOVERY_FETCH_HOURS,   /* CA\Recovery\FetchHours: how long a case is open */
	SETTING_RECOVERY_REVOKE_FIRST,  /* CA\Recovery\RevokeFirst: REVOKE_FIRST_* */
	SETTING_RECOVERY_TELL_OWNER,    /* CA\Recovery\TellOwner: TELL_OWNER_* */
	SETTING_RECOVERY_BATCHES,       /* CA\Recovery\ApproveBatches: 1 takes batches of archived
					   keys back only after a CA administrator approved them */
	SETTING_RECOVERY_DRILL_DAYS,    /* CA\Recovery\DrillDays: how old the last drill of an
					   agent may be; 0: any age, or none */
	SETTING_COUNT
};

/* CA\CRLFlags (docs/FACTS.md 16) */
#define CRLF_REVCHECK_IGNORE_OFFLINE 0x8
#define CRLF_USE_XCHG_CERT_TEMPLATE  0x4000

enum { PROVIDER_SOFTWARE, PROVIDER_TOKEN };

/* Policy\RequestDisposition (docs/FACTS.md 16): what becomes of a new request. */
#define REQDISP_ISSUE        0x1
#define REQDISP_DENY         0x2
#define REQDISP_MASK         0xff  /* 0: it waits */
#define REQDISP_PENDINGFIRST 0x100 /* it waits, whatever the mask says */

/* CA\Recovery\RevokeFirst: of which reasons a certificate is revoked before its key is handed
 * out. */
#define REVOKE_FIRST_COMPROMISED 0x1
#define REVOKE_FIRST_LOST        0x2
/* CA\Recovery\TellOwner */
enum { TELL_OWNER_NEVER, TELL_OWNER_AT_FETCH, TELL_OWNER_AT_OPENING };

enum period {
	PERIOD_XCHG_VALIDITY,
	PERIOD_XCHG_OVERLAP,
	PERIOD_CRL,
	PERIOD_CRL_OVERLAP,
	PERIOD_CRL_DELTA,
	PERIOD_CRL_DELTA_OVERLAP,
	PERIOD_OCSP_VALIDITY,
	PERIOD_VALIDITY,
	PERIOD_COUNT
};

#define SETTING_TEXT_MAX 1024

struct settings {
	int64_t num[SETTING_COUNT];             /* of a word, what it stands for */
	int64_t seconds[PERIOD_COUNT];          /* from the pairs; a month is 30 days, a year 365 */
	enum cms_cipher cipher;                 /* from the two EncryptionCSP settings */
	int xchg_bits;                          /* of an exchange key: struct vault_xchg_wish */
	char second_approver[SETTING_TEXT_MAX]; /* "": none, "*": every template; else their names,
						   with a comma between them */
};

const char *setting_name(enum setting s);
/* Who sets it: a CA administrator; where roles are kept apart an auditor and nobody else; root
 * alone, on the CA's machine; nobody, since it says what is there: it can be given as what it is.
 */
enum setting_owner { SETTING_OF_ADMIN, SETTING_OF_AUDITOR, SETTING_OF_ROOT, SETTING_OF_FACT };
enum setting_owner setting_owner(enum setting s);
/* By its name, without case. False: E_INVALIDARG names those that are like it. */
bool setting_find(const char *name, enum setting *out, struct err *err);
/* Puts what was written into `in`: a number (decimal or 0x), a word, or of the first name of a
 * period both, as "10 Days"; flags as flag_set.h reads them, of those that `in` has. `set` becomes
 * true for each that has a value now. E_INVALIDARG names what can be given. */
bool setting_parse(enum setting s, const char *text, struct settings *in, bool set[SETTING_COUNT],
    struct err *err);
/* To what it is where nobody set it. */
void setting_reset(enum setting s, struct settings *in, bool set[SETTING_COUNT]);
/* Both settings of a period, in the largest unit that fits: no months and years. */
void setting_set_period(
    struct settings *in, enum period p, int64_t seconds, bool set[SETTING_COUNT]);
/* Does a key of this template need a second approver? One that is not known (NULL) does as soon as
 * any does. */
bool settings_need_approver(const struct settings *in, const char *template);
/* Its value as it is written; the caller's. */
char *setting_text(const struct settings *in, enum setting s);

/* Of a CA without a directory that issues what it is asked for, with nobody looking at it. */
bool settings_issue_at_once(const struct settings *s);
/* What root says in dircad.conf. */
void settings_of_root(const struct config *config, struct settings *in);

void settings_default(struct settings *out);
bool settings_load(struct store *store, struct settings *out, struct err *err);
/* Checks the values against each other and derives the rest. */
bool settings_finish(struct settings *s, struct err *err);
/* What archived keys are sealed with at least, by dircad.conf. */
struct archive_floor archive_floor_of_root(const struct config *config);
/* Do they keep to what root demands of archived keys (kra_minimum and that floor), as
 * the vault does? E_ACCESSDENIED names setting and line. */
bool settings_allowed(const struct settings *s, const struct config *config, struct err *err);

#endif
