#include "ocsp_responder.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "ca_priv.h"
#include "clock.h"
#include "extension.h"
#include "log.h"
#include "mem.h"
#include "ocsp.h"
#include "own_openssl.h"

#define KEPT_MAX     8192 /* answers of some 1500 octets */
#define KEPT_DER_MAX 4096

/* The vault's certificate for one CA key. */
struct signer {
	uint32_t key_index;
	struct pkix_cert cert;
	struct buf sig_alg;
	uint8_t key_hash[KEY_ID_LEN];
};

struct kept {
	uint8_t question[SHA256_DIGEST_LENGTH]; /* of the CertID */
	struct ocsp_single said;                /* without its CertID */
	int64_t produced_at, next_update;
	struct buf der; /* empty: nothing is kept here */
};

struct ocsp_responder {
	pthread_mutex_t signer_lock; /* one certificate at a time; guards the next */
	struct signer *signers;
	size_t signer_count;
	pthread_mutex_t kept_lock; /* guards the next */
	struct kept *kept;
};

struct ocsp_responder *
ocsp_responder_new(void)
{
	struct ocsp_responder *r = mem_zero(1, sizeof *r);

	pthread_mutex_init(&r->signer_lock, NULL);
	pthread_mutex_init(&r->kept_lock, NULL);
	r->kept = mem_zero(KEPT_MAX, sizeof *r->kept);
	return r;
}

static void
signer_free(struct signer *s)
{
	pkix_cert_free(&s->cert);
	buf_free(&s->sig_alg);
}

void
ocsp_responder_free(struct ocsp_responder **rp)
{
	struct ocsp_responder *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->signer_count; i++)
		signer_free(&r->signers[i]);
	for (size_t i = 0; i < KEPT_MAX; i++)
		buf_free(&r->kept[i].der);
	free(r->signers);
	free(r->kept);
	pthread_mutex_destroy(&r->signer_lock);
	pthread_mutex_destroy(&r->kept_lock);
	free(r);
}

/* The second half of a life is for whoever is handed it, and for those who are late. */
static bool
is_in_first_half(int64_t since, int64_t until, int64_t now)
{
	return now >= since && now < until - (until - since) / 2;
}

/* ---- who signs ---- */

static bool
make_signer(struct ca *ca, struct vault *v, uint32_t key_index, int64_t now, struct signer *out,
    struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(signer_free) struct signer made = {.key_index = key_index};

	if (!vault_ocsp_certificate(v, key_index, &der, err) ||
	    !pkix_cert_decode(buf_view(&der), &made.cert, err) ||
	    !ext_key_id(made.cert.spki, made.key_hash, err) ||
	    !pkix_public_key(made.cert.spki, &key, err) || !pkix_sig_alg(key, &made.sig_alg, err) ||
	    !add_own_row(ca, buf_view(&der), OWN_OCSP, OWN_ACTOR, now, err))
		return false;
	*out = made;
	made = (struct signer){0};
	return true;
}

/* Its answers must not outlive it; the vault makes another when half of its life is over. */
static bool
is_fresh(const struct signer *s, int64_t now)
{
	return is_in_first_half(s->cert.not_before, s->cert.not_after, now);
}

/* Under the lock. The one of the key, made or renewed if it must be; NULL with err. */
static const struct signer *
find_signer(struct ca *ca, struct vault *v, uint32_t key_index, int64_t now, struct err *err)
{
	struct ocsp_responder *r = ca->state->ocsp;
	struct signer made, *s = r->signers;

	while (s < r->signers + r->signer_count && s->key_index != key_index)
		s++;
	if (s < r->signers + r->signer_count && is_fresh(s, now))
		return s;
	if (!make_signer(ca, v, key_index, now, &made, err))
		return NULL;
	if (s == r->signers + r->signer_count) {
		r->signers = mem_grow(r->signers, r->signer_count, sizeof *r->signers);
		s = &r->signers[r->signer_count++];
	} else {
		signer_free(s);
	}
	*s = made;
	return s;
}

int64_t
ca_ocsp_until(struct ca *ca)
{
	struct ocsp_responder *r = ca->state->ocsp;
	int64_t until = 0;

	pthread_mutex_lock(&r->signer_lock);
	for (size_t i = 0; i < r->signer_count; i++)
		if (r->signers[i].key_index == CA_VERSION_KEY(ca->issuer->version))
			until = r->signers[i].cert.not_after;
	pthread_mutex_unlock(&r->signer_lock);
	return until;
}

/* ---- what is said ---- */

