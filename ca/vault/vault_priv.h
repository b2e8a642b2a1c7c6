/*
 * Inside the vault process: its state, its request table, its checks, its sandbox. Tests and the
 * fuzz target include it. Everything in struct vault_state is loaded before the sandbox closes;
 * what changes afterwards (exchange keys, KRA list) has a lock.
 */
#ifndef VAULT_PRIV_H
#define VAULT_PRIV_H

#include <pthread.h>

#include "ca_issuers.h"
#include "ca_key.h"
#include "checkpoint.h"
#include "journal.h"
#include "key_uri.h"
#include "signed_kras.h"
#include "token_random.h"
#include "trust.h"
#include "vault.h"
#include "vault_budget.h"
#include "vault_opened.h"
#include "vault_wire.h"

/* ---- vault_xchg.c: the exchange keys, and those for importing ---- */
/* What such keys are for. Each kind has a set, names of files and an extended key usage of its own:
 * what is encrypted to a key of the one is never opened as if it were the other's. */
struct vault_xchg_kind {
	const char *prefix;   /* of its files in the vault's folder */
	const char *suffix;   /* of the subject */
	const char *usage;    /* extended key usage, dotted */
	const char *template; /* NULL: none */
};
extern const struct vault_xchg_kind vault_kind_exchange, vault_kind_import;
#define VAULT_XCHG_BITS_MIN 2048 /* of RSA */
#define VAULT_XCHG_BITS_MAX 4096
struct vault_time {
	int64_t now;     /* clock_now, which somebody may set */
	int64_t boot_ms; /* clock_boot_ms, which nobody does */
};
struct vault_time vault_time(void);
struct vault_xchg {
	uint8_t id[VAULT_ID_LEN];
	EVP_PKEY *key;
	EVP_PKEY *
	    *copies; /* one a worker, made at its first use: RSA blinding is then uncontended */
	struct buf certificate; /* DER; empty for a key of a version that kept none */
	int64_t not_after;      /* of the certificate; without one the latest that it can have */
	int64_t lived_ms; /* when it has ended by the boot clock, whatever the other one says */
	struct vault_opened opened;
	bool is_retired; /* opens nothing any more */
};
/* A key that root made on a token and names. It lives longer than its certificates: what it opened
 * is never forgotten, and a copy of the CA knows by xchg-<id>.uri that it was used. */
struct vault_xchg_token {
	const char *uri; /* NULL: none is named */
	bool fallback;   /* where it cannot be used, keys are made as if none were named */
	EVP_PKEY *key;   /* NULL: it cannot be opened */
	uint8_t id[VAULT_ID_LEN];
	struct err why; /* it cannot be used */
};
struct vault_xchgs {
	pthread_mutex_t lock;
	const struct vault_xchg_kind *kind;
	const char *folder;
	const struct secret *passphrase; /* NULL: none */
	size_t workers;
	uint32_t failures_max; /* of a key; then it is retired */
	struct vault_xchg *list;
	size_t count;
	struct vault_xchg_token token;
};
/* Loads every xchg-<id>.key, and .uri, with its certificate. A file that cannot be read is logged
 * and left out. */
bool vault_xchgs_open(struct vault_xchgs *x, const struct vault_xchg_kind *kind, const char *folder,
    const struct secret *passphrase, size_t workers, uint32_t failures_max, struct vault_time t,
    struct err *err);
void vault_xchgs_close(struct vault_xchgs *x);
/* `bits` as in struct vault_xchg_wish. NULL with E_INVALIDARG. */
EVP_PKEY *vault_xchg_generate(int bits, struct err *err);
/* Before the sandbox closes: the key is opened, and why it cannot be used told by the next two. */
void vault_xchgs_name(struct vault_xchgs *x, const char *uri, bool fallback);
void vault_xchgs_provider(struct vault_xchgs *x, struct vault_xchg_provider *out);
/* What the next exchange certificate is for: the token's key that is named, else a new one. NULL:
 * E_INVALIDARG, NTE_PROVIDER_DLL_FAIL; without fallback what keeps the token's key from it. */
