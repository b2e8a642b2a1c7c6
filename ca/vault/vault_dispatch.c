/* The table of requests, and their handlers. A handler is given exactly the number of fields that
 * its row demands. */
#include "vault_priv.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "bytes.h"
#include "clock.h"
#include "key_uri.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"

#define ISSUE_TBS_MAX (64 << 10)

struct vault_request {
	bool (*handle)(
	    struct vault_worker *w, const struct view *fields, size_t count, struct err *err);
	size_t fields_min, fields_max;
	uint32_t size_max;
	bool control;
};

static bool
reply_field(struct vault_worker *w, struct view field, struct err *err)
{
	return wire_field(&w->reply, field, err);
}

static bool
handle_info(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	const struct ca_issuers *issuers = &w->state->issuers;
	uint64_t records;
	bool ok;

	(void)fields;
	(void)count;
	ok = journal_length(&w->state->journal, &records, err) &&
	     wire_field_u64(&w->reply, records, err) &&
	     wire_field_u64(&w->reply, w->state->newest_crl, err);
	for (size_t i = 0; ok && i < issuers->count; i++)
		ok = reply_field(w, buf_view(&issuers->list[i].cert.raw), err);
	return ok;
}

static bool
reply_signature(
    struct vault_worker *w, struct journal_entry *entry, struct view what, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};

	return vault_sign_noted(w, entry, what, &signature, err) &&
	       reply_field(w, buf_view(&signature), err);
}

/* None of the CA's keys and no exchange key gets a certificate for something else. */
static bool
check_key(struct vault_worker *w, const uint8_t key_id[VAULT_ID_LEN], struct err *err)
{
	struct view id = view_of(key_id, VAULT_ID_LEN);
	bool is_own =
	    vault_xchgs_has(&w->state->xchgs, id) || vault_xchgs_has(&w->state->imports, id);

	for (size_t i = 0; i < w->state->key_count; i++)
		is_own = is_own || view_eq(id, view_of(w->state->keys[i].key_id, VAULT_ID_LEN)) ||
			 vault_ocsp_has(&w->state->keys[i].ocsp, id);
	return !is_own ||
	       err_set(err, E_ACCESSDENIED,
		   "the vault does not sign this certificate: its public key is one of the vault's "
		   "own");
}

/* The CA key with that index, u32. */
static bool
find_key(const struct vault_state *s, struct view field, size_t *at_out, struct err *err)
{
	uint32_t index;

	if (!wire_u32(field, &index))
		return err_set(err, E_INVALIDARG, "the index of a CA key is not a number");
	for (*at_out = 0; *at_out < s->key_count; (*at_out)++)
		if (CA_VERSION_KEY(s->keys[*at_out].issuer->version) == index)
			return true;
	return err_set(err, CRYPT_E_NOT_FOUND,
	    "the vault has no CA key %u, or its last certificate had ended when the vault started",
	    index);
}

static bool
handle_sign_crl(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};
	struct journal_entry entry;
	size_t at;

	(void)count;
	return find_key(w->state, fields[0], &at, err) &&
	       vault_check_crl(fields[1], &w->state->keys[at].rules, &entry, err) &&
	       vault_sign_noted_by(w, at, &entry, fields[1], &signature, err) &&
	       reply_field(w, buf_view(&signature), err);
}

static bool
handle_ocsp_certificate(
    struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	OWNED(buf_free) struct buf certificate = {0};
	size_t at;

	(void)count;
	return find_key(w->state, fields[0], &at, err) &&
	       vault_ocsp_give(w, at, &certificate, err) &&
	       reply_field(w, buf_view(&certificate), err);
}

/* Not in the journal: the CA key signs nothing, and there are thousands a second. */
static bool
handle_sign_ocsp(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};
	size_t at;

	(void)count;
	return find_key(w->state, fields[0], &at, err) &&
	       vault_ocsp_sign(w, at, fields[1], &signature, err) &&
	       reply_field(w, buf_view(&signature), err);
}

