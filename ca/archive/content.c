#include "content.h"

#include "archive.h"
#include "bytes.h"
#include "der.h"
#include "keyblob.h"
#include "mem.h"
#include "own_openssl.h"
#include "pfx.h"
#include "pkcs8.h"
#include "pkix.h"

enum kind { KEY_BLOB, PKCS8, PKCS12_FILE, NOTHING };

/* The first element of a PKCS#12 is its version, 3; of a PKCS#8 it is 0, or 1 (RFC 5958). */
static enum kind
kind_of_der(struct view content)
{
	size_t head = content.len > 1 && content.ptr[1] > 0x80 ? 2 + (content.ptr[1] & 0x7fu) : 2;

	if (content.len < head + 3 || content.ptr[head] != DER_INTEGER ||
	    content.ptr[head + 1] != 1)
		return NOTHING;
	return content.ptr[head + 2] == 3  ? PKCS12_FILE
	       : content.ptr[head + 2] < 2 ? PKCS8
					   : NOTHING;
}

static enum kind
kind_of(struct view content)
{
	return content.len > 0 && content.ptr[0] == DER_SEQUENCE ? kind_of_der(content) : KEY_BLOB;
}

/* Of several the one whose public half is that of the certificate. */
static bool
from_pfx(struct view content, const struct secret *password, EVP_PKEY *pub, EVP_PKEY **out,
    struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content pfx = {0};
	const struct secret none = {0};

	if (!pfx_read(content, password != NULL ? password : &none, &pfx, err))
		return err_prefix(err, "the archived key is a PKCS#12");
	for (size_t i = 0; i < pfx.key_count; i++)
		if (pkix_same_key(pfx.keys[i].key, pub)) {
			*out = own_give(&pfx.keys[i].key);
			return true;
		}
	return err_set(err, DIRCA_E_KEY_MISMATCH,
	    "none of the %zu keys in the archived PKCS#12 is that of the certificate",
	    pfx.key_count);
}

bool
content_key(struct view content, const struct secret *password, EVP_PKEY *pub, EVP_PKEY **out,
    struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	bool ok = false;

	*out = NULL;
	switch (kind_of(content)) {
	case KEY_BLOB:
		ok = keyblob_decode(content, &key, err);
		break;
	case PKCS8:
		ok = pkcs8_decode_der(content, &key, err);
		break;
	case PKCS12_FILE:
		ok = from_pfx(content, password, pub, &key, err);
		break;
	case NOTHING:
		err_set(err, NTE_BAD_DATA,
		    "the archived key is neither a private key blob nor PKCS#8 nor PKCS#12");
		break;
	}
	if (!ok || !archive_key_matches(key, pub, err))
		return false;
	*out = own_give(&key);
	return true;
}
