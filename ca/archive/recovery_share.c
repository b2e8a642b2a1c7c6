/*
 * A share on its way (docs/PROTOCOL.md, ShareFile): encrypted to who combines, and bound to one
 * archived key. Who made it does not matter: a share is right or it is not, and the commitment in
 * the BLOB, which the CA signed, tells which. Octets at fixed places, so that the share is in no
 * other memory than a secret's.
 */
#include "recovery.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include "archive.h"
#include "own_openssl.h"

#define LABEL  "dirca share file 1"
#define HASH   (sizeof LABEL - 1)
#define SET_ID (HASH + SHA256_DIGEST_LENGTH)
#define NUMBER (SET_ID + 32)
#define SHARE  (NUMBER + 1)

void
recovery_share_free(struct recovery_share *s)
{
	secret_free(&s->value);
	*s = (struct recovery_share){0};
}

/* What stands before the share. */
static bool
fill_head(const struct recovery_blob *b, uint8_t number, uint8_t head[SHARE], struct err *err)
{
	struct view archived = buf_view(&b->archived.raw);

	memcpy(head, LABEL, HASH);
	if (SHA256(archived.ptr, archived.len, head + HASH) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing an archived key");
	memcpy(head + SET_ID, b->archived.set_id.ptr, b->archived.set_id.len);
	head[NUMBER] = number;
	return true;
}

bool
recovery_share_seal(const struct recovery_blob *b, const struct recovery_share *s,
    const struct cms_kra *to, struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};

	*out = (struct buf){0};
	if (!secret_alloc(SHARE + s->value.len, &content, err) ||
	    !fill_head(b, b->archived.recipients[s->recipient].number, content.ptr, err))
		return false;
	memcpy(content.ptr + SHARE, s->value.ptr, s->value.len);
	return cms_enveloped_seal(secret_view(&content), to, 1, CMS_AES_256_GCM, out, err);
}

static bool
decrypt(
    const struct recovery_agent *agent, struct view message, struct secret *out, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	struct err ignored;

	if (!cms_sealed_decode(message, &e, err))
		return false;
	for (size_t i = 0; i < e.count; i++)
		for (size_t k = 0; k < agent->key_count; k++)
			if (cms_enveloped_open(&e, i, agent->keys[k], out, &ignored))
				return true;
	ERR_clear_error();
	return err_set(err, CRYPT_E_NO_DECRYPT_CERT,
	    "it does not open with your keys: it is encrypted to somebody else, or damaged");
}

static bool
find_number(const struct recovery_blob *b, uint8_t number, size_t *recipient_out)
{
	for (size_t i = 0; i < b->archived.count; i++)
		if (number != 0 && b->archived.recipients[i].number == number) {
			*recipient_out = i;
			return true;
		}
	return false;
}

static bool
read_share(const struct recovery_blob *b, const struct secret *content, struct recovery_share *out,
    struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *pub = NULL;
	uint8_t head[SHARE], id[CMS_BOUND_LEN];
	struct view value;

	if (content->len <= SHARE || memcmp(content->ptr, LABEL, HASH) != 0)
		return err_set(err, ERROR_INVALID_DATA, "it is no share of an archived key");
	if (!fill_head(b, content->ptr[NUMBER], head, err))
		return false;
	if (memcmp(content->ptr, head, SHARE) != 0 ||
	    !find_number(b, head[NUMBER], &out->recipient))
		return err_set(err, DIRCA_E_KEY_SHARE, "it is a share of another archived key");
	value = view_of(content->ptr + SHARE, content->len - SHARE);
	if (!pkix_public_key(b->certificate.spki, &pub, err) || !archive_key_id(pub, id, err))
		return false;
	return cms_share_is_of(&b->archived, out->recipient, id, value)
		   ? secret_dup(value, &out->value, err)
		   : err_set(err, DIRCA_E_KEY_SHARE,
			 "it is not share %u that the CA made of this key: it was changed",
			 (unsigned)head[NUMBER]);
}

bool
recovery_share_open(const struct recovery_blob *b, const struct recovery_agent *agent,
    struct view message, struct recovery_share *out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};

	*out = (struct recovery_share){0};
	if (b->archived.threshold <= 1)
		return err_set(err, DIRCA_E_KEY_SHARE,
		    "each key recovery agent of this key opens it alone: there are no shares");
	return decrypt(agent, message, &content, err) && read_share(b, &content, out, err);
}
