/*
 * What the archived key signs begins as RFC 8446 4.4.3 begins what it signs, with octets that begin
 * no other thing that keys sign: 64 spaces, which are no DER and longer than the two random numbers
 * of TLS 1.2, then the name of what it is and a zero. Behind them stand parts of fixed length.
 */
#include "drill.h"

#include <string.h>
#include <openssl/rsa.h>

#include "archive.h"
#include "der.h"
#include "oids.h"
#include "own_openssl.h"

#define SPACES  64
#define CONTEXT "dirca archive drill 1" /* and the zero behind it */
#define SIGNED  (SPACES + sizeof CONTEXT + DRILL_ID + 2 * DRILL_HASH)

static bool
what_is_signed(const struct drill_subject *s, uint8_t out[SIGNED], struct err *err)
{
	uint8_t *p = out + SPACES;

	if (s->drill.len != DRILL_ID || s->sealed.len != DRILL_HASH)
		return err_set(err, E_INVALIDARG, "a proof names a drill and an archived key");
	memset(out, ' ', SPACES);
	memcpy(p, CONTEXT, sizeof CONTEXT);
	memcpy(p += sizeof CONTEXT, s->drill.ptr, DRILL_ID);
	memcpy(p += DRILL_ID, s->sealed.ptr, DRILL_HASH);
	memcpy(p + DRILL_HASH, s->agent, DRILL_HASH);
	return true;
}

/* ECDSA with SHA-256, or RSASSA-PSS with SHA-256, MGF1 with it and a salt of its size: a key that
 * is never to sign makes none that an older protocol would take. */
static bool
pad(EVP_PKEY_CTX *ctx, const EVP_PKEY *key)
{
	return !EVP_PKEY_is_a(key, "RSA") ||
	       (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

bool
drill_proof_make(
    const struct drill_subject *s, EVP_PKEY *key, struct buf *signature_out, struct err *err)
{
	OWNED(own_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *of = NULL; /* ctx's */
	uint8_t what[SIGNED];
	size_t len = 0;

	*signature_out = (struct buf){0};
	if (!what_is_signed(s, what, err))
		return false;
	if (ctx == NULL || EVP_DigestSignInit(ctx, &of, cms_digest(NID_sha256), NULL, key) != 1 ||
	    !pad(of, key) || EVP_DigestSign(ctx, NULL, &len, what, sizeof what) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the archived key makes no signature");
	if (!buf_alloc(len, signature_out, err))
		return false;
	if (EVP_DigestSign(ctx, signature_out->ptr, &len, what, sizeof what) == 1) {
		signature_out->len = len;
		return true;
	}
	buf_free(signature_out);
	return err_openssl(err, DIRCA_E_CRYPTO, "the archived key makes no signature");
}

bool
drill_proof_check(
    const struct drill_subject *s, EVP_PKEY *pub, struct view signature, struct err *err)
{
	OWNED(own_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *of = NULL;
	uint8_t what[SIGNED];

	if (!what_is_signed(s, what, err))
		return false;
	if (ctx == NULL || EVP_DigestVerifyInit(ctx, &of, cms_digest(NID_sha256), NULL, pub) != 1 ||
	    !pad(of, pub))
		return err_openssl(err, DIRCA_E_CRYPTO, "the proof of a drill");
	return EVP_DigestVerify(ctx, signature.ptr, signature.len, what, sizeof what) == 1 ||
	       err_openssl(err, NTE_BAD_SIGNATURE,
		   "the proof is no signature by the key of its certificate, for this drill, this "
		   "archived key and this agent");
}

bool
drill_report_sign(const struct drill_report *r, EVP_PKEY *agent, struct view certificate,
    int64_t now, struct buf *out, struct err *err)
{
	const struct cms_cosigner by = {.key = agent, .certificate = certificate};
	OWNED(buf_free) struct buf content = {0};

	*out = (struct buf){0};
	return drill_report_encode(r, &content, err) &&
	       cms_sign_content(
		   &by, oid_dotted(OID_CT_DRILL_REPORT), buf_view(&content), now, out, err);
}

bool
drill_message_decode(struct view der, struct drill_message *out, struct err *err)
{
	*out = (struct drill_message){0};
	if (!cms_signed_decode(der, &out->message, err))
		return false;
	if (strcmp(out->message.content_oid, oid_dotted(OID_CT_DRILL_REPORT)) != 0 ||
	    out->message.signer_count != 1)
		err_set(err, CRYPT_E_INVALID_MSG_TYPE, "this is no report of a drill, signed once");
	else if (drill_report_decode(out->message.content, &out->report, err))
		return true;
	drill_message_free(out);
	return false;
}

bool
drill_message_next(struct view *file, struct drill_message *out, struct err *err)
{
	struct view der;

	*out = (struct drill_message){0};
	if (!der_next(file, &der))
		return err_set(
		    err, ERROR_INVALID_DATA, "this is no report of a drill, or it is cut off");
	return drill_message_decode(der, out, err);
}

void
drill_message_free(struct drill_message *m)
{
	drill_report_free(&m->report);
	cms_signed_free(&m->message);
}

bool
drill_message_verify(const struct drill_message *m, EVP_PKEY *agent, struct err *err)
{
	return cms_signer_verify(&m->message, &m->message.signers[0], agent, false, err);
}
