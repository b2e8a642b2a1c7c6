/*
 * A share on its way (docs/PROTOCOL.md, ShareFile): encrypted to who combines, and bound to one
 * archived key, and to the batch or drill that it is given for. Who made it does not matter: a
 * share is right or it is not, and the commitment beside the key, which the CA signed, tells which.
 * Octets at fixed places, so that the share is in no other memory than a secret's.
 */
#include "recovery.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "archive.h"
#include "mem.h"
#include "own_openssl.h"

#define LABEL       "dirca share file 1"
#define BATCH_LABEL "dirca batch share 1" /* and the name of the batch behind it */
#define BATCH       16
#define HASH        SHA256_DIGEST_LENGTH
#define SET_ID      32
/* What stands before the share. */
#define HEAD_MAX (sizeof BATCH_LABEL - 1 + BATCH + HASH + SET_ID + 1)

struct head {
	uint8_t octets[HEAD_MAX];
	size_t len; /* the number is the last of them */
};

void
recovery_share_free(struct recovery_share *s)
{
	secret_free(&s->value);
	*s = (struct recovery_share){0};
}

static void
put(struct head *h, struct view octets)
{
	memcpy(h->octets + h->len, octets.ptr, octets.len);
	h->len += octets.len;
}

static bool
fill_head(const struct recovery_blob *b, struct view batch, uint8_t number, struct head *out,
    struct err *err)
{
	struct view archived = buf_view(&b->archived.raw);
	uint8_t hash[HASH];

	*out = (struct head){0};
	if (batch.len != 0 && batch.len != BATCH)
		return err_set(err, E_INVALIDARG, "the name of a batch has %d octets", BATCH);
	if (SHA256(archived.ptr, archived.len, hash) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing an archived key");
	put(out, view_str(batch.len > 0 ? BATCH_LABEL : LABEL));
	if (batch.len > 0)
		put(out, batch);
	put(out, view_of(hash, sizeof hash));
	put(out, b->archived.set_id);
	put(out, view_of(&number, 1));
	return true;
}

bool
recovery_share_seal(const struct recovery_blob *b, const struct recovery_share *s,
    struct view batch, const struct cms_kra *to, struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};
	struct head head;

	*out = (struct buf){0};
	if (!fill_head(b, batch, b->archived.recipients[s->recipient].number, &head, err) ||
	    !secret_alloc(head.len + s->value.len, &content, err))
		return false;
	memcpy(content.ptr, head.octets, head.len);
	memcpy(content.ptr + head.len, s->value.ptr, s->value.len);
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
begins(const struct secret *content, const char *label)
{
	size_t len = strlen(label);

	return content->len > len + BATCH && memcmp(content->ptr, label, len) == 0;
}

/* Which kind of those that are none for this. */
static bool
other_share(const struct secret *content, struct view batch, struct err *err)
{
	bool of_batch = begins(content, BATCH_LABEL);

	if (!of_batch && !begins(content, LABEL))
		return err_set(err, ERROR_INVALID_DATA, "it is no share of an archived key");
	if (of_batch != (batch.len > 0) ||
	    (of_batch && !view_eq(view_of(content->ptr + sizeof BATCH_LABEL - 1, BATCH), batch)))
		return err_set(err, DIRCA_E_KEY_SHARE,
		    "it is a share for something else: another batch or drill, or the recovery of "
		    "one key");
	return err_set(err, DIRCA_E_KEY_SHARE, "it is a share of another archived key");
}

static bool
read_share(const struct recovery_blob *b, struct view batch, const struct secret *content,
    struct recovery_share *out, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *pub = NULL;
	OWNED(own_memory) char *who = NULL;
	uint8_t id[CMS_BOUND_LEN], number;
	struct head head;
	struct view value;

	if (!fill_head(b, batch, 0, &head, err))
		return false;
	if (content->len <= head.len || memcmp(content->ptr, head.octets, head.len - 1) != 0)
		return other_share(content, batch, err);
	number = content->ptr[head.len - 1];
	if (!find_number(b, number, &out->recipient))
		return err_set(err, DIRCA_E_KEY_SHARE, "the key has no share %u", (unsigned)number);
	value = view_of(content->ptr + head.len, content->len - head.len);
	if (!pkix_public_key(b->certificate.spki, &pub, err) || !archive_key_id(pub, id, err))
		return false;
	if (cms_share_is_of(&b->archived, out->recipient, id, value))
		return secret_dup(value, &out->value, err);
	who = recovery_recipient_text(b, out->recipient);
	return err_set(err, DIRCA_E_KEY_SHARE,
	    "it is not share %u of this key, which is of %s: it was changed", (unsigned)number,
	    who);
}

bool
recovery_share_open(const struct recovery_blob *b, const struct recovery_agent *agent,
    struct view batch, struct view message, struct recovery_share *out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};

	*out = (struct recovery_share){0};
	if (b->archived.threshold <= 1)
		return err_set(err, DIRCA_E_KEY_SHARE,
		    "each key recovery agent of this key opens it alone: there are no shares");
	return decrypt(agent, message, &content, err) && read_share(b, batch, &content, out, err);
}
