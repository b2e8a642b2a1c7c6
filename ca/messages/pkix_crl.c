/*
 * A CRL is made in one buffer: room for what stands before the entries, the entries one by one,
 * then what follows them, so that one of a million entries costs its own size and no more.
 */
#include "pkix_priv.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "der_read.h"
#include "extension.h"

#define REASON_NONE    (-1)
#define REASON_HIGHEST 10
#define MAX_KEY_ID_LEN 64
#define HEADER_MAX     6  /* of a SEQUENCE that fits into PKIX_CRL_MAX */
#define ENTRY_MAX      64 /* of one revoked certificate */
#define ENTRY_HEADER   2  /* of its SEQUENCE */
#define DAY_S          86400

static bool
push_more(STACK_OF(X509_EXTENSION) * list, const STACK_OF(X509_EXTENSION) * more, struct err *err)
{
	for (int i = 0; more != NULL && i < sk_X509_EXTENSION_num(more); i++)
		if (X509v3_add_ext(&list, sk_X509_EXTENSION_value(more, i), -1) == NULL)
			return err_nomem(err);
	return true;
}

static bool
push_extensions(STACK_OF(X509_EXTENSION) * list, const struct pkix_crl_head *head, struct err *err)
{
	if (head->authority_key_id.len > MAX_KEY_ID_LEN)
		return err_set(err, E_INVALIDARG, "CRL: an authority key identifier of %zu bytes",
		    head->authority_key_id.len);
	return (head->authority_key_id.len == 0 ||
		   ext_push_aki(list, head->authority_key_id, err)) &&
	       ext_push_crl_number(list, head->number, err) && push_more(list, head->more, err);
}

/* ---- one entry, in at most ENTRY_MAX octets ---- */

struct entry {
	uint8_t octets[ENTRY_MAX];
	size_t len;
};

static void
put(struct entry *e, const void *octets, size_t len)
{
	memcpy(e->octets + e->len, octets, len);
	e->len += len;
}

static void
put_header(struct entry *e, uint8_t tag, size_t len)
{
	put(e, (const uint8_t[]){tag, (uint8_t)len}, 2);
}

static bool
put_number(struct entry *e, struct view serial, struct err *err)
{
	bool sign;

	if (!pkix_check_serial(serial, err))
		return false;
	while (serial.len > 0 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	sign = (serial.ptr[0] & 0x80) != 0;
	put_header(e, V_ASN1_INTEGER, serial.len + sign);
	if (sign)
		put(e, "", 1);
	put(e, serial.ptr, serial.len);
	return true;
}

static void
put_two_digits(char *at, int64_t number)
{
	at[0] = (char)('0' + number / 10);
	at[1] = (char)('0' + number % 10);
}

/* A day's text is made once for all entries of it that follow upon one another. */
static bool
put_time(struct entry *e, struct pkix_crl_day *day, int64_t when, struct err *err)
{
	int64_t second = (when % DAY_S + DAY_S) % DAY_S;
	char *clock;

	if (!pkix_time_fits(when, err))
		return false;
	if (day->text[0] == '\0' || day->begins != when - second) {
		day->begins = when - second;
		day->tag = pkix_time_text(day->begins, day->text);
	}
	clock = day->text + strlen(day->text) - strlen("hhmmssZ");
	put_two_digits(clock, second / 3600);
	put_two_digits(clock + 2, second / 60 % 60);
	put_two_digits(clock + 4, second % 60);
	put_header(e, day->tag, strlen(day->text));
	put(e, day->text, strlen(day->text));
	return true;
}

/* RFC 5280 5.3.1: unspecified (0) is expressed by absence; 7 does not exist and 8 is for delta
 * CRLs alone. Extensions { extension { 2.5.29.21, OCTET STRING { ENUMERATED } } }. */
static bool
put_reason(struct entry *e, int reason, bool is_delta, struct err *err)
{
	const uint8_t extensions[] = {0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04,
	    0x03, 0x0a, 0x01, (uint8_t)reason};

	if (reason == REASON_NONE || reason == CRL_REASON_UNSPECIFIED)
		return true;
	if (reason < 0 || reason > REASON_HIGHEST || reason == 7 ||
	    (reason == CRL_REASON_REMOVE_FROM_CRL && !is_delta))
		return err_set(err, E_INVALIDARG, "CRL: %d is no reason for a revocation", reason);
	put(e, extensions, sizeof extensions);
	return true;
}

bool
pkix_crl_add(struct pkix_crl_making *m, const struct pkix_revoked *revoked, struct err *err)
{
	struct entry e = {.len = ENTRY_HEADER};

	if (!put_number(&e, revoked->serial, err) || !put_time(&e, &m->day, revoked->when, err) ||
	    !put_reason(&e, revoked->reason, m->is_delta, err))
		return false;
	e.octets[0] = DER_SEQUENCE;
	e.octets[1] = (uint8_t)(e.len - ENTRY_HEADER);
	/* What follows the entries is small. */
	if (m->octets.len + e.len > PKIX_CRL_MAX - PKIX_MAX_DER)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "CRL: over %u bytes, with %zu entries and more to come", PKIX_CRL_MAX,
		    m->count);
	m->count++;
	return buf_append(&m->octets, view_of(e.octets, e.len), err);
}

