/*
 * What the CA key may sign. A certificate is cut into its elements, of which each must be there in
 * DER; other inputs are decoded and encoded again (of a CRL all but its entries): only what is byte
 * for byte the DER of the one expected type passes, so that no signature can be carried over to
 * another kind of object. Certificates and CRLs begin with 0x30, messages with
 * 0x31; among the first two the version, mandatory here, tells them apart ([0] EXPLICIT 2 against
 * plain INTEGER 1).
 */
#include "vault_priv.h"

#include <limits.h>
#include <string.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "der.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "pkix_asn1.h"
#include "retrieval.h"

#define X509_V3     2
#define CRL_V2      1
#define SERIAL_MAX  20 /* octets, RFC 5280 4.1.2.2 */
#define MESSAGE_MAX 64 /* octets of a digest */
#define MESSAGE_MIN 32
#define SHA1_LEN    20

#define UNCOMPRESSED 0x04 /* SEC 1 2.3.3 */

/* RFC 5280 5.1, without the revoked certificates: they are many, and nothing that the vault looks
 * into. */
typedef struct {
	ASN1_INTEGER *version;
	X509_ALGOR *signature;
	ASN1_STRING *issuer;
	ASN1_TIME *this_update, *next_update;
	STACK_OF(X509_EXTENSION) * extensions;
} VAULT_TBS_CRL;

typedef STACK_OF(X509_ATTRIBUTE) VAULT_ATTRIBUTES;

/* clang-format off */
ASN1_SEQUENCE(VAULT_TBS_CRL) = {
	ASN1_SIMPLE(VAULT_TBS_CRL, version, ASN1_INTEGER),
	ASN1_SIMPLE(VAULT_TBS_CRL, signature, X509_ALGOR),
	ASN1_SIMPLE(VAULT_TBS_CRL, issuer, ASN1_SEQUENCE),
	ASN1_SIMPLE(VAULT_TBS_CRL, this_update, ASN1_TIME),
	ASN1_OPT(VAULT_TBS_CRL, next_update, ASN1_TIME),
	ASN1_EXP_SEQUENCE_OF(VAULT_TBS_CRL, extensions, X509_EXTENSION, 0),
} static_ASN1_SEQUENCE_END(VAULT_TBS_CRL)

ASN1_ITEM_TEMPLATE(VAULT_ATTRIBUTES) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, VAULT_ATTRIBUTES, X509_ATTRIBUTE)
static_ASN1_ITEM_TEMPLATE_END(VAULT_ATTRIBUTES)
/* clang-format on */

