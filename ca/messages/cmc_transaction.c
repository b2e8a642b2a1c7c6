/*
 * The controls by which a client knows the answer to its request again (RFC 5272 6.4, 6.6), and
 * what becomes of a control that nobody knows (3.2.1.1).
 */
#include "cmc.h"

#include <string.h>
#include <openssl/objects.h>
#include <openssl/rand.h>

#include "cmc_control.h"
#include "der.h"
#include "mem.h"

#define VALUE_MAX 4096

static bool
read_value(const STACK_OF(CMCW_CONTROL) * controls, enum oid_id id, int tag, struct view *out,
    struct err *err)
{
	if (!cmc_control_value(controls, id, out, err))
		return false;
	if (out->len == 0 || (out->len <= VALUE_MAX && out->ptr[0] == tag))
		return true;
	return err_set(err, ERROR_INVALID_DATA,
	    "control %s is of another type, or longer than %d bytes", OBJ_nid2ln(oid_nid(id)),
	    VALUE_MAX);
}

bool
cmc_transaction_read(
    const STACK_OF(CMCW_CONTROL) * controls, struct cmc_transaction *out, struct err *err)
{
	return read_value(controls, OID_CMC_TRANSACTION_ID, V_ASN1_INTEGER, &out->id, err) &&
	       read_value(
		   controls, OID_CMC_SENDER_NONCE, V_ASN1_OCTET_STRING, &out->sender_nonce, err) &&
	       read_value(controls, OID_CMC_RECIPIENT_NONCE, V_ASN1_OCTET_STRING,
		   &out->recipient_nonce, err) &&
	       read_value(
		   controls, OID_CMC_DATA_RETURN, V_ASN1_OCTET_STRING, &out->data_return, err);
}

#define ROWS 4
struct row {
	enum oid_id id;
	struct view value;
};

static void
rows_of(const struct cmc_transaction *t, struct row out[ROWS])
{
	const struct row rows[ROWS] = {
	    {OID_CMC_TRANSACTION_ID, t->id},
	    {OID_CMC_SENDER_NONCE, t->sender_nonce},
	    {OID_CMC_RECIPIENT_NONCE, t->recipient_nonce},
	    {OID_CMC_DATA_RETURN, t->data_return},
	};

	memcpy(out, rows, sizeof rows);
}

bool
cmc_transaction_push(STACK_OF(CMCW_CONTROL) * controls, uint32_t first_part,
    const struct cmc_transaction *in, struct err *err)
{
	struct row rows[ROWS];

	rows_of(in, rows);
	for (uint32_t i = 0; i < ROWS; i++)
		if (rows[i].value.len > 0 &&
		    !cmc_control_push_der(controls, first_part + i, rows[i].id, rows[i].value, err))
			return false;
	return true;
}

void
cmc_transaction_put(struct der_out *o, uint32_t first_part, const struct cmc_transaction *in)
{
	struct row rows[ROWS];

	rows_of(in, rows);
	for (uint32_t i = 0; i < ROWS; i++)
		if (rows[i].value.len > 0) {
			struct cmc_open_control c = cmc_control_open(o, first_part + i, rows[i].id);

			der_put(o, rows[i].value);
			cmc_control_close(o, c);
		}
}

/* A DER value of 16 random bytes; of an INTEGER the first is 01 to 7f, so that it is positive and
 * in its shortest form. */
static bool
random_value(int tag, uint8_t out[CMC_RANDOM_LEN], struct err *err)
{
	if (RAND_bytes(out + 2, CMC_RANDOM_LEN - 2) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "random bytes");
	out[0] = (uint8_t)tag;
	out[1] = CMC_RANDOM_LEN - 2;
	if (tag == V_ASN1_INTEGER)
		out[2] = (uint8_t)((out[2] & 0x3f) | 0x40);
	return true;
}

bool
cmc_nonce_make(uint8_t out[CMC_RANDOM_LEN], struct err *err)
{
	return random_value(V_ASN1_OCTET_STRING, out, err);
}

bool
cmc_transaction_id_make(uint8_t out[CMC_RANDOM_LEN], struct err *err)
{
	return random_value(V_ASN1_INTEGER, out, err);
}

static bool
is_known(const CMCW_CONTROL *c)
{
	static const enum oid_id known[] = {OID_CMC_ADD_ATTRIBUTES, OID_CMC_ADD_EXTENSIONS,
	    OID_CMC_REG_INFO, OID_CMC_TRANSACTION_ID, OID_CMC_SENDER_NONCE, OID_CMC_RECIPIENT_NONCE,
	    OID_CMC_DATA_RETURN, OID_DIRCA_REQUEST_BINDING};
	int nid = OBJ_obj2nid(c->type);

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (nid == oid_nid(known[i]))
			return true;
	return false;
}

void
cmc_unknown_control(const STACK_OF(CMCW_CONTROL) * controls, struct cmc_request *out)
{
	for (int i = 0; i < sk_CMCW_CONTROL_num(controls) && !out->has_unknown; i++) {
		const CMCW_CONTROL *c = sk_CMCW_CONTROL_value(controls, i);

		if (is_known(c))
			continue;
		out->has_unknown = true;
		out->unknown_part = c->id;
		OBJ_obj2txt(out->unknown_oid, (int)sizeof out->unknown_oid, c->type, 1);
	}
}