/* ---- the whole ---- */

/* TBSCertList without its entries, which are put in later. */
static bool
encode_head(const struct pkix_crl_head *head, struct buf *out, struct err *err)
{
	OWNED(own_pkix_tbs_crl) PKIX_TBS_CRL *crl = PKIX_TBS_CRL_new();
	OWNED(own_x509_algor) X509_ALGOR *alg = NULL;
	uint8_t *der = NULL;
	int len = 0;

	if (crl == NULL || (crl->version = ASN1_INTEGER_new()) == NULL ||
	    ASN1_INTEGER_set(crl->version, 1) != 1 ||
	    (crl->next_update = ASN1_TIME_new()) == NULL ||
	    (crl->extensions = sk_X509_EXTENSION_new_null()) == NULL)
		return err_nomem(err);
	if (head->next_update <= head->this_update)
		return err_set(err, E_INVALIDARG, "CRL: the next update is not after this one");
	if ((alg = pkix_algor(head->sig_alg, err)) == NULL ||
	    !pkix_put_element(crl->issuer, head->issuer, "CRL: issuer name", err) ||
	    !pkix_put_time(crl->this_update, head->this_update, err) ||
	    !pkix_put_time(crl->next_update, head->next_update, err) ||
	    !push_extensions(crl->extensions, head, err))
		return false;
	X509_ALGOR_free(crl->sig_alg);
	crl->sig_alg = own_give(&alg);
	len = i2d_PKIX_TBS_CRL(crl, &der);
	return buf_take_openssl(der, len, out, err);
}

bool
pkix_crl_begin(const struct pkix_crl_head *head, struct pkix_crl_making *m, struct err *err)
{
	OWNED(pkix_crl_making_free) struct pkix_crl_making made = {0};
	struct pkix_crl_parts parts;

	*m = made;
	if (!encode_head(head, &made.head, err) || !pkix_crl_cut(buf_view(&made.head), &parts, err))
		return false;
	made.before = parts.before;
	made.after = parts.after;
	made.is_delta = head->is_delta;
	/* Before the first entry: three headers, and what is before the entries. */
	made.start = made.before.len + 3 * HEADER_MAX;
	if (!buf_alloc(made.start, &made.octets, err))
		return false;
	*m = made;
	made = (struct pkix_crl_making){0};
	return true;
}

void
pkix_crl_making_free(struct pkix_crl_making *m)
{
	buf_free(&m->head);
	buf_free(&m->octets);
}

static void
sequence_before(struct pkix_crl_making *m)
{
	int len = (int)(m->octets.len - m->start);
	uint8_t *p;

	m->start -= (size_t)(ASN1_object_size(1, len, V_ASN1_SEQUENCE) - len);
	p = m->octets.ptr + m->start;
	ASN1_put_object(&p, 1, len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
}

static struct view
made_so_far(const struct pkix_crl_making *m)
{
	return view_of(m->octets.ptr + m->start, m->octets.len - m->start);
}

/* An empty list of entries must be absent (RFC 5280 5.1.2.6). */
bool
pkix_crl_tbs_end(struct pkix_crl_making *m, struct view *tbs_out, struct err *err)
{
	if (m->count > 0)
		sequence_before(m);
	m->start -= m->before.len;
	memcpy(m->octets.ptr + m->start, m->before.ptr, m->before.len);
	if (!buf_append(&m->octets, m->after, err))
		return false;
	sequence_before(m);
	*tbs_out = made_so_far(m);
	return true;
}

bool
pkix_crl_signed_end(struct pkix_crl_making *m, struct view sig_alg, struct view signature,
    struct view *crl_out, struct err *err)
{
	uint8_t header[2 * HEADER_MAX], *p = header;

	if (signature.len == 0 || signature.len > PKIX_MAX_DER)
		return err_set(err, E_INVALIDARG, "a signature of %zu bytes", signature.len);
	ASN1_put_object(&p, 0, (int)signature.len + 1, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
	*p++ = 0; /* unused bits */
	if (!buf_append(&m->octets, sig_alg, err) ||
	    !buf_append(&m->octets, view_of(header, (size_t)(p - header)), err) ||
	    !buf_append(&m->octets, signature, err))
		return false;
	sequence_before(m);
	*crl_out = made_so_far(m);
	return true;
}