EVP_PKEY *vault_xchgs_new_key(struct vault_xchgs *x, int bits, struct err *err);
/* `key`, with which something could not be opened: can it still open what it should? One of a token
 * that cannot is not used any more until the vault starts again: DIRCA_E_XCHG_CERT. */
bool vault_xchgs_look(struct vault_xchgs *x, struct view id, EVP_PKEY *key, struct err *err);
bool vault_xchgs_on_token(const struct vault_xchgs *x); /* any of them */
/* Stores key and certificate; DIRCA_E_TOO_LARGE over VAULT_XCHG_MAX. The next certificate of a
 * token's key takes the place of the last. */
bool vault_xchgs_add(struct vault_xchgs *x, EVP_PKEY *key, const struct pkix_cert *certificate,
    struct vault_time t, struct err *err);
/* Destroys the keys whose certificates have ended some minutes before `t`, by both clocks, and
 * those that are retired, files included; none of a token. A clock that was set ahead since the key
 * was loaded or made, for however long, ends none. */
bool vault_xchgs_purge(struct vault_xchgs *x, struct vault_time t, struct err *err);
/* Is it the name of an exchange key? */
bool vault_xchgs_has(struct vault_xchgs *x, struct view id);
/* The key that `e` is encrypted to, and its certificate; DIRCA_E_XCHG_CERT: none of these. */
bool vault_xchgs_find(struct vault_xchgs *x, const struct cms_enveloped *e,
    uint8_t id[VAULT_ID_LEN], struct pkix_cert *out, struct err *err);
/* Copies of the certificates of keys that are not retired, into list[VAULT_XCHG_MAX]. */
bool vault_xchgs_list(struct vault_xchgs *x, struct buf *list, size_t *count_out, struct err *err);
/* This worker's copy; free with EVP_PKEY_free. DIRCA_E_XCHG_CERT if there is none of that name, or
 * its certificate has ended. */
bool vault_xchgs_get(struct vault_xchgs *x, struct view id, size_t worker, int64_t now,
    EVP_PKEY **out, struct err *err);
/* vault_opened_claim for the key of that name; DIRCA_E_XCHG_CERT if it is retired. */
bool vault_xchgs_claim(struct vault_xchgs *x, struct view id, const uint8_t encrypted_key[32],
    const uint8_t whole[32], struct err *err);
/* It could not be archived; too many such retire the exchange key. */
void vault_xchgs_fail(struct vault_xchgs *x, struct view id, const uint8_t encrypted_key[32]);
/* What was opened reaches the disk. Only the thread that purges may call it. */
bool vault_xchgs_sync(struct vault_xchgs *x, struct err *err);

/* ---- vault_xchg_token.c ---- */
/* Opens the key and sees that it can be one: of the kinds and sizes that exchange keys have, and it
 * decrypts or agrees. SCARD_E_NO_SMARTCARD, DIRCA_E_CONFIG; NTE_BAD_ALGID for another kind of key.
 */
bool vault_token_open(const char *uri, const struct secret *pin, EVP_PKEY **out, struct err *err);
/* A random text encrypted to it comes back, or a secret that is agreed upon. SCARD_E_NO_SMARTCARD.
 */
bool vault_token_proves(EVP_PKEY *key, struct err *err);

/* ---- vault_seed.c: what the token of the CA key adds to the keys of archived keys ---- */
_Static_assert(TOKEN_RANDOM_LEN == CMS_SEED_LEN, "what a token gives is a seed");
struct vault_seed {
	bool wanted;                /* the CA key is a token's */
	struct token_random *token; /* NULL: none, or it gives nothing */
	pthread_mutex_t lock;
	struct err why; /* the last time it gave none; under the lock */
};
/* Of the CA key with that index. Before the sandbox closes; a token that gives nothing is logged,
 * and what needs it is refused. */