static struct view
string_view(const ASN1_STRING *s)
{
	return view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool
string_is(const ASN1_STRING *s, struct view wanted)
{
	return view_eq(string_view(s), wanted);
}

static bool
algorithm_is(const X509_ALGOR *alg, struct view wanted)
{
	unsigned char *der = NULL;
	int len = i2d_X509_ALGOR(alg, &der);
	bool same = len > 0 && view_eq(view_of(der, (size_t)len), wanted);

	OPENSSL_free(der);
	return same;
}

static bool
integer_is(const ASN1_INTEGER *i, int64_t wanted)
{
	int64_t v;

	return der_int64(&v, i) && v == wanted;
}

static bool
refuse_to_sign(struct err *err, const char *what, const char *reason)
{
	return err_set(err, E_ACCESSDENIED, "the vault does not sign this %s: %s", what, reason);
}

static bool
check_names(const char *what, bool is_our_issuer, bool is_our_alg, struct err *err)
{
	if (!is_our_issuer)
		return refuse_to_sign(err, what, "its issuer is not this CA");
	if (!is_our_alg)
		return refuse_to_sign(
		    err, what, "its signature algorithm is not that of the CA key");
	return true;
}

static bool
serial_is_sound(const ASN1_INTEGER *serial)
{
	return ASN1_STRING_type(serial) == V_ASN1_INTEGER &&
	       ASN1_STRING_length(serial) <= SERIAL_MAX && !integer_is(serial, 0);
}

/* For the journal: an integer of at most 20 octets. */
static void
note_number(const ASN1_INTEGER *number, struct journal_entry *out)
{
	out->number_len = (size_t)ASN1_STRING_length(number);
	memcpy(out->number, ASN1_STRING_get0_data(number), out->number_len);
}

/* RFC 5280 4.1. What need not be looked into is kept as its bytes; whole: with its head. */
struct tbs {
	struct view version;
	struct view serial, algorithm, issuer, subject, spki; /* whole */
	struct view not_before, not_after;
	struct view extensions; /* one after another */
};

/* False where it is not the one sequence of exactly these elements in DER. */
static bool
cut_tbs(struct view der, struct tbs *out)
{
	struct view c, version, validity, wrapped;

	return der_take(&der, DER_SEQUENCE, &c) && der.len == 0 &&
	       der_take(&c, DER_CONTEXT_0, &version) &&
	       der_take(&version, DER_INTEGER, &out->version) && version.len == 0 &&
	       der_take_whole(&c, DER_INTEGER, &out->serial) &&
	       der_take_whole(&c, DER_SEQUENCE, &out->algorithm) &&
	       der_take_whole(&c, DER_SEQUENCE, &out->issuer) &&
	       der_take(&c, DER_SEQUENCE, &validity) &&
	       der_take_time(&validity, &out->not_before) &&
	       der_take_time(&validity, &out->not_after) && validity.len == 0 &&
	       der_take_whole(&c, DER_SEQUENCE, &out->subject) &&
	       der_take_whole(&c, DER_SEQUENCE, &out->spki) &&
	       der_take(&c, DER_CONTEXT_3, &wrapped) && c.len == 0 &&
	       der_take(&wrapped, DER_SEQUENCE, &out->extensions) && wrapped.len == 0;
}

/* Others read what is written otherwise otherwise, or not at all. */
static bool
ends_in_time(const struct tbs *c, int64_t latest)
{
	int64_t begin, end;

	return der_time(c->not_before, &begin) && der_time(c->not_after, &end) && end <= latest;
}

/* The certificate, and the extensions that say what it is good for. */
static bool
check_tbs(const struct tbs *c, const struct vault_rules *rules, struct journal_entry *entry_out,
    struct err *err)
{
	static const char what[] = "certificate";
	struct view serial = c->serial, number;

	if (c->version.len != 1 || c->version.ptr[0] != X509_V3)
		return refuse_to_sign(err, what, "its version is not 3");
	if (!der_take_number(&serial, &number) || number.len > SERIAL_MAX)
		return refuse_to_sign(
		    err, what, "its serial number is not a positive number of at most 20 octets");
	if (!check_names(what, view_eq(c->issuer, rules->issuer),
		view_eq(c->algorithm, rules->sig_alg), err))
		return false;
	/* Who knows an older key of the CA would believe the new one by it. */
	if (!pkix_is_other_name(c->subject, rules->issuer))
		return refuse_to_sign(
		    err, what, "it would bear this CA's own name, or its subject is no name");
	if (!ends_in_time(c, rules->not_after))
		return refuse_to_sign(err, what,
		    "it would outlive the CA certificate, or its times are not those of RFC 5280");
	entry_out->number_len = number.len;
	memcpy(entry_out->number, number.ptr, number.len);
	return vault_check_purpose(c->extensions, rules, err);
}

/* RFC 8017 A.1.1, RFC 3279 2.3.1. */
static bool
is_rsa_key(struct view parameters, struct view key)
{
	struct view list, number, nothing;

	return (parameters.len == 0 || (der_take(&parameters, DER_NULL, &nothing) &&
					   nothing.len == 0 && parameters.len == 0)) &&
	       der_take(&key, DER_SEQUENCE, &list) && key.len == 0 &&
	       der_take_number(&list, &number) && der_take_number(&list, &number) && list.len == 0;
}

/* RFC 5480 2.1.1, 2.2: a curve that is named, a point that is whole. */
static bool
is_ec_key(struct view parameters, struct view key)
{
	struct view curve;

	return der_take(&parameters, DER_OBJECT, &curve) && parameters.len == 0 &&
	       der_is_oid(curve) && key.len % 2 == 1 && key.ptr[0] == UNCOMPRESSED;
}

/* SubjectPublicKeyInfo. A key that is the vault's own is known by the octets of its BIT STRING, so
 * they may be written in one way only. */
static bool
cut_key(struct view der, struct view *bits_out)
{
	static const uint8_t rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01},
			     ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
	struct view spki, algorithm, type, bits;

	if (!der_take(&der, DER_SEQUENCE, &spki) || der.len > 0 ||
	    !der_take(&spki, DER_SEQUENCE, &algorithm) ||
	    !der_take(&algorithm, DER_OBJECT, &type) || !der_take(&spki, DER_BIT_STRING, &bits) ||
	    spki.len > 0 || bits.len < 2 || bits.ptr[0] != 0)
		return false;
	*bits_out = view_of(bits.ptr + 1, bits.len - 1);
	return view_eq(type, view_of(rsa, sizeof rsa))
		   ? is_rsa_key(algorithm, *bits_out)
		   : view_eq(type, view_of(ec, sizeof ec)) && is_ec_key(algorithm, *bits_out);
}