static bool
handle_sign_message(
    struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct journal_entry entry;

	(void)count;
	return vault_check_message(fields[0], &entry, err) &&
	       reply_signature(w, &entry, fields[0], err);
}

/* Certificate of `key`, signed. */
static bool
certify_xchg(struct vault_worker *w, const struct vault_xchg_offer *offer, EVP_PKEY *key,
    struct buf *certificate_out, struct err *err)
{
	const struct vault_ca_key *newest = &w->state->keys[0];
	struct view sig_alg = newest->rules.sig_alg;
	OWNED(buf_free) struct buf tbs = {0};
	OWNED(buf_free) struct buf signature = {0};
	struct journal_entry entry;

	return vault_xchg_tbs(
		   offer, key, &newest->issuer->cert, sig_alg, clock_now(), &tbs, &entry, err) &&
	       vault_sign_noted(w, &entry, buf_view(&tbs), &signature, err) &&
	       pkix_signed_wrap(
		   buf_view(&tbs), sig_alg, buf_view(&signature), certificate_out, err);
}

static bool
make_xchg(struct vault_worker *w, struct vault_xchgs *keys, uint32_t bits,
    const struct vault_xchg_offer *offer, struct buf *certificate_out, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = vault_xchgs_new_key(keys, (int)bits, err);
	OWNED(pkix_cert_free) struct pkix_cert certificate = {0};

	return key != NULL && certify_xchg(w, offer, key, certificate_out, err) &&
	       pkix_cert_decode(buf_view(certificate_out), &certificate, err) &&
	       vault_xchgs_add(keys, key, &certificate, vault_time(), err);
}

static bool
create(struct vault_worker *w, struct vault_xchgs *keys, const struct view *fields, struct err *err)
{
	struct vault_xchg_offer offer = {.kind = keys->kind};
	OWNED(buf_free) struct buf certificate = {0};
	uint32_t wanted, life_s;

	if (!wire_u32(fields[XCHG_BITS], &wanted) || wanted > INT32_MAX ||
	    !wire_u32(fields[XCHG_LIFE], &life_s))
		return err_set(
		    err, E_INVALIDARG, "the size or the life of an exchange key is not a number");
	if (!wire_u32(fields[XCHG_MAJOR], &offer.template_major) ||
	    !wire_u32(fields[XCHG_MINOR], &offer.template_minor))
		return err_set(err, E_INVALIDARG, "the version of a template is not a number");
	offer.life_s = life_s;
	offer.template_oid = fields[XCHG_TEMPLATE];
	for (size_t i = 0; i < VAULT_XCHG_URLS; i++) {
		offer.cdp[i] = fields[XCHG_CDP + i];
		offer.aia[i] = fields[XCHG_AIA + i];
	}
	return make_xchg(w, keys, wanted, &offer, &certificate, err) &&
	       reply_field(w, buf_view(&certificate), err);
}

static bool
handle_xchg_create(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	(void)count;
	return create(w, &w->state->xchgs, fields, err);
}

static bool
handle_import_create(
    struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	(void)count;
	return create(w, &w->state->imports, fields, err);
}

static bool
list(struct vault_worker *w, struct vault_xchgs *keys, struct err *err)
{
	struct buf certificates[VAULT_XCHG_MAX];
	size_t count;
	bool ok = vault_xchgs_list(keys, certificates, &count, err);

	for (size_t i = 0; ok && i < count; i++)
		ok = reply_field(w, buf_view(&certificates[i]), err);
	while (count > 0)
		buf_free(&certificates[--count]);
	return ok;
}

static bool
handle_xchg_list(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	(void)fields, (void)count;
	return list(w, &w->state->xchgs, err);
}

static bool
handle_import_list(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	(void)fields, (void)count;
	return list(w, &w->state->imports, err);
}

