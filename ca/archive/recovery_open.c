/*
 * Opening a recovery BLOB on the KRA's machine.
 */
#include "recovery.h"

#include <openssl/err.h>

#include "archive_priv.h"
#include "content.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkix.h"
#include "text.h"

char *
recovery_recipient_text(const struct recovery_blob *b, size_t recipient)
{
	const struct cms_recipient *r = &b->archived.recipients[recipient];
	const struct pkix_cert *c = recovery_recipient(b, recipient);
	struct view name = c != NULL ? c->subject : r->issuer;
	OWNED(own_memory) char *who = name.len > 0 ? pkix_name_text(name) : NULL;
	OWNED(own_memory) char *serial = r->serial.len > 0 ? pkix_serial_text(r->serial) : NULL;

	return text_printf("%s%s (serial %s)", c != NULL ? "" : "issued by ",
	    who != NULL ? who : "?", serial != NULL ? serial : "?");
}

static bool
no_recipient(const struct recovery_blob *b, const struct recovery_agent *agent, struct err *err)
{
	OWNED(own_memory)
	char *subject =
	    agent->certificate_count == 1 ? pkix_name_text(agent->certificates[0].subject) : NULL;
	OWNED(own_memory) char *list = mem_text("");

	for (size_t i = 0; i < b->archived.count; i++) {
		OWNED(own_memory) char *recipient = recovery_recipient_text(b, i);

		text_list_add(&list, "; ", recipient);
	}
	return err_set(err, CRYPT_E_NO_DECRYPT_CERT,
	    "%s cannot open this recovery blob; these can: %s",
	    subject != NULL         ? subject
	    : agent->key_count == 1 ? "the KRA's key"
				    : "none of the KRA's keys",
	    list);
}

/* The certificate of recipient `i`: of the message, else of the agent. */
static const struct pkix_cert *
certificate_of(const struct recovery_blob *b, const struct recovery_agent *agent, size_t i)
{
	const struct pkix_cert *c = recovery_recipient(b, i);

	for (size_t k = 0; c == NULL && k < agent->certificate_count; k++)
		if (recovery_recipient_is(&b->archived.recipients[i], &agent->certificates[k]))
			c = &agent->certificates[k];
	return c;
}

/* A recipient is a public key: a certificate that was renewed with its key opens what was sealed to
 * the one before. NULL: none of the keys. */
static EVP_PKEY *
key_of(const struct recovery_agent *agent, const struct pkix_cert *c)
{
	OWNED(own_pkey) EVP_PKEY *pub = NULL;
	struct err ignored;

	if (!pkix_public_key(c->spki, &pub, &ignored))
		return NULL;
	for (size_t i = 0; i < agent->key_count; i++)
		if (pkix_same_key(agent->keys[i], pub))
			return agent->keys[i];
	return NULL;
}

/* Who could change the stored key, or turn an AuthEnvelopedData into an EnvelopedData under the
 * same content key (RFC 9709), is not to learn from an answer what came out of it: whether it was
 * padded, had the form of a key, or was one. */
static bool
bad_content(struct err *err)
{
	ERR_clear_error();
	return err_set(err, NTE_BAD_DATA,
	    "the archived key does not open with this key or password, is damaged, or is none that "
	    "belongs to the certificate of the recovery blob");
}

static bool
bad_share(struct err *err)
{
	ERR_clear_error();
	return err_set(err, NTE_BAD_DATA,
	    "the agent's share does not open with this key, or it is not the one that the CA made "
	    "of "
	    "the key that belongs to the certificate of the recovery blob");
}

/* What is opened of a recipient, and for whom. */
struct opening {
	const struct recovery_blob *blob;
	const struct recovery_agent *agent;
	EVP_PKEY *pub;                /* of the certificate */
	EVP_PKEY **key_out;           /* the archived key, or: */
	struct recovery_share *share; /* his share of it */
	struct secret *content_out;   /* with the key: what it lay in; NULL: nobody asks */
	size_t recipient;             /* found */
};

static void
opening_free(struct opening *o)
{
	EVP_PKEY_free(o->pub);
}

static bool
read_content(const struct opening *o, const struct secret *content, struct err *err)
{
	struct err ignored;

	return content_key(secret_view(content), o->agent->content_password, o->pub, o->key_out,
		   &ignored) ||
	       bad_content(err);
}

/* The key in it, and itself where somebody asks for it. */
static bool
take_content(const struct opening *o, struct secret *content, struct err *err)
{
	if (!read_content(o, content, err))
		return false;
	if (o->content_out != NULL) {
		*o->content_out = *content;
		*content = (struct secret){0};
	}
	return true;
}

static bool
open_key(const struct opening *o, size_t i, EVP_PKEY *kra_key, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};

	if (!cms_enveloped_open(&o->blob->archived, i, kra_key, &content, err))
		return err->code == NTE_BAD_DATA && bad_content(err);
	return take_content(o, &content, err);
}

static bool
open_share(const struct opening *o, size_t i, EVP_PKEY *kra_key, struct err *err)
{
	uint8_t id[CMS_BOUND_LEN];

	o->share->recipient = i;
	return archive_key_id(o->pub, id, err) &&
	       (cms_share_open(&o->blob->archived, i, kra_key, id, &o->share->value, err) ||
		   (err->code == NTE_BAD_DATA && bad_share(err)));
}

static bool
open_recipient(struct opening *o, size_t i, EVP_PKEY *kra_key, struct err *err)
{
	o->recipient = i;
	return o->share != NULL ? open_share(o, i, kra_key, err) : open_key(o, i, kra_key, err);
}