static bool
check_public_key(struct view der, struct view wanted, uint8_t id_out[VAULT_ID_LEN], struct err *err)
{
	struct view bits;

	if (!cut_key(der, &bits))
		return refuse_to_sign(err, "certificate",
		    "its public key is none of RSA or of a curve that is named, or not written as "
		    "it should be");
	if (wanted.len > 0 && !view_eq(der, wanted))
		return refuse_to_sign(
		    err, "certificate", "its public key is not that of the key to archive");
	return cms_digest_of(NID_sha1, bits, id_out, err);
}

bool
vault_check_certificate(struct view tbs, struct view spki, const struct vault_rules *rules,
    struct journal_entry *entry_out, uint8_t key_id_out[VAULT_ID_LEN], struct err *err)
{
	struct tbs c;

	*entry_out = (struct journal_entry){.kind = JOURNAL_CERTIFICATE};
	if (!cut_tbs(tbs, &c))
		return refuse_to_sign(err, "certificate",
		    "it is not one DER TBSCertificate of version 3, or a field or extension is "
		    "missing");
	return check_tbs(&c, rules, entry_out, err) &&
	       check_public_key(c.spki, spki, key_id_out, err);
}

/* Of the cRLNumber extension, if there is one (RFC 5280 5.2.3). */
static bool
note_crl_number(const VAULT_TBS_CRL *c, struct journal_entry *out)
{
	ASN1_INTEGER *number = X509V3_get_d2i(c->extensions, NID_crl_number, NULL, NULL);
	bool ok = number != NULL && serial_is_sound(number);

	if (number == NULL)
		ERR_clear_error();
	if (ok)
		note_number(number, out);
	ASN1_INTEGER_free(number);
	return ok;
}

static bool
is_critical(const VAULT_TBS_CRL *c, int at)
{
	return X509_EXTENSION_get_critical(sk_X509_EXTENSION_value(c->extensions, at)) == 1;
}

/* A list of only some revocations must not be taken for the whole (RFC 5280 5.2.4, 5.2.5). */
static bool
check_scope(const VAULT_TBS_CRL *c, struct err *err)
{
	static const int scopes[] = {NID_delta_crl, NID_issuing_distribution_point};

	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		int at = X509v3_get_ext_by_NID(c->extensions, scopes[i], -1);

		if (at >= 0 && (!is_critical(c, at) ||
				   X509v3_get_ext_by_NID(c->extensions, scopes[i], at) >= 0))
			return refuse_to_sign(err, "certificate revocation list",
			    "what says that it is a part of the whole is not critical, or there "
			    "twice");
	}
	return true;
}

/* RFC 5280 5.1.2.4 and 5: what never ends, or ends otherwise for others, hides all that is revoked
 * later. */
static bool
is_update_told(const struct pkix_crl_parts *c)
{
	int64_t made, next;

	return der_time(c->this_update, &made) && der_time(c->next_update, &next) && made < next;
}

/* The entries stay where they are: a CRL of a million costs the vault no copy of it. */
static VAULT_TBS_CRL *
decode_crl(const struct pkix_crl_parts *parts)
{
	OWNED(buf_free) struct buf without = {0};
	struct err ignored;

	if (!pkix_crl_without_entries(parts, &without, &ignored))
		return NULL;
	return (VAULT_TBS_CRL *)vault_decode_exactly(
	    buf_view(&without), ASN1_ITEM_rptr(VAULT_TBS_CRL));
}

bool
vault_check_crl(struct view tbs, const struct vault_rules *rules, struct journal_entry *entry_out,
    struct err *err)
{
	static const char what[] = "certificate revocation list";
	struct pkix_crl_parts parts;
	bool is_cut = pkix_crl_cut(tbs, &parts, err), ok = false;
	VAULT_TBS_CRL *c = is_cut ? decode_crl(&parts) : NULL;

