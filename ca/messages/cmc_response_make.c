#include "cmc.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cmc_control.h"
#include "own.h"
#include "pkix_priv.h"

enum { PART_STATUS = 1, PART_ATTRIBUTES = 2, PART_TRANSACTION = 3 };

/* About the one body part that was asked for. */
static void
put_references(struct der_out *o, int64_t body_part)
{
	size_t list = der_open(o, DER_SEQUENCE);

	der_put_number(o, (uint64_t)body_part);
	der_close(o, list);
}

/* The token is the request id in decimal text: what the client asks for again. */
static void
put_pending(struct der_out *o, const struct cmc_response_body *in)
{
	char token[24], when[PKIX_TIME_TEXT];
	const time_t t = (time_t)in->pending_time;
	struct tm tm = {0};
	size_t at = der_open(o, DER_SEQUENCE);

	snprintf(token, sizeof token, "%" PRId64, in->pending_id);
	(void)gmtime_r(&t, &tm);
	strftime(when, sizeof when, "%Y%m%d%H%M%SZ", &tm);
	der_put_element(o, DER_OCTET_STRING, view_str(token));
	der_put_element(o, DER_GENERALIZED_TIME, view_str(when));
	der_close(o, at);
}

static void
put_status(struct der_out *o, const struct cmc_response_body *in)
{
	struct cmc_open_control c = cmc_control_open(o, PART_STATUS, OID_CMC_STATUS_INFO);
	size_t info = der_open(o, DER_SEQUENCE);

	der_put_number(o, in->status);
	put_references(o, in->body_part_id);
	if (in->text != NULL)
		der_put_element(o, DER_UTF8_STRING, view_str(in->text));
	if (in->status == CMC_STATUS_PENDING)
		put_pending(o, in);
	else if (in->status == CMC_STATUS_FAILED && in->fail_info >= 0)
		der_put_number(o, (uint64_t)in->fail_info);
	der_close(o, info);
	cmc_control_close(o, c);
}

static void
put_hash(struct der_out *o, enum oid_id id, struct view hash)
{
	size_t attribute, values;

	if (hash.len == 0)
		return;
	attribute = der_open(o, DER_SEQUENCE);
	der_put_element(o, DER_OBJECT, oid_octets(id));
	values = der_open(o, DER_SET);
	der_put_element(o, DER_OCTET_STRING, hash);
	der_close(o, values);
	der_close(o, attribute);
}

static void
put_hashes(struct der_out *o, const struct cmc_response_body *in)
{
	struct cmc_open_control c;
	size_t added, set;

	if (in->issued_sha1.len == 0 && in->key_hash.len == 0)
		return;
	c = cmc_control_open(o, PART_ATTRIBUTES, OID_CMC_ADD_ATTRIBUTES);
	added = der_open(o, DER_SEQUENCE);
	der_put_number(o, 0);
	put_references(o, in->body_part_id);
	set = der_open(o, DER_SET);
	/* In this order they are also in DER order. */
	put_hash(o, OID_ISSUED_CERT_HASH, in->issued_sha1);
	put_hash(o, OID_ENCRYPTED_KEY_HASH, in->key_hash);
	der_close(o, set);
	der_close(o, added);
	cmc_control_close(o, c);
}

static bool
check(const struct cmc_response_body *in, struct err *err)
{
	if (in->body_part_id < 0)
		return err_set(err, E_INVALIDARG, "a CMC response about no body part");
	return in->status != CMC_STATUS_PENDING || pkix_time_fits(in->pending_time, err) ||
	       err_prefix(err, "the time of a pending request");
}

bool
cmc_response_body_encode(const struct cmc_response_body *in, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	size_t body, list;

	*out = (struct buf){0};
	if (!check(in, err))
		return false;
	body = der_open(&o, DER_SEQUENCE);
	list = der_open(&o, DER_SEQUENCE);
	put_status(&o, in);
	put_hashes(&o, in);
	cmc_transaction_put(&o, PART_TRANSACTION, &in->transaction);
	der_close(&o, list);
	der_close(&o, der_open(&o, DER_SEQUENCE)); /* no messages, no others */
	der_close(&o, der_open(&o, DER_SEQUENCE));
	der_close(&o, body);
	return der_done(&o, out, err);
}
