#include "escrow_entry.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/asn1t.h>

#include "der.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "pkix.h"
#include "printable.h"
#include "text.h"

#define VERSION  1
#define TEXT_MAX 256
#define WHAT     "an entry of an escrow batch"

typedef struct {
	int32_t version;
	ASN1_OCTET_STRING *batch;
	int32_t index, total;
	ASN1_OCTET_STRING *certificate, *key;
	ASN1_UTF8STRING *user, *friendly_name;
} ESCROW_ENTRY;

/* clang-format off */
ASN1_SEQUENCE(ESCROW_ENTRY) = {
	ASN1_EMBED(ESCROW_ENTRY, version, INT32),
	ASN1_SIMPLE(ESCROW_ENTRY, batch, ASN1_OCTET_STRING),
	ASN1_EMBED(ESCROW_ENTRY, index, INT32),
	ASN1_EMBED(ESCROW_ENTRY, total, INT32),
	ASN1_SIMPLE(ESCROW_ENTRY, certificate, ASN1_OCTET_STRING),
	ASN1_IMP_OPT(ESCROW_ENTRY, key, ASN1_OCTET_STRING, 0),
	ASN1_IMP_OPT(ESCROW_ENTRY, user, ASN1_UTF8STRING, 1),
	ASN1_IMP_OPT(ESCROW_ENTRY, friendly_name, ASN1_UTF8STRING, 2),
} static_ASN1_SEQUENCE_END(ESCROW_ENTRY)
/* clang-format on */

static void
own_entry(ESCROW_ENTRY **e)
{
	ASN1_item_free((ASN1_VALUE *)*e, ASN1_ITEM_rptr(ESCROW_ENTRY));
}

static bool
bad(struct err *err, const char *why)
{
	return err_set(err, ERROR_INVALID_DATA, WHAT ": %s", why);
}

static bool
is_text(const char *text)
{
	uint32_t ignored;

	return text == NULL || (*text != '\0' && strlen(text) <= TEXT_MAX &&
				   printable_text(view_str(text), &ignored));
}

/* What reader and writer demand alike. */
static bool
check(const struct escrow_entry *e, struct err *err)
{
	if (e->batch.len != ESCROW_BATCH_ID)
		return bad(err, "the name of the batch has 16 octets");
	if (e->index < 1 || e->index > e->total || e->total > ESCROW_TOTAL_MAX)
		return bad(err, "its number is none of the batch");
	if (e->certificate.len == 0)
		return bad(err, "there is no certificate");
	return (is_text(e->user) && is_text(e->friendly_name)) ||
	       bad(err, "a name is over-long or no text");
}

/* ---- writing ---- */

static bool
put_text(ASN1_UTF8STRING **to, const char *text)
{
	return text == NULL || (*to = der_string_new(V_ASN1_UTF8STRING, view_str(text))) != NULL;
}

bool
escrow_entry_encode(const struct escrow_entry *e, struct buf *out, struct err *err)
{
	OWNED(own_entry)
	ESCROW_ENTRY *wire = (ESCROW_ENTRY *)ASN1_item_new(ASN1_ITEM_rptr(ESCROW_ENTRY));

	*out = (struct buf){0};
	if (!check(e, err))
		return false;
	if (wire == NULL || !der_string_set(wire->batch, e->batch, err) ||
	    !der_string_set(wire->certificate, e->certificate, err) ||
	    (e->key.len > 0 && (wire->key = der_string_new(V_ASN1_OCTET_STRING, e->key)) == NULL) ||
	    !put_text(&wire->user, e->user) || !put_text(&wire->friendly_name, e->friendly_name))
		return err_openssl(err, DIRCA_E_CRYPTO, WHAT);
	wire->version = VERSION;
	wire->index = e->index;
	wire->total = e->total;
	if (!der_encode(ASN1_ITEM_rptr(ESCROW_ENTRY), wire, WHAT, out, err))
		return false;
	if (out->len <= ESCROW_ENTRY_MAX)
		return true;
	buf_free(out);
	return err_set(err, DIRCA_E_TOO_LARGE, WHAT " has over %d octets", ESCROW_ENTRY_MAX);
}

/* ---- reading ---- */

static bool
take_text(const ASN1_UTF8STRING *from, char **to, struct err *err)
{
	return from == NULL || text_from_view(der_string(from), to, err);
}

static bool
take(const ESCROW_ENTRY *wire, struct escrow_entry *out, struct err *err)
{
	if (wire->version != VERSION)
		return bad(err, "its version is unknown");
	out->index = wire->index;
	out->total = wire->total;
	out->batch = der_within(&out->content, wire->batch);
	out->certificate = der_within(&out->content, wire->certificate);
	out->key = der_within(&out->content, wire->key);
	return take_text(wire->user, &out->user, err) &&
	       take_text(wire->friendly_name, &out->friendly_name, err) && check(out, err);
}

bool
escrow_entry_decode(struct view content, struct escrow_entry *out, struct err *err)
{
	OWNED(own_entry)
	ESCROW_ENTRY *wire =
	    der_decode(ASN1_ITEM_rptr(ESCROW_ENTRY), content, ESCROW_ENTRY_MAX, WHAT, err);

	*out = (struct escrow_entry){0};
	if (wire == NULL || !buf_dup(content, &out->content, err))
		return false;
	if (take(wire, out, err))
		return true;
	escrow_entry_free(out);
	return false;
}

void
escrow_entry_free(struct escrow_entry *e)
{
	free(e->user);
	free(e->friendly_name);
	buf_free(&e->content);
	*e = (struct escrow_entry){0};
}

/* ---- signed ---- */

bool
escrow_entry_verify(const struct cms_signed *message, struct escrow_entry *out,
    struct view *signer_out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert signer = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	*out = (struct escrow_entry){0};
	if (strcmp(message->content_oid, oid_dotted(OID_CT_ESCROW_ENTRY)) != 0 ||
	    message->signer_count != 1)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "this is no entry of an escrow batch, signed once");
	return cms_signer_certificate(message, &message->signers[0], signer_out, err) &&
	       pkix_cert_decode(*signer_out, &signer, err) &&
	       pkix_public_key(signer.spki, &key, err) &&
	       cms_signer_verify(message, &message->signers[0], key, false, err) &&
	       escrow_entry_decode(message->content, out, err);
}

bool
escrow_entry_begins(struct view file, size_t *len_out)
{
	const unsigned char *p = file.ptr;
	long len;
	int tag, class;
	OWNED(own_asn1_object) ASN1_OBJECT *type = OBJ_txt2obj(oid_dotted(OID_CT_ESCROW_ENTRY), 1);

	if (file.len < 32 || file.len > INT32_MAX || type == NULL ||
	    (der_head(&p, &len, &tag, &class, file.len) & 0xa0) != 0x20 || tag != V_ASN1_SEQUENCE)
		return false;
	*len_out = (size_t)(p - file.ptr) + (size_t)len;
	return memmem(file.ptr, *len_out < 128 ? *len_out : 128, OBJ_get0_data(type),
		   OBJ_length(type)) != NULL;
}
