/*
 * Opening a recovery BLOB on the KRA's machine.
 */
#include "recovery.h"

#include <stdio.h>
#include <string.h>
#include <openssl/err.h>

#include "content.h"
#include "mem.h"
#include "own_openssl.h"

static void
append_recipient(char *list, size_t size, const struct recovery_blob *b, size_t i)
{
	const struct cms_recipient *r = &b->archived.recipients[i];
	const struct pkix_cert *c = recovery_recipient(b, i);
	struct view name = c != NULL ? c->subject : r->issuer;
	OWNED(own_memory) char *who = name.len > 0 ? pkix_name_text(name) : NULL;
	OWNED(own_memory) char *serial = r->serial.len > 0 ? pkix_serial_text(r->serial) : NULL;
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s%s (serial %s)", i > 0 ? "; " : "",
	    c != NULL ? "" : "issued by ", who != NULL ? who : "?", serial != NULL ? serial : "?");
}

static bool
no_recipient(const struct recovery_blob *b, const struct recovery_agent *agent, struct err *err)
{
	OWNED(own_memory)
	char *subject =
	    agent->certificate_count == 1 ? pkix_name_text(agent->certificates[0].subject) : NULL;
	char list[400] = "";

	for (size_t i = 0; i < b->archived.count; i++)
		append_recipient(list, sizeof list, b, i);
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
		if (EVP_PKEY_eq(agent->keys[i], pub) == 1)
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
open_recipient(const struct recovery_blob *b, const struct recovery_agent *agent, size_t i,
    EVP_PKEY *kra_key, EVP_PKEY **key_out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};
	OWNED(own_pkey) EVP_PKEY *pub = NULL;
	struct err ignored;

	if (!pkix_public_key(b->certificate.spki, &pub, err))
		return false;
	if (!cms_enveloped_open(&b->archived, i, kra_key, &content, err))
		return err->code == NTE_BAD_DATA && bad_content(err);
	return content_key(
		   secret_view(&content), agent->content_password, pub, key_out, &ignored) ||
	       bad_content(err);
}

/* Whose key a recipient without a certificate has is known by trying it. */
static bool
try_unknown(const struct recovery_blob *b, const struct recovery_agent *agent,
    size_t *recipient_out, EVP_PKEY **key_out)
{
	struct err ignored;

	for (size_t i = 0; i < b->archived.count; i++) {
		if (certificate_of(b, agent, i) != NULL)
			continue;
		for (size_t k = 0; k < agent->key_count; k++)
			if (open_recipient(b, agent, i, agent->keys[k], key_out, &ignored)) {
				*recipient_out = i;
				return true;
			}
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
				err_set(err, DIRCA_E_KEY_MISMATCH,
				    "the KRA's private key does not belong to the KRA certificate");
				return true;
			}
	}
	return false;
}

bool
recover_unwrap(const struct recovery_blob *b, const struct recovery_agent *agent,
    size_t *recipient_out, EVP_PKEY **key_out, struct err *err)
{
	*key_out = NULL;
	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *c = certificate_of(b, agent, i);
		EVP_PKEY *key = c != NULL ? key_of(agent, c) : NULL;

		*recipient_out = i;
		if (key != NULL)
			return open_recipient(b, agent, i, key, key_out, err);
	}
	if (try_unknown(b, agent, recipient_out, key_out))
		return true;
	return !has_only_certificate(b, agent, err) && no_recipient(b, agent, err);
}