static bool
handle_xchg_provider(
    struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct vault_xchg_provider p;
	uint8_t flags[2];

	(void)fields, (void)count;
	vault_xchgs_provider(&w->state->xchgs, &p);
	vault_seed_why(&w->state->seed, &p.no_seed);
	flags[0] = p.named;
	flags[1] = p.fallback;
	return reply_field(w, view_of(flags, sizeof flags), err) &&
	       reply_field(w, view_of(p.id, p.usable ? sizeof p.id : 0), err) &&
	       wire_field_u32(&w->reply, (uint32_t)p.why.code, err) &&
	       reply_field(w, view_str(p.why.msg), err) &&
	       wire_field_u32(&w->reply, (uint32_t)p.no_seed.code, err) &&
	       reply_field(w, view_str(p.no_seed.msg), err);
}

static bool
read_cipher(const struct vault_state *s, struct view field, enum cms_cipher *out, struct err *err)
{
	uint8_t cipher;

	if (field.len != 1 || !bytes_get_u8(&field, &cipher) || cipher > CMS_3DES_CBC)
		return err_set(err, E_INVALIDARG, "the cipher for an archived key is unknown");
	*out = (enum cms_cipher)cipher;
	return archive_floor_allows(&s->floor, *out, err);
}

static bool
handle_rewrap(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct vault_kra_list *list = vault_kras_get(&w->state->kras);
	struct cms_kra kras[KRA_COUNT_MAX];
	struct archive_payload payload = {0};
	OWNED(secret_free) struct secret seed = {0};
	struct archive_rewrap in = {.payload = &payload,
	    .spki = fields[REWRAP_SPKI],
	    .pkcs8 = w->state->pkcs8,
	    .kras = kras};
	const struct vault_opening opening = {.keys = &w->state->xchgs,
	    .id = fields[REWRAP_XCHG_ID],
	    .payload = fields[REWRAP_PAYLOAD],
	    .what_for = fields[REWRAP_SPKI],
	    .by = fields[REWRAP_REQUESTER],
	    .requester = fields[REWRAP_REQUESTER]};
	struct buf archived = {0};
	int64_t begun = vault_rewrap_begin();
	bool ok, claimed = false;

	(void)count;
	ok = read_cipher(w->state, fields[REWRAP_CIPHER], &in.cipher, err) &&
	     vault_kras_choose(&w->state->kras, list, fields[REWRAP_KRAS], clock_now(), kras,
		 &in.kra_count, &in.threshold, err) &&
	     vault_xchgs_get(&w->state->xchgs, fields[REWRAP_XCHG_ID], w->index, clock_now(),
		 &in.xchg_key, err) &&
	     archive_payload_read(fields[REWRAP_PAYLOAD], fields[REWRAP_ISSUER],
		 fields[REWRAP_SERIAL], in.xchg_key, &payload, err) &&
	     vault_seed_give(&w->state->seed, &seed, err) &&
	     vault_rewrap_claim(w, &opening, &payload, &claimed, err);
	in.seed = secret_view(&seed);
	ok = ok && archive_rewrap(&in, &archived, err) && reply_field(w, buf_view(&archived), err);
	/* It is nobody's fault where the token went away. */
	if (!ok && err->code == DIRCA_E_KEY_NOT_ARCHIVED &&
	    vault_xchgs_look(&w->state->xchgs, fields[REWRAP_XCHG_ID], in.xchg_key, err))
		vault_rewrap_failed(w, &opening, &payload, claimed, begun);
	EVP_PKEY_free(in.xchg_key);
	archive_payload_free(&payload);
	buf_free(&archived);
	vault_kras_release(&w->state->kras, list);
	return ok;
}

/* A CMC response that tells of `certificate`: `before`, its SHA-1 and `after` are the content. */
static bool
reply_response(struct vault_worker *w, struct view before, struct view certificate,
    struct view after, struct err *err)
{
	OWNED(buf_free) struct buf content = {0}, attrs = {0};
	struct cms_sign message = {
	    .content_oid = oid_dotted(OID_CT_PKI_RESPONSE), .digest = w->signers[0].digest};
	struct journal_entry entry = {.kind = JOURNAL_RESPONSE};
	uint8_t sha1[SHA_DIGEST_LENGTH];

