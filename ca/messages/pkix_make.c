#include "pkix_priv.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "der_write.h"
#include "own_openssl.h"

/* A time after 1950 and before 10000, as UTCTime up to 2049 and GeneralizedTime from then on (RFC
 * 5280 4.1.2.5). */
bool
pkix_time_fits(int64_t when, struct err *err)
{
	return (when >= INT64_C(-631152000) && when <= INT64_C(253402300799)) ||
	       err_set(err, E_INVALIDARG, "time %lld is outside the years 1950 to 9999",
		   (long long)when);
}

bool
pkix_put_time(ASN1_TIME *field, int64_t when, struct err *err)
{
	if (!pkix_time_fits(when, err))
		return false;
	if (ASN1_TIME_set(field, (time_t)when) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a time cannot be encoded");
	return true;
}

bool
pkix_new_serial(uint8_t out[PKIX_SERIAL_LEN], struct err *err)
{
	return RAND_bytes(out, PKIX_SERIAL_LEN) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "no random numbers for a serial number");
}

bool
pkix_check_serial(struct view serial, struct err *err)
{
	while (serial.len > 0 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	return (serial.len > 0 && serial.len <= PKIX_SERIAL_MAX &&
		   (serial.len < PKIX_SERIAL_MAX || (serial.ptr[0] & 0x80) == 0)) ||
	       err_set(err, E_INVALIDARG, "the serial number is zero or needs more than %d octets",
		   PKIX_SERIAL_MAX);
}

static bool
check_algorithm(struct view sig_alg, struct err *err)
{
	return pkix_is_algorithm(sig_alg) ||
	       err_set(err, ERROR_INVALID_DATA,
		   "the signature algorithm is not an AlgorithmIdentifier");
}

uint8_t
pkix_time_text(int64_t when, char out[PKIX_TIME_TEXT])
{
	const time_t t = (time_t)when;
	struct tm tm = {0};
	char whole[PKIX_TIME_TEXT];
	bool is_short;

	(void)gmtime_r(&t, &tm);
	is_short = tm.tm_year < 150;
	strftime(whole, sizeof whole, "%Y%m%d%H%M%SZ", &tm);
	strcpy(out, whole + (is_short ? 2 : 0)); /* of the year's digits */
	return is_short ? DER_UTC_TIME : DER_GENERALIZED_TIME;
}

static void
put_time(struct der_out *o, int64_t when)
{
	char text[PKIX_TIME_TEXT];
	uint8_t first = pkix_time_text(when, text);

	der_put_element(o, first, view_str(text));
}

static void
put_list(struct der_out *o, const STACK_OF(X509_EXTENSION) * list)
{
	for (int i = 0; list != NULL && i < sk_X509_EXTENSION_num(list); i++) {
		OWNED(own_octets) uint8_t *der = NULL;
		int len = i2d_X509_EXTENSION(sk_X509_EXTENSION_value(list, i), &der);

		if (len <= 0)
			o->failed = true;
		else
			der_put(o, view_of(der, (size_t)len));
	}
}

bool
pkix_extensions_encode(const STACK_OF(X509_EXTENSION) * list, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};

	put_list(&o, list);
	return der_done(&o, out, err);
}

/* The OID of the extension at the start of `list`; empty: there is none. */
static struct view
next_oid(struct view *list)
{
	struct view extension, oid = {0};

	if (der_take(list, DER_SEQUENCE, &extension))
		(void)der_take(&extension, DER_OBJECT, &oid);
	return oid;
}

/* `list` is the content of Extensions. */
static bool
check_extensions(struct view list, struct err *err)
{
	struct view seen[PKIX_MAX_ITEMS];
	size_t count = 0;

	while (list.len > 0) {
		if (count == PKIX_MAX_ITEMS || (seen[count] = next_oid(&list)).len == 0)
			return err_set(
			    err, E_INVALIDARG, "certificate to issue: extensions that are none");
		for (size_t i = 0; i < count; i++)
			if (view_eq(seen[i], seen[count]))
				return err_set(err, E_INVALIDARG,
				    "certificate to issue: extension %zu repeats extension %zu",
				    count + 1, i + 1);
		count++;
	}
	return true;
}