void vault_seed_open(struct vault_seed *s, const char *folder, uint32_t key_index, EVP_PKEY *key);
void vault_seed_close(struct vault_seed *s);
/* For one archived key; empty where the CA key is a file. NTE_PROVIDER_DLL_FAIL: the token gives
 * none, and nothing else is taken in its place. */
bool vault_seed_give(struct vault_seed *s, struct secret *out, struct err *err);
/* What keeps the token from it; ERR_OK: nothing. */
void vault_seed_why(struct vault_seed *s, struct err *out);

/* ---- vault_kras.c: whom keys are sealed to ---- */
struct vault_kra {
	struct pkix_cert cert;
	EVP_PKEY *key; /* NULL: it cannot be used, whatever the time is */
	enum cms_reader reader;
};
struct vault_kra_list { /* immutable once published */
	struct vault_kra *list;
	size_t count;
	size_t needed;    /* of them for a key */
	size_t threshold; /* of these to open it; 1: each alone */
	int refs;
};
struct vault_kras {
	pthread_mutex_t lock;
	struct trust_issuers issuers;   /* the control socket's thread alone uses them */
	struct vault_kra_list *current; /* NULL: none yet */
	struct kra_ring ring;
	/* Root's configuration. */
	size_t minimum; /* of them for a key, at least */
	bool by_holder; /* one holder counts once */
	enum cms_reader reader;
};
bool vault_kras_open(struct vault_kras *k, const struct vault_config *config,
    const struct ca_issuers *own, struct err *err);
void vault_kras_close(struct vault_kras *k);
/* Who may have issued the lists that are set from now on: this CA, and these. */
bool vault_kras_issuers(struct vault_kras *k, const struct ca_issuers *own,
    const struct view *others, size_t count, struct err *err);
/* Those that are no usable KRA certificates are logged. `readers`: an octet each. How many are
 * usable at `now`. */
size_t vault_kras_set(struct vault_kras *k, size_t needed, size_t threshold,
    const struct view *certificates, const uint8_t *readers, size_t count, int64_t now);
struct vault_kra_list *vault_kras_get(struct vault_kras *k); /* NULL if none */
/* NULL passes. */
void vault_kras_release(struct vault_kras *k, struct vault_kra_list *list);
/* Those of `list` for one archived key, into kras[KRA_COUNT_MAX], and how many of them open it
 * together; borrowed from it. `named`:
 * SHA-256 hashes, one after the other, of those that the front would use. Errors: see vault_rewrap.
 */
bool vault_kras_choose(struct vault_kras *k, const struct vault_kra_list *list, struct view named,
    int64_t now, struct cms_kra *kras, size_t *count_out, size_t *threshold_out, struct err *err);

/* ---- vault_check_asn1.c, vault_purpose.c: what may be signed. Pure ---- */
struct vault_rules {
	struct view issuer, sig_alg;   /* the CA's name, and AlgorithmIdentifier */
	int64_t not_after;             /* of the CA certificate */
	unsigned kinds;                /* SIGN_KIND_* that root allows */
	struct sign_usages extensions; /* dotted, that root allows beside the CA's own */
};
/* Exactly one DER TBSCertificate (RFC 5280 4.1), version 3, of this issuer and signature algorithm,
 * that does not outlive the CA: E_ACCESSDENIED; and of an allowed kind: vault_check_purpose. Its
 * SubjectPublicKeyInfo is `spki`, unless that is empty. Gives what the journal is to say of it, and
 * the SHA-1 of its key's BIT STRING. */
bool vault_check_certificate(struct view tbs, struct view spki, const struct vault_rules *rules,
    struct journal_entry *entry_out, uint8_t key_id_out[VAULT_ID_LEN], struct err *err);
/* Exactly one DER TBSCertList (RFC 5280 5.1), version 2, with a number. */
bool vault_check_crl(struct view tbs, const struct vault_rules *rules,
    struct journal_entry *entry_out, struct err *err);
/* DER SET OF Attribute (RFC 5652 5.3): contentType id-cct-PKIResponse, or id-data with 311.21.16
 * and a sound KeyRetrieval (retrieval.h); messageDigest; nothing unknown. */