/* The certificate of this CA whose key issued what is asked about; NULL: another CA did. */
static const struct ca_issuer *
issuer_of(const struct ca *ca, const struct ocsp_question *q)
{
	const struct ca_issuers *i = &ca->info.issuers;

	for (size_t at = 0; at < i->count; at++)
		if (ocsp_question_is_of(q, i->list[at].cert.subject, i->list[at].cert.spki))
			return &i->list[at];
	return NULL;
}

/* One of the CA's own, which it signed itself: it is in no row. */
static bool
is_own(const struct ca *ca, struct view serial)
{
	const struct ca_issuers *i = &ca->info.issuers;

	for (size_t at = 0; at < i->count; at++)
		if (view_eq(i->list[at].cert.issuer, i->list[at].cert.subject) &&
		    view_eq(i->list[at].cert.serial, serial))
			return true;
	return false;
}

/* RFC 6960 2.2. */
static const struct ocsp_single never_issued = {
    .status = OCSP_REVOKED, .revoked_when = 0, .reason = CRL_REASON_CERTIFICATE_HOLD};

static bool
find_status(struct ca *ca, const struct ca_issuer *issuer, const struct ocsp_question *q,
    struct ocsp_single *out, struct err *err)
{
	OWNED(own_memory) char *serial = NULL;
	struct store_status row;

	*out = never_issued;
	if (q->serial.len == 0)
		return true;
	serial = pkix_serial_text(q->serial);
	switch (store_status_by_serial(ca->store, serial, &row, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		if (is_own(ca, q->serial))
			*out = (struct ocsp_single){.status = OCSP_GOOD, .reason = -1};
		return true;
	case STORE_FOUND:
		break;
	}
	if (CA_VERSION_KEY(row.issuer_name_id) != CA_VERSION_KEY(issuer->version))
		return true;
	*out = (struct ocsp_single){.status = row.revoked ? OCSP_REVOKED : OCSP_GOOD,
	    .revoked_when = row.revoked_when,
	    .reason = row.reason};
	return true;
}

/* What one request asks, and what is said. */
struct asked {
	struct ocsp_request request;
	struct ocsp_single said[OCSP_QUESTIONS_MAX];
	uint32_t key_index; /* of the CA key that issued all that this CA did */
	bool never_issued;  /* one of them */
};

static void
asked_free(struct asked *a)
{
	ocsp_request_free(&a->request);
}

static bool
is_never_issued(const struct ocsp_single *s)
{
	return s->status == OCSP_REVOKED && s->revoked_when == 0;
}

/* *mixed_out: several CA keys issued what is asked about, and one signs. */
static bool
find_all(struct ca *ca, struct asked *a, bool *mixed_out, struct err *err)
{
	const struct ca_issuer *first = NULL;

	*mixed_out = false;
	for (size_t i = 0; i < a->request.count; i++) {
		const struct ocsp_question *q = &a->request.list[i];
		const struct ca_issuer *issuer = issuer_of(ca, q);

		a->said[i] = (struct ocsp_single){.status = OCSP_UNKNOWN, .reason = -1};
		if (issuer != NULL && !find_status(ca, issuer, q, &a->said[i], err))
			return false;
		if (first == NULL)
			first = issuer;
		*mixed_out = *mixed_out || (issuer != NULL && issuer != first);
		a->said[i].cert_id = q->cert_id;
		a->never_issued = a->never_issued || is_never_issued(&a->said[i]);
	}
	a->key_index = CA_VERSION_KEY(first != NULL ? first->version : ca->issuer->version);
	return true;
}

/* ---- what is kept ---- */

static bool
says_the_same(const struct ocsp_single *a, const struct ocsp_single *b)
{
	return a->status == b->status && a->revoked_when == b->revoked_when &&
	       a->reason == b->reason;
}

static struct kept *
kept_of(struct ocsp_responder *r, const uint8_t question[SHA256_DIGEST_LENGTH])
{
	size_t at = (size_t)question[0] << 8 | question[1];

	return &r->kept[at % KEPT_MAX];
}

static bool
may_be_kept(const struct asked *a)
{
	return a->request.count == 1 && a->request.nonce.len == 0;
}

/* True: it is in `out`. */
static bool
give_kept(struct ca *ca, const struct asked *a, int64_t now, struct ocsp_answer *out)
{
	struct ocsp_responder *r = ca->state->ocsp;
	uint8_t question[SHA256_DIGEST_LENGTH];
	struct kept *k;
	struct err ignored;
	bool given;

	if (!may_be_kept(a))
		return false;
	SHA256(a->said[0].cert_id.ptr, a->said[0].cert_id.len, question);
	pthread_mutex_lock(&r->kept_lock);
	k = kept_of(r, question);
	given = k->der.len > 0 && memcmp(k->question, question, sizeof question) == 0 &&
		says_the_same(&k->said, &a->said[0]) &&
		is_in_first_half(k->produced_at, k->next_update, now) &&
		buf_dup(buf_view(&k->der), &out->der, &ignored);
	if (given) {
		out->kind = OCSP_KIND_KEPT;
		out->may_be_kept = true;
		out->produced_at = k->produced_at;
		out->next_update = k->next_update;
	}
	pthread_mutex_unlock(&r->kept_lock);
	return given;
}

static void
keep(struct ca *ca, const struct asked *a, const struct ocsp_answer *answer)
{
	struct ocsp_responder *r = ca->state->ocsp;
	struct kept new = {.said = a->said[0],
	    .produced_at = answer->produced_at,
	    .next_update = answer->next_update};
	struct kept *k;
	struct err ignored;

	new.said.cert_id = (struct view){0};
	SHA256(a->said[0].cert_id.ptr, a->said[0].cert_id.len, new.question);
	if (answer->der.len > KEPT_DER_MAX || !buf_dup(buf_view(&answer->der), &new.der, &ignored))
		return;
	pthread_mutex_lock(&r->kept_lock);
	k = kept_of(r, new.question);
	buf_free(&k->der);
	*k = new;
	pthread_mutex_unlock(&r->kept_lock);
}

/* ---- answers ---- */

static void
fail(struct ocsp_answer *out, int status)
{
	uint8_t der[OCSP_FAILURE_LEN];
	struct err ignored;

	ocsp_failure(status, der);
	*out = (struct ocsp_answer){.kind = OCSP_KIND_FAILURE};
	(void)buf_dup(view_of(der, sizeof der), &out->der, &ignored);
}

static bool
sign_by(const struct signer *s, struct vault *v, const struct asked *a, struct ocsp_answer *out,
    struct err *err)
{
	struct ocsp_data data = {.produced_at = out->produced_at,
	    .next_update = out->next_update,
	    .list = a->said,
	    .count = a->request.count,
	    .nonce = a->request.nonce,
	    .extended_revoke = a->never_issued};
	OWNED(buf_free) struct buf tbs = {0};
	OWNED(buf_free) struct buf signature = {0};