	*entry_out = (struct journal_entry){.kind = JOURNAL_CRL};
	if (c == NULL)
		return refuse_to_sign(err, what, "it is not one DER TBSCertList of version 2");
	if (!integer_is(c->version, CRL_V2))
		refuse_to_sign(err, what, "its version is not 2");
	else if (!note_crl_number(c, entry_out))
		refuse_to_sign(err, what, "it has no cRLNumber of at most 20 octets");
	else if (!is_update_told(&parts))
		refuse_to_sign(err, what,
		    "its times are not those of RFC 5280, or the next is not after this");
	else
		ok = check_scope(c, err) && check_names(what, string_is(c->issuer, rules->issuer),
						algorithm_is(c->signature, rules->sig_alg), err);
	ASN1_item_free((ASN1_VALUE *)c, ASN1_ITEM_rptr(VAULT_TBS_CRL));
	return ok;
}

/* ---- messages ---- */

struct message_seen {
	int content_type; /* NID of its value; NID_undef: absent */
	bool digest, time, cert_hash, retrieval;
};

static bool
is_retrieval(const ASN1_STRING *s)
{
	struct retrieval r;
	struct err ignored;
	bool ok = retrieval_decode(string_view(s), &r, &ignored);

	retrieval_free(&r);
	return ok;
}

/* Notes one attribute: false if it is unknown, there twice, has not exactly one value or one of the
 * wrong shape. */
static bool
note_attribute(X509_ATTRIBUTE *a, struct message_seen *seen)
{
	int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(a)), type, len;
	ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(a, 0);

	if (nid == NID_undef || value == NULL || X509_ATTRIBUTE_count(a) != 1)
		return false;
	type = ASN1_TYPE_get(value);
	if (nid == NID_pkcs9_contentType) {
		bool first = seen->content_type == NID_undef && type == V_ASN1_OBJECT;

		seen->content_type = first ? OBJ_obj2nid(value->value.object) : NID_undef;
		return first && seen->content_type != NID_undef;
	}
	if (nid == NID_pkcs9_signingTime) {
		bool first = !seen->time;

		seen->time = true;
		return first && (type == V_ASN1_UTCTIME || type == V_ASN1_GENERALIZEDTIME);
	}
	if (nid == oid_nid(OID_KEY_RETRIEVAL)) {
		bool first = !seen->retrieval;

		seen->retrieval = true;
		return first && type == V_ASN1_SEQUENCE && is_retrieval(value->value.sequence);
	}
	len = type == V_ASN1_OCTET_STRING ? ASN1_STRING_length(value->value.octet_string) : -1;
	if (nid == NID_pkcs9_messageDigest) {
		bool first = !seen->digest;

		seen->digest = true;
		return first && len >= MESSAGE_MIN && len <= MESSAGE_MAX;
	}
	if (nid == oid_nid(OID_ARCHIVED_KEY_CERT_HASH)) {
		bool first = !seen->cert_hash;

		seen->cert_hash = true;
		return first && len == SHA1_LEN;
	}
	return false;
}

bool
vault_check_message(struct view attrs, struct journal_entry *entry_out, struct err *err)
{
	static const char what[] = "message";
	VAULT_ATTRIBUTES *list =
	    (VAULT_ATTRIBUTES *)vault_decode_exactly(attrs, ASN1_ITEM_rptr(VAULT_ATTRIBUTES));
	struct message_seen seen = {.content_type = NID_undef};
	bool ok = true;

	*entry_out = (struct journal_entry){.kind = JOURNAL_RESPONSE};
	if (list == NULL)
		return refuse_to_sign(err, what, "it is not one DER SET OF signed attributes");
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(list) && ok; i++)
		if (!note_attribute(sk_X509_ATTRIBUTE_value(list, i), &seen))
			ok = refuse_to_sign(
			    err, what, "a signed attribute is unknown, repeated or malformed");
	if (ok && !seen.digest)
		ok = refuse_to_sign(err, what, "it has no messageDigest");
	if (ok &&
	    !(seen.content_type == oid_nid(OID_CT_PKI_RESPONSE) && !seen.cert_hash &&
		!seen.retrieval) &&
	    !(seen.content_type == NID_pkcs7_data && seen.cert_hash && seen.retrieval))
		ok = refuse_to_sign(err, what, "it is neither a CMC response nor a recovery blob");
	if (seen.cert_hash)
		entry_out->kind = JOURNAL_RECOVERY;
	ASN1_item_free((ASN1_VALUE *)list, ASN1_ITEM_rptr(VAULT_ATTRIBUTES));
	return ok;
}