bool vault_check_message(struct view attrs, struct journal_entry *entry_out, struct err *err);
/* Extensions, one after the other in DER, that the CA makes or root names and no others, each once
 * (E_ACCESSDENIED), of an allowed kind (sign_kinds_check). */
bool vault_check_purpose(struct view extensions, const struct vault_rules *rules, struct err *err);
/* The decoded value if `der` is exactly its DER, else NULL. ASN1_item_free. */
ASN1_VALUE *vault_decode_exactly(struct view der, const ASN1_ITEM *item);

/* ---- vault_xchg_cert.c: what certifies an exchange key. Pure, but for the serial number ---- */
struct vault_xchg_offer {
	const struct vault_xchg_kind *kind;
	struct view cdp[VAULT_XCHG_URLS], aia[VAULT_XCHG_URLS]; /* empty: none */
	struct view template_oid;                               /* empty: not known */
	uint32_t template_major, template_minor;
	int64_t life_s;
};
/* TBSCertificate of [MS-WCCE] 3.2.1.4.3.2.15.1 for `key`, issued by `ca` at `now`. E_INVALIDARG for
 * a life, URLs or an OID that are none. */
bool vault_xchg_tbs(const struct vault_xchg_offer *offer, EVP_PKEY *key, const struct pkix_cert *ca,
    struct view sig_alg, int64_t now, struct buf *tbs_out, struct journal_entry *entry_out,
    struct err *err);

struct vault_worker;
/* ---- vault_ocsp.c: the keys by which OCSP is answered ---- */
struct vault_ocsp {
	pthread_mutex_t lock;
	EVP_PKEY *key; /* NULL: none yet. In memory only */
	struct pkix_cert certificate;
	uint8_t key_id[VAULT_ID_LEN];
};
void vault_ocsp_open(struct vault_ocsp *o);
void vault_ocsp_close(struct vault_ocsp *o);
/* Of the CA key at `at`. */
bool vault_ocsp_give(
    struct vault_worker *w, size_t at, struct buf *certificate_out, struct err *err);
bool vault_ocsp_sign(struct vault_worker *w, size_t at, struct view data, struct buf *signature_out,
    struct err *err);
/* Is it the name of one of these keys? */
bool vault_ocsp_has(struct vault_ocsp *o, struct view id);

/* ---- vault_state.c, vault_dispatch.c ---- */
/* One of the CA's keys that sign. */
struct vault_ca_key {
	const struct ca_issuer *issuer; /* its newest certificate */
	EVP_PKEY *key;
	struct vault_rules rules;
	uint8_t key_id[VAULT_ID_LEN]; /* as exchange keys are named */
	struct vault_ocsp ocsp;
};
struct vault_state {
	struct secret passphrase;
	struct ca_issuers issuers;
	struct vault_ca_key *keys; /* the newest first: it signs certificates and messages */
	size_t key_count;
	struct vault_xchgs xchgs, imports;
	struct vault_kras kras;
	struct archive_floor floor;
	bool pkcs8;
	struct vault_seed seed;
	struct signed_kras signed_kras;
	struct journal journal;
	uint64_t newest_crl; /* number, of those that were signed before the start */
	pthread_mutex_t checkpoint_lock;
	uint64_t checkpoint_row;      /* of the last checkpoint; under the lock, as what follows */
	struct checkpoint checkpoint; /* itself */
	bool has_checkpoint;          /* false: only its row is known */
	char *checkpoint_path;
	struct vault_budget budget;
};
/* Reads key, certificate, exchange keys, KRA issuers; opens the journal. */
bool vault_state_open(struct vault_state *s, const struct vault_config *config, struct err *err);
void vault_state_close(struct vault_state *s);

/* One thread's part. `index` < fd_count of the configuration. */
struct vault_worker {
	struct vault_state *state;
	size_t index;
	struct key_signer *signers; /* of each of the CA's keys */
	struct buf request, reply;  /* keep their memory between requests */
};
bool vault_worker_open(
    struct vault_worker *w, struct vault_state *state, size_t index, struct err *err);