	if (!cms_digest_of(NID_sha1, certificate, sha1, err) ||
	    !buf_append(&content, before, err) ||
	    !buf_append(&content, view_of(sha1, sizeof sha1), err) ||
	    !buf_append(&content, after, err))
		return false;
	message.content = buf_view(&content);
	return cms_sign_attrs(&message, &attrs, err) && reply_field(w, buf_view(&attrs), err) &&
	       reply_signature(w, &entry, buf_view(&attrs), err);
}

/* What one request leads to, in one act. Nothing is opened for a certificate that is not signed,
 * and nothing signed where the key is not archived. */
static bool
handle_issue(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct view tbs = fields[ISSUE_TBS], before = fields[ISSUE_BEFORE],
		    after = fields[ISSUE_AFTER], spki = {0};
	OWNED(buf_free) struct buf signature = {0}, certificate = {0};
	uint8_t key_id[VAULT_ID_LEN];
	struct journal_entry entry;

	if (count != ISSUE_FIELDS && count != ISSUE_FIELDS + REWRAP_FIELDS)
		return err_set(err, ERROR_INVALID_DATA,
		    "a vault request to issue with a part of what archives a key");
	if (tbs.len > ISSUE_TBS_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "a certificate of %zu bytes; the vault signs at most %d", tbs.len,
		    ISSUE_TBS_MAX);
	if (count > ISSUE_FIELDS)
		spki = fields[ISSUE_FIELDS + REWRAP_SPKI];
	return vault_check_certificate(tbs, spki, &w->state->keys[0].rules, &entry, key_id, err) &&
	       check_key(w, key_id, err) &&
	       (count == ISSUE_FIELDS ||
		   handle_rewrap(w, fields + ISSUE_FIELDS, REWRAP_FIELDS, err)) &&
	       vault_sign_tbs(w, &entry, tbs, &signature, &certificate, err) &&
	       reply_field(w, buf_view(&signature), err) &&
	       (before.len + after.len == 0 ||
		   reply_response(w, before, buf_view(&certificate), after, err));
}

/* The import key that a payload is encrypted to, and the payload. */
static bool
read_import(struct vault_worker *w, struct view payload, uint8_t id[VAULT_ID_LEN], EVP_PKEY **key,
    struct archive_payload *out, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped envelope = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct vault_xchgs *keys = &w->state->imports;

	return cms_sealed_decode(payload, &envelope, err) &&
	       vault_xchgs_find(keys, &envelope, id, &cert, err) &&
	       vault_xchgs_get(keys, view_of(id, VAULT_ID_LEN), w->index, clock_now(), key, err) &&
	       archive_import_read(payload, cert.issuer, cert.serial, *key, out, err);
}

/* As handle_rewrap, but for a certificate that is there already, whoever issued it: the key must be
 * that certificate's, and was brought for it alone. */