	memcpy(data.key_hash, s->key_hash, sizeof data.key_hash);
	return ocsp_data_encode(&data, &tbs, err) &&
	       vault_sign_ocsp(v, a->key_index, buf_view(&tbs), &signature, err) &&
	       ocsp_response_wrap(buf_view(&tbs), buf_view(&s->sig_alg), buf_view(&signature),
		   buf_view(&s->cert.raw), &out->der, err);
}

/* Under the signer's lock, so that the vault's key is the one that the certificate is of. */
static bool
sign_answer(struct ca *ca, struct vault *v, const struct asked *a, int64_t now, int64_t validity,
    struct ocsp_answer *out, struct err *err)
{
	struct ocsp_responder *r = ca->state->ocsp;
	const struct signer *s;
	bool ok;

	out->kind = OCSP_KIND_SIGNED;
	out->produced_at = now;
	out->next_update = now + validity;
	pthread_mutex_lock(&r->signer_lock);
	s = find_signer(ca, v, a->key_index, now, err);
	if (s != NULL && out->next_update > s->cert.not_after)
		out->next_update = s->cert.not_after;
	ok = s != NULL && sign_by(s, v, a, out, err);
	pthread_mutex_unlock(&r->signer_lock);
	return ok;
}

static bool
answer(struct ca *ca, struct vault *v, struct asked *a, int64_t now, int64_t validity,
    struct ocsp_answer *out, struct err *err)
{
	bool mixed;

	if (!find_all(ca, a, &mixed, err))
		return false;
	if (mixed) {
		fail(out, OCSP_RESPONSE_STATUS_UNAUTHORIZED);
		return true;
	}
	if (give_kept(ca, a, now, out))
		return true;
	if (!sign_answer(ca, v, a, now, validity, out, err))
		return false;
	out->may_be_kept = may_be_kept(a);
	if (out->may_be_kept)
		keep(ca, a, out);
	return true;
}

void
ca_ocsp_answer(struct ca *ca, struct vault *v, const struct ca_view *view, struct view request,
    int64_t now, struct ocsp_answer *out)
{
	OWNED(asked_free) struct asked a = {0};
	struct err err;

	*out = (struct ocsp_answer){0};
	if (!ocsp_request_decode(request, &a.request, &err)) {
		fail(out, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
		return;
	}
	if (answer(ca, v, &a, now, view->settings.seconds[PERIOD_OCSP_VALIDITY], out, &err))
		return;
	log_error("OCSP request not answered", LOG_REASON(&err));
	buf_free(&out->der);
	fail(out, OCSP_RESPONSE_STATUS_INTERNALERROR);
}