/* Whose key a recipient without a certificate has is known by trying it. */
static bool
try_unknown(struct opening *o)
{
	struct err ignored;

	for (size_t i = 0; i < o->blob->archived.count; i++) {
		if (certificate_of(o->blob, o->agent, i) != NULL)
			continue;
		for (size_t k = 0; k < o->agent->key_count; k++)
			if (open_recipient(o, i, o->agent->keys[k], &ignored))
				return true;
	}
	return false;
}

/* He has the certificate and not its key: a wrong file, and no wrong agent. */
static bool
has_only_certificate(
    const struct recovery_blob *b, const struct recovery_agent *agent, struct err *err)
{
	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *c = certificate_of(b, agent, i);

		for (size_t k = 0; c != NULL && k < agent->certificate_count; k++)
			if (view_eq(agent->certificates[k].spki, c->spki)) {
				OWNED(own_memory) char *subject = pkix_name_text(c->subject);

				err_set(err, DIRCA_E_KEY_MISMATCH,
				    "the KRA's private key does not belong to the KRA certificate "
				    "of %s",
				    subject != NULL ? subject : "?");
				return true;
			}
	}
	return false;
}

static bool
open_for(struct opening *o, struct err *err)
{
	const struct recovery_blob *b = o->blob;

	if (!pkix_public_key(b->certificate.spki, &o->pub, err))
		return false;
	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *c = certificate_of(b, o->agent, i);
		EVP_PKEY *key = c != NULL ? key_of(o->agent, c) : NULL;

		if (key != NULL)
			return open_recipient(o, i, key, err);
	}
	return try_unknown(o) ||
	       (!has_only_certificate(b, o->agent, err) && no_recipient(b, o->agent, err));
}

static bool
too_few(const struct recovery_blob *b, size_t count, struct err *err)
{
	return err_set(err, DIRCA_E_KEY_SHARE,
	    "%zu of %zu key recovery agents open this key together, and %zu %s here: --share gives "
	    "the share of one, --combine takes them",
	    b->archived.threshold, b->archived.count, count, count == 1 ? "is" : "are");
}

bool
recover_unwrap(const struct recovery_blob *b, const struct recovery_agent *agent,
    size_t *recipient_out, EVP_PKEY **key_out, struct err *err)
{
	OWNED(opening_free)
	struct opening o = {.blob = b, .agent = agent, .key_out = key_out};
	bool ok;

	*key_out = NULL;
	if (b->archived.threshold > 1)
		return too_few(b, 1, err);
	ok = open_for(&o, err);
	*recipient_out = o.recipient;
	return ok;
}

bool
recover_share(const struct recovery_blob *b, const struct recovery_agent *agent,
    struct recovery_share *out, struct err *err)
{
	OWNED(opening_free) struct opening o = {.blob = b, .agent = agent, .share = out};

	*out = (struct recovery_share){0};
	if (b->archived.threshold <= 1)
		return err_set(err, DIRCA_E_KEY_SHARE,
		    "each key recovery agent of this key opens it alone: there are no shares");
	return open_for(&o, err);
}

/* What was in it too, where somebody asks. */
static bool
combine(struct opening *o, const struct recovery_share *shares, size_t count, struct err *err)
{
	const struct recovery_blob *b = o->blob;
	OWNED(secret_free) struct secret content = {0};
	OWNED(own_memory) struct cms_share *list = mem_zero(count + 1, sizeof *list);
	uint8_t id[CMS_BOUND_LEN];

	*o->key_out = NULL;
	if (count < b->archived.threshold)
		return too_few(b, count, err);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct cms_share){shares[i].recipient, secret_view(&shares[i].value)};
	if (!pkix_public_key(b->certificate.spki, &o->pub, err) || !archive_key_id(o->pub, id, err))
		return false;
	if (!cms_shares_open(&b->archived, id, list, count, &content, err))
		return err->code == NTE_BAD_DATA && bad_content(err);
	return take_content(o, &content, err);
}

bool
recover_combine(const struct recovery_blob *b, const struct recovery_agent *agent,
    const struct recovery_share *shares, size_t count, EVP_PKEY **key_out, struct err *err)
{
	OWNED(opening_free)
	struct opening o = {.blob = b, .agent = agent, .key_out = key_out};

	return combine(&o, shares, count, err);
}

/* ---- and sealed to others ---- */

static bool
seal_to(const struct recovery_sealing *to, const struct secret *content, const EVP_PKEY *pub,
    struct buf *out, struct err *err)
{
	return archive_seal(
	    &(struct archive_sealing){to->to, to->count, to->threshold, to->cipher, {0}}, content,
	    pub, out, err);
}

bool
recover_reseal(const struct recovery_blob *b, const struct recovery_agent *agent,
    const struct recovery_sealing *to, struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(opening_free)
	struct opening o = {.blob = b, .agent = agent, .key_out = &key, .content_out = &content};

	*out = (struct buf){0};
	if (b->archived.threshold > 1)
		return too_few(b, 1, err);
	return open_for(&o, err) && seal_to(to, &content, o.pub, out, err);
}

bool
recover_reseal_shared(const struct recovery_blob *b, const struct recovery_agent *agent,
    const struct recovery_share *shares, size_t count, const struct recovery_sealing *to,
    struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(opening_free)
	struct opening o = {.blob = b, .agent = agent, .key_out = &key, .content_out = &content};

	*out = (struct buf){0};
	return combine(&o, shares, count, err) && seal_to(to, &content, o.pub, out, err);
}