static bool
handle_import(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct vault_kra_list *agents = vault_kras_get(&w->state->kras);
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(archive_payload_free) struct archive_payload payload = {0};
	OWNED(buf_free) struct buf archived = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(secret_free) struct secret seed = {0};
	uint8_t id[VAULT_ID_LEN], binding[ARCHIVE_BINDING];
	struct cms_kra kras[KRA_COUNT_MAX];
	struct archive_rewrap in = {.payload = &payload, .binding = binding, .kras = kras};
	const struct vault_opening opening = {.keys = &w->state->imports,
	    .id = view_of(id, sizeof id),
	    .payload = fields[IMPORT_PAYLOAD],
	    .what_for = view_of(binding, sizeof binding),
	    .requester = fields[IMPORT_REQUESTER],
	    .names_itself = true};
	int64_t begun = vault_rewrap_begin();
	bool ok, claimed = false;

	(void)count;
	ok =
	    read_cipher(w->state, fields[IMPORT_CIPHER], &in.cipher, err) &&
	    vault_kras_choose(&w->state->kras, agents, fields[IMPORT_KRAS], clock_now(), kras,
		&in.kra_count, &in.threshold, err) &&
	    pkix_cert_decode(fields[IMPORT_CERTIFICATE], &cert, err) &&
	    archive_import_binding(fields[IMPORT_CERTIFICATE], fields[IMPORT_USER], binding, err) &&
	    read_import(w, fields[IMPORT_PAYLOAD], id, &key, &payload, err) &&
	    vault_seed_give(&w->state->seed, &seed, err) &&
	    vault_rewrap_claim(w, &opening, &payload, &claimed, err);
	if (ok) {
		in.spki = cert.spki;
		in.xchg_key = key;
		in.seed = secret_view(&seed);
		ok =
		    archive_rewrap(&in, &archived, err) && reply_field(w, buf_view(&archived), err);
	}
	if (!ok && err->code == DIRCA_E_KEY_NOT_ARCHIVED)
		vault_rewrap_failed(w, &opening, &payload, claimed, begun);
	vault_kras_release(&w->state->kras, agents);
	return ok;
}

static bool
reply_generated(struct vault_worker *w, const struct vault_generated *g, struct err *err)
{
	return reply_field(w, buf_view(&g->certificate), err) &&
	       reply_field(w, buf_view(&g->archived), err) &&
	       reply_field(w, buf_view(&g->delivered), err);
}

static bool
handle_generate(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct vault_kra_list *list = vault_kras_get(&w->state->kras);
	struct cms_kra kras[KRA_COUNT_MAX];
	struct archive_generate sealing = {.kras = kras};
	OWNED(vault_generated_free) struct vault_generated made = {0};
	OWNED(secret_free) struct secret seed = {0};
	bool ok;

	(void)count;
	ok = read_cipher(w->state, fields[GENERATE_CIPHER], &sealing.cipher, err) &&
	     vault_kras_choose(&w->state->kras, list, fields[GENERATE_KRAS], clock_now(), kras,
		 &sealing.kra_count, &sealing.threshold, err) &&
	     vault_seed_give(&w->state->seed, &seed, err);
	sealing.seed = secret_view(&seed);
	ok = ok && vault_generate_key(w, fields, &sealing, &made, err) &&
	     reply_generated(w, &made, err);
	vault_kras_release(&w->state->kras, list);
	return ok;
}

_Static_assert(KRA_ENABLED_MAX *(KRA_CERT_MAX + 5) + 16 <= WIRE_REPLY_MAX &&
		   KRAS_CERTIFICATES + KRA_ENABLED_MAX <= WIRE_FIELDS_MAX,
    "what is taken as a list of KRAs can be told");

static bool
has_unknown_reader(struct view readers)
{
	for (size_t i = 0; i < readers.len; i++)
		if (readers.ptr[i] > CMS_READER_GCM)
			return true;
	return false;
}

static bool
handle_set_kras(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct view readers = fields[KRAS_READERS];
	uint32_t needed, threshold;

	for (size_t i = KRAS_CERTIFICATES; i < count; i++)
		if (fields[i].len > KRA_CERT_MAX)
			return err_set(err, E_INVALIDARG,
			    "a KRA certificate of %zu octets; at most %d are taken", fields[i].len,
			    KRA_CERT_MAX);

	if (!wire_u32(fields[KRAS_COUNT], &needed) || needed > KRA_COUNT_MAX)
		return err_set(err, E_INVALIDARG,
		    "an archived key is sealed to at most %d key recovery agents", KRA_COUNT_MAX);
	if (!wire_u32(fields[KRAS_THRESHOLD], &threshold) || threshold < 1 ||
	    threshold > (needed > 0 ? needed : 1))
		return err_set(err, E_INVALIDARG,
		    "an archived key cannot be opened by %u of %u key recovery agents",
		    (unsigned)threshold, (unsigned)needed);
	count -= KRAS_CERTIFICATES;
	if (readers.len != count || has_unknown_reader(readers))
		return err_set(err, E_INVALIDARG, "what the agents can read is unknown");
	return wire_field_u32(&w->reply,
	    (uint32_t)vault_kras_set(&w->state->kras, needed, threshold, fields + KRAS_CERTIFICATES,
		readers.ptr, count, clock_now()),
	    err);
}

