/*
 * Whom a key recovery agent believes. CMS signs content and attributes and nothing else; here every
 * other byte is held against them: the certificates by their hashes in the signed retrieval, the
 * frame by writing the message once more.
 */
#include "recovery.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "mem.h"
#include "own.h"
#include "text.h"

/* Keys of the CA that signed, of which the KRA knows that they are its. */
struct known_keys {
	const struct pkix_cert **list; /* certificates of them */
	size_t count;
};

static void
known_keys_free(struct known_keys *k)
{
	free(k->list);
}

static bool
is_known(const struct known_keys *k, struct view spki)
{
	for (size_t i = 0; i < k->count; i++)
		if (view_eq(k->list[i]->spki, spki))
			return true;
	return false;
}

/* A cross certificate: of the CA's name, for one of its keys by another that is known. */
static bool
is_vouched_for(const struct known_keys *k, const struct pkix_cert *cross,
    const struct pkix_cert *signer, bool sha1)
{
	if (!pkix_cert_is_ca(cross) || !view_eq(cross->subject, signer->subject) ||
	    !view_eq(cross->issuer, signer->subject))
		return false;
	for (size_t i = 0; i < k->count; i++)
		if (pkix_cert_is_signed_by(cross, k->list[i], sha1))
			return true;
	return false;
}

/* A renewal with the same key is the same CA, and one with a new key for which an older one
 * vouches. That the certificate in the message is the CA's own is then known by its hash, or not at
 * all. */
static bool
is_trusted(const struct recovery_blob *b, const struct recovery_trust *trust)
{
	OWNED(known_keys_free)
	struct known_keys known = {
	    .list = mem_zero(trust->ca_count + b->other_count + 1, sizeof(*known.list))};
	size_t before;

	if (!pkix_cert_is_ca(&b->signer))
		return false;
	for (size_t i = 0; i < trust->ca_count; i++)
		if (pkix_cert_is_ca(&trust->cas[i]) &&
		    view_eq(trust->cas[i].subject, b->signer.subject))
			known.list[known.count++] = &trust->cas[i];
	do {
		before = known.count;
		for (size_t i = 0; i < b->other_count; i++)
			if (!is_known(&known, b->others[i].spki) &&
			    is_vouched_for(&known, &b->others[i], &b->signer, trust->sha1))
				known.list[known.count++] = &b->others[i];
	} while (known.count > before);
	return is_known(&known, b->signer.spki);
}

static bool
refuse_signer(const struct recovery_blob *b, struct err *err)
{
	OWNED(own_memory)
	char *subject = pkix_name_text(b->signer.subject),
	     *sha256 = hex_encode(view_of(b->signer.sha256, sizeof b->signer.sha256), '\0');

	return err_set(err, CERT_E_UNTRUSTEDROOT,
	    "the recovery blob names %s (SHA-256 %s) as its signer, none of the CAs that you "
	    "trust; if it is your CA, get its certificate from its administrators and put it into "
	    "~/.config/dirca/trusted-cas, or give it with --ca, importkms and exportkms with "
	    "--trusted-ca",
	    subject != NULL ? subject : "?", sha256 != NULL ? sha256 : "?");
}

static bool
check_signature(const struct recovery_blob *b, bool sha1, EVP_PKEY **key_out, struct err *err)
{
	if (!pkix_public_key(b->signer.spki, key_out, err))
		return err_prefix(err, "recovery blob: the certificate of the CA");
	if (cms_signer_verify(&b->message, &b->message.signers[0], *key_out, sha1, err))
		return true;
	if (err->code == NTE_BAD_ALGID && !sha1)
		err_prefix(err, "--accept-sha1 takes a signature with SHA-1 all the same");
	return err_prefix(err, "recovery blob");
}

/* Both directions: each certificate of the message is named, and there are as many as are named,
 * each of them once. */
static bool
check_certificates(const struct recovery_blob *b, struct err *err)
{
	const struct retrieval *r = &b->retrieval;
	size_t named = 1 + r->chain_count + r->kra_count;

	for (size_t i = 0; i < b->other_count; i++) {
		for (size_t k = 0; k < i; k++)
			if (memcmp(b->others[k].sha256, b->others[i].sha256, RETRIEVAL_HASH_LEN) ==
			    0)
				return err_set(err, CRYPT_E_HASH_VALUE,
				    "the recovery blob holds a certificate twice");
		if (!retrieval_has(r, b->others[i].sha256))
			return err_set(err, CRYPT_E_HASH_VALUE,
			    "the recovery blob holds a certificate that the CA did not put there");
	}
	if (b->other_count != named)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "the recovery blob holds %zu certificates instead of %zu", b->other_count,
		    named);
	if (memcmp(r->certificate.sha256, b->certificate.sha256, RETRIEVAL_HASH_LEN) != 0 ||
	    memcmp(r->chain[0].sha256, b->signer.sha256, RETRIEVAL_HASH_LEN) != 0)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "the certificate of the key, or that of the CA, is not the one that the CA "
		    "named");
	return true;
}

/* The message as recovery_finish makes it of content, signed attributes and signature. */
static bool
check_frame(const struct recovery_blob *b, EVP_PKEY *ca_key, struct err *err)
{
	const struct cms_signer *s = &b->message.signers[0];
	const struct cms_sign in = {
	    .content_oid = CMS_ID_DATA,
	    .content = b->message.content,
	    .digest = s->digest,
	    .issuer = b->signer.issuer,
	    .serial = b->signer.serial,
	    .certificates = b->message.certificates,
	    .certificate_count = b->message.certificate_count,
	};
	struct buf sig_alg = {0}, again = {0};
	bool ok =
	    pkix_sig_alg(ca_key, &sig_alg, err) &&
	    cms_sign_finish(&in, s->signed_attrs, buf_view(&sig_alg), s->signature, &again, err);

	if (ok && !view_eq(buf_view(&again), buf_view(&b->message.raw)))
		ok = err_set(err, NTE_BAD_SIGNATURE,
		    "the recovery blob holds something that the CA did not sign");
	buf_free(&sig_alg);
	buf_free(&again);
	return ok;
}

bool
recovery_verify(const struct recovery_blob *b, const struct recovery_trust *trust, struct err *err)
{
	EVP_PKEY *key = NULL;
	bool ok;

	if (!is_trusted(b, trust))
		return refuse_signer(b, err);
	ok = check_signature(b, trust->sha1, &key, err);
	if (ok && b->has_retrieval)
		ok = check_certificates(b, err) && check_frame(b, key, err);
	else if (ok && !trust->unsigned_chain)
		ok = err_set(err, NTE_BAD_SIGNATURE,
		    "the CA did not sign who retrieved this recovery blob, nor the certificates in "
		    "it: AD CS made it, or an older dirca; --accept-unsigned-chain does without");
	EVP_PKEY_free(key);
	return ok;
}