void vault_worker_close(struct vault_worker *w);
/* ---- vault_rewrap.c: what is asked before, and counted after a key is opened ---- */
/* Something that is to be opened. */
struct vault_opening {
	struct vault_xchgs *keys; /* of which kind */
	struct view id;           /* which of them */
	struct view payload;
	struct view what_for;  /* it is opened for that alone: public key, or binding */
	struct view by;        /* and for that requester; empty: whoever it is */
	struct view requester; /* whose failures are counted */
	/* What it is for stands inside and is authenticated: each attempt spends itself alone. Else
	 * who caught the encrypted key could not be told from whose it is, and the first attempt
	 * spends it. */
	bool names_itself;
};
/* The requester is not suspended, and the encrypted key was opened for nothing else.
 * *claimed_out: it is written down as opened. */
bool vault_rewrap_claim(struct vault_worker *w, const struct vault_opening *o,
    const struct archive_payload *payload, bool *claimed_out, struct err *err);
/* After DIRCA_E_KEY_NOT_ARCHIVED: counts, and if it was `claimed` answers no sooner than all such
 * since `begun_ns` (vault_rewrap_begin). */
void vault_rewrap_failed(struct vault_worker *w, const struct vault_opening *o,
    const struct archive_payload *payload, bool claimed, int64_t begun_ns);
int64_t vault_rewrap_begin(void);

/* ---- vault_sign.c ---- */
/* Of a certificate of the vault's own making, as the journal has numbers. */
bool vault_new_serial(struct journal_entry *entry, struct err *err);
/* Written down first, then signed: no signature leaves without its record. By the newest of the
 * CA's keys, or by keys[at]. */
bool vault_sign_noted_by(struct vault_worker *w, size_t at, struct journal_entry *entry,
    struct view what, struct buf *signature, struct err *err);
/* A certificate by the newest key; a KRA's is kept (signed_kras.h). */
bool vault_sign_tbs(struct vault_worker *w, struct journal_entry *entry, struct view tbs,
    struct buf *signature, struct buf *certificate, struct err *err);
bool vault_sign_noted(struct vault_worker *w, struct journal_entry *entry, struct view what,
    struct buf *signature, struct err *err);
/* ---- vault_checkpoint.c ---- */
/* Reads what was signed last, behind what the journal tells. */
bool vault_checkpoint_open(struct vault_state *s, const char *folder, struct err *err);
/* Number and hash of a row, and the message that was signed last, into the next one by the newest
 * key (checkpoint.h), and once more the last if `previous` is not that. */
bool vault_checkpoint(struct vault_worker *w, struct view row, struct view hash,
    struct view previous, struct buf *message_out, struct buf *lost_out, struct err *err);
/* ---- vault_generate.c: a key of the vault's own making ---- */
/* `sealing` says to whom and how it is archived. */
bool vault_generate_key(struct vault_worker *w, const struct view *fields,
    struct archive_generate *sealing, struct vault_generated *out, struct err *err);

/* Largest body of a request, 0 with false if there is no such operation on this kind of socket. */
bool vault_request_max(uint8_t op, bool control, uint32_t *max_out);
/* Answers one request into w->reply, with an error frame where it fails. False only without memory.
 */
bool vault_dispatch(
    struct vault_worker *w, uint8_t op, bool control, struct view body, struct err *err);
/* An error frame. */
bool vault_reply_error(struct vault_worker *w, const struct err *reason, struct err *err);

/* ---- vault_sandbox.c ---- */
/* Before the threads: no new privileges, no dumps, memory locked, Landlock on everything but
 * `folder`. `highest_fd`: of those in use. */
bool vault_sandbox_prepare(const char *folder, int highest_fd, struct err *err);
/* After they were started, for all of them: seccomp. `tokens`: a PKCS#11 module works in the
 * process, whose sockets and files are open; it may ask about files and lock them too. */
bool vault_sandbox_close(bool tokens, struct err *err);

#endif