static bool
handle_set_kra_issuers(
    struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	return vault_kras_issuers(&w->state->kras, &w->state->issuers, fields, count, err);
}

static bool
handle_kras(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	struct vault_kra_list *list = vault_kras_get(&w->state->kras);
	uint8_t readers[KRA_ENABLED_MAX];
	size_t kras = list != NULL ? list->count : 0;
	bool ok;

	(void)fields, (void)count;
	for (size_t i = 0; i < kras; i++)
		readers[i] = (uint8_t)list->list[i].reader;
	ok = wire_field_u32(&w->reply, list != NULL ? (uint32_t)list->needed : 0, err) &&
	     wire_field_u32(&w->reply, list != NULL ? (uint32_t)list->threshold : 1, err) &&
	     reply_field(w, view_of(readers, kras), err);
	for (size_t i = 0; ok && i < kras; i++)
		ok = reply_field(w, buf_view(&list->list[i].cert.raw), err);
	vault_kras_release(&w->state->kras, list);
	return ok;
}

static bool
handle_ping(struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	(void)w, (void)fields, (void)count, (void)err;
	return true;
}

static bool
handle_sign_checkpoint(
    struct vault_worker *w, const struct view *fields, size_t count, struct err *err)
{
	OWNED(buf_free) struct buf message = {0};
	OWNED(buf_free) struct buf lost = {0};

	(void)count;
	return vault_checkpoint(w, fields[0], fields[1], fields[2], &message, &lost, err) &&
	       reply_field(w, buf_view(&message), err) && reply_field(w, buf_view(&lost), err);
}

static const struct vault_request requests[] = {
    [VAULT_OP_INFO] = {handle_info, 0, 0, 0, false},
    [VAULT_OP_ISSUE] = {handle_issue, ISSUE_FIELDS, ISSUE_FIELDS + REWRAP_FIELDS, 256 << 10, false},
    [VAULT_OP_SIGN_CRL] = {handle_sign_crl, 2, 2, PKIX_CRL_MAX + 12, false},
    [VAULT_OP_SIGN_MESSAGE] = {handle_sign_message, 1, 1, 4 << 10, false},
    [VAULT_OP_XCHG_CREATE] = {handle_xchg_create, XCHG_FIELDS, XCHG_FIELDS, 8 << 10, false},
    [VAULT_OP_XCHG_LIST] = {handle_xchg_list, 0, 0, 0, false},
    [VAULT_OP_XCHG_PROVIDER] = {handle_xchg_provider, 0, 0, 0, false},
    [VAULT_OP_REWRAP] = {handle_rewrap, REWRAP_FIELDS, REWRAP_FIELDS, 128 << 10, false},
    [VAULT_OP_IMPORT_CREATE] = {handle_import_create, XCHG_FIELDS, XCHG_FIELDS, 8 << 10, false},
    [VAULT_OP_IMPORT_LIST] = {handle_import_list, 0, 0, 0, false},
    [VAULT_OP_IMPORT] = {handle_import, IMPORT_FIELDS, IMPORT_FIELDS, 128 << 10, false},
    [VAULT_OP_GENERATE] = {handle_generate, GENERATE_FIELDS, GENERATE_FIELDS, 128 << 10, false},
    [VAULT_OP_SIGN_CHECKPOINT] = {handle_sign_checkpoint, 3, 3, 64 << 10, false},
    /* No larger than the answer that repeats it to the front. */
    [VAULT_OP_SET_KRAS] = {handle_set_kras, KRAS_CERTIFICATES, KRAS_CERTIFICATES + KRA_ENABLED_MAX,
	WIRE_REPLY_MAX, true},
    [VAULT_OP_SET_KRA_ISSUERS] = {handle_set_kra_issuers, 0, WIRE_FIELDS_MAX, WIRE_REPLY_MAX, true},
    [VAULT_OP_KRAS] = {handle_kras, 0, 0, 0, false},
    [VAULT_OP_OCSP_CERTIFICATE] = {handle_ocsp_certificate, 1, 1, 16, false},
    [VAULT_OP_SIGN_OCSP] = {handle_sign_ocsp, 2, 2, 16 << 10, false},
    [VAULT_OP_PING] = {handle_ping, 0, 0, 0, true},
};

