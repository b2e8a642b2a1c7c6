/*
 * Recovery BLOBs, of AD CS or dirca: keys that were archived by another CA, opened with one of its
 * key recovery agents' keys. As where an agent recovers one (recovery_verify), before his key is
 * used: one that no CA gave out for an officer is not opened.
 */
#include "escrow_priv.h"

#include "mem.h"
#include "own_openssl.h"

#define SOURCE "recovery BLOB"

/* The way round: what they combine is read. */
static bool
several_agents(const struct recovery_blob *b, struct err *err)
{
	return err_set(err, DIRCA_E_KEY_SHARE,
	    "%zu of %zu key recovery agents open this key together. Import what they make of it: "
	    "each but the last 'dirca recoverkey BLOB --share SHARE --to LAST.crt --kra KRA.pfx', "
	    "the last 'dirca recoverkey BLOB OUT.pfx --combine SHARE --kra LAST.pfx'",
	    b->archived.threshold, b->archived.count);
}

static bool
open_blob(const struct recovery_blob *blob, const struct escrow_with *with, EVP_PKEY **key,
    struct err *err)
{
	size_t count = with->openers != NULL ? with->openers->key_count : 0, recipient;
	OWNED(own_memory) EVP_PKEY **keys = mem_zero(count + 1, sizeof(*keys));
	const struct recovery_agent agent = {.keys = keys, .key_count = count};

	if (blob->archived.threshold > 1)
		return several_agents(blob, err);
	if (count == 0)
		return err_set(err, CRYPT_E_NO_DECRYPT_CERT,
		    "a recovery BLOB is opened with the key of a key recovery agent: --opener");
	for (size_t i = 0; i < count; i++)
		keys[i] = with->openers->keys[i].key;
	return recover_unwrap(blob, &agent, &recipient, key, err);
}

bool
escrow_read_recovery(
    struct view file, const struct escrow_with *with, struct escrow_items *out, struct err *err)
{
	static const struct recovery_trust nobody = {0};
	OWNED(recovery_free) struct recovery_blob blob = {0};
	EVP_PKEY *key = NULL;

	return recovery_decode(file, &blob, err) &&
	       recovery_verify(&blob, with->trust != NULL ? with->trust : &nobody, err) &&
	       open_blob(&blob, with, &key, err) &&
	       escrow_add(out, key, buf_view(&blob.certificate.raw), NULL, NULL, SOURCE, err);
}