static void
put_tbs(struct der_out *o, const struct pkix_tbs *in)
{
	static const uint8_t version_3[] = {0xa0, 3, DER_INTEGER, 1, 2};
	size_t tbs = der_open(o, DER_SEQUENCE), validity, tagged, extensions;

	der_put(o, view_of(version_3, sizeof version_3));
	der_put_unsigned(o, in->serial);
	der_put(o, in->sig_alg);
	der_put(o, in->issuer);
	validity = der_open(o, DER_SEQUENCE);
	put_time(o, in->not_before);
	put_time(o, in->not_after);
	der_close(o, validity);
	der_put(o, in->subject);
	der_put(o, in->spki);
	if (in->encoded.len > 0) { /* an empty SEQUENCE is not allowed */
		tagged = der_open(o, DER_CONTEXT_3);
		extensions = der_open(o, DER_SEQUENCE);
		der_put(o, in->encoded);
		der_close(o, extensions);
		der_close(o, tagged);
	}
	der_close(o, tbs);
}

static bool
encode_tbs(const struct pkix_tbs *in, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};

	if (in->not_after < in->not_before)
		return err_set(
		    err, E_INVALIDARG, "certificate to issue: it would end before it begins");
	if (!check_algorithm(in->sig_alg, err) || !pkix_check_serial(in->serial, err) ||
	    !pkix_check_element(in->issuer, "issuer name", err) ||
	    !pkix_time_fits(in->not_before, err) || !pkix_time_fits(in->not_after, err) ||
	    !pkix_check_element(in->subject, "subject name", err) ||
	    !pkix_check_element(in->spki, "subject public key", err) ||
	    !check_extensions(in->encoded, err))
		return false;
	put_tbs(&o, in);
	return der_done(&o, out, err);
}

bool
pkix_tbs_encode(const struct pkix_tbs *in, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf extensions = {0};
	struct pkix_tbs whole = *in;

	*out = (struct buf){0};
	if (in->extensions != NULL) {
		if (!pkix_extensions_encode(in->extensions, &extensions, err))
			return false;
		whole.encoded = buf_view(&extensions);
	}
	return encode_tbs(&whole, out, err);
}

bool
pkix_signed_wrap(
    struct view tbs, struct view sig_alg, struct view signature, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	size_t whole;

	*out = (struct buf){0};
	if (signature.len == 0 || signature.len > PKIX_MAX_DER)
		return err_set(err, E_INVALIDARG, "a signature of %zu bytes", signature.len);
	if (!check_algorithm(sig_alg, err))
		return false;
	/* A CRL may be large and was made here: only its outer shape is looked at. */
	if (tbs.len < 2 || tbs.len > INT_MAX / 2 || tbs.ptr[0] != DER_SEQUENCE)
		return err_set(err, E_INVALIDARG, "what is to be signed is not a DER SEQUENCE");
	whole = der_open(&o, DER_SEQUENCE);
	der_put(&o, tbs);
	der_put(&o, sig_alg);
	der_put_bits(&o, signature);
	der_close(&o, whole);
	return der_done(&o, out, err);
}

bool
pkix_certificate_pair(struct view to, struct view by, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	size_t pair;

	*out = (struct buf){0};
	if (to.len > PKIX_MAX_DER || by.len > PKIX_MAX_DER)
		return err_set(err, DIRCA_E_TOO_LARGE, "a pair of certificates");
	pair = der_open(&o, DER_SEQUENCE);
	der_put_element(&o, DER_CONTEXT_0, to);
	der_put_element(&o, DER_CONTEXT_1, by);
	der_close(&o, pair);
	return der_done(&o, out, err);
}