static const struct vault_request *
find_request(uint8_t op, bool control)
{
	if (op >= COUNT_OF(requests) || requests[op].handle == NULL ||
	    requests[op].control != control)
		return NULL;
	return &requests[op];
}

bool
vault_request_max(uint8_t op, bool control, uint32_t *max_out)
{
	const struct vault_request *r = find_request(op, control);

	*max_out = r != NULL ? r->size_max : 0;
	return r != NULL;
}

bool
vault_reply_error(struct vault_worker *w, const struct err *reason, struct err *err)
{
	return wire_begin(&w->reply, VAULT_STATUS_ERROR, err) &&
	       wire_field_u32(&w->reply, (uint32_t)reason->code, err) &&
	       wire_field(&w->reply, view_str(reason->msg), err);
}

static bool
answer(struct vault_worker *w, uint8_t op, bool control, struct view body, struct err *err)
{
	const struct vault_request *r = find_request(op, control);
	struct view fields[WIRE_FIELDS_MAX];
	size_t count;

	if (r == NULL)
		return err_set(
		    err, E_INVALIDARG, "the vault has no operation %u on this socket", op);
	if (body.len > r->size_max)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "a vault request of %zu bytes; operation %u takes at most %u", body.len, op,
		    (unsigned)r->size_max);
	if (!wire_split(body, fields, r->fields_max, &count, err))
		return false;
	if (count < r->fields_min)
		return err_set(err, ERROR_INVALID_DATA,
		    "a vault request with %zu fields instead of %zu", count, r->fields_min);
	return wire_begin(&w->reply, VAULT_STATUS_OK, err) && r->handle(w, fields, count, err);
}

bool
vault_dispatch(struct vault_worker *w, uint8_t op, bool control, struct view body, struct err *err)
{
	struct err reason;

	return answer(w, op, control, body, &reason) || vault_reply_error(w, &reason, err);
}

/* A copy for each thread: RSA blinding is then without locks. One that a token keeps has no copy.
 */
static bool
open_signer(const struct vault_ca_key *k, struct key_signer *out, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *own = NULL;

	if (key_is_on_token(k->key))
		return key_signer_open(k->key, out, err);
	own = EVP_PKEY_dup(k->key);

	if (own == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "the CA key could not be copied");
	return key_signer_open(own, out, err);
}

bool
vault_worker_open(struct vault_worker *w, struct vault_state *state, size_t index, struct err *err)
{
	*w = (struct vault_worker){.state = state,
	    .index = index,
	    .signers = mem_zero(state->key_count, sizeof *w->signers)};
	for (size_t i = 0; i < state->key_count; i++)
		if (!open_signer(&state->keys[i], &w->signers[i], err))
			return false;
	return true;
}

void
vault_worker_close(struct vault_worker *w)
{
	for (size_t i = 0; w->signers != NULL && i < w->state->key_count; i++)
		key_signer_close(&w->signers[i]);
	free(w->signers);
	w->signers = NULL;
	buf_free(&w->request);
	buf_free(&w->reply);
}
