#include <string.h>

#include "text.h"
#include "tmpl.h"

/* Names of the Cryptography Next Generation providers that may stand in msPKI-Asymmetric-Algorithm.
 * Where one names a key that this CA cannot take, `algorithm` is NULL. */
static const struct {
	const char *name;
	struct tmpl_key_rule rule;
} key_algorithms[] = {
    {"RSA", {"RSA", 0, false}},
    {"ECDH", {"EC", 0, false}},
    {"ECDH_P256", {"EC", 256, false}},
    {"ECDH_P384", {"EC", 384, false}},
    {"ECDH_P521", {"EC", 521, false}},
    {"ECDSA", {"EC", 0, true}},
    {"ECDSA_P256", {"EC", 256, true}},
    {"ECDSA_P384", {"EC", 384, true}},
    {"ECDSA_P521", {"EC", 521, true}},
};

bool
tmpl_key_rule(const struct tmpl *t, struct tmpl_key_rule *out, struct err *err)
{
	*out = (struct tmpl_key_rule){0};
	if (t->asymmetric_algorithm == NULL)
		return true;
	for (size_t i = 0; i < sizeof key_algorithms / sizeof key_algorithms[0]; i++)
		if (text_eq_nocase(key_algorithms[i].name, t->asymmetric_algorithm)) {
			*out = key_algorithms[i].rule;
			return true;
		}
	return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
	    "template %s names algorithm %s (msPKI-Asymmetric-Algorithm), which this CA does not "
	    "certify; choose RSA, ECDH_P256, _P384, _P521 or the same of ECDSA",
	    t->cn, t->asymmetric_algorithm);
}

static bool
aes_of_length(const struct tmpl *t, enum tmpl_cipher *out, struct err *err)
{
	switch (t->symmetric_key_length) {
	case 0:
	case 256:
		*out = TMPL_CIPHER_AES_256;
		return true;
	case 192:
		*out = TMPL_CIPHER_AES_192;
		return true;
	case 128:
		*out = TMPL_CIPHER_AES_128;
		return true;
	default:
		return err_set(err, NTE_BAD_ALGID,
		    "template %s: AES has no keys of %d bits; set msPKI-Symmetric-Key-Length to "
		    "128, 192 or 256",
		    t->cn, (int)t->symmetric_key_length);
	}
}

bool
tmpl_transport_cipher(const struct tmpl *t, enum tmpl_cipher *out, struct err *err)
{
	*out = TMPL_CIPHER_AES_256;
	if (t->symmetric_algorithm == NULL)
		return true;
	if (text_eq_nocase(t->symmetric_algorithm, "AES"))
		return aes_of_length(t, out, err);
	*out = TMPL_CIPHER_3DES;
	/* 192 counts the parity bits too. */
	if (text_eq_nocase(t->symmetric_algorithm, "3DES") &&
	    (t->symmetric_key_length == 0 || t->symmetric_key_length == 168 ||
		t->symmetric_key_length == 192))
		return true;
	return err_set(err, NTE_BAD_ALGID,
	    "template %s: no private key is sent with %s of %d bits (msPKI-Symmetric-Algorithm); "
	    "choose AES or 3DES",
	    t->cn, t->symmetric_algorithm, (int)t->symmetric_key_length);
}
