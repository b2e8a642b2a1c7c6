#include "ca_key.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "file.h"
#include "key_uri.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkcs8.h"
#include "pkix.h"
#include "text.h"

#define KEY_FILE_MAX (64 * 1024)

static const struct {
	const char *name;
	int rsa_bits; /* 0: EC */
	const char *curve;
} kinds[] = {
    [CA_KEY_RSA_2048] = {"rsa2048", 2048, NULL},
    [CA_KEY_RSA_3072] = {"rsa3072", 3072, NULL},
    [CA_KEY_RSA_4096] = {"rsa4096", 4096, NULL},
    [CA_KEY_EC_P256] = {"p256", 0, "P-256"},
    [CA_KEY_EC_P384] = {"p384", 0, "P-384"},
};

bool
ca_key_kind_by_name(const char *name, enum ca_key_kind *out)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (text_eq_nocase(kinds[i].name, name)) {
			*out = (enum ca_key_kind)i;
			return true;
		}
	return false;
}

bool
ca_key_is_of_kind(const EVP_PKEY *key, enum ca_key_kind kind)
{
	char group[32];

	if (kinds[kind].rsa_bits > 0)
		return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == kinds[kind].rsa_bits;
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       OBJ_txt2nid(group) == EC_curve_nist2nid(kinds[kind].curve);
}

/* ---- files ---- */

bool
key_file_write(const char *path, EVP_PKEY *key, const struct secret *passphrase, struct err *err)
{
	OWNED(secret_free) struct secret pem = {0};

	if (!pkcs8_encode(key, passphrase, &pem, err))
		return err_prefix(err, "%s", path);
	return file_create(path, secret_view(&pem), 0600, err);
}

static bool
check_private(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		    "%s: no key file", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, DIRCA_E_CONFIG,
		    "%s: others than its owner may use this key file; chmod 600 it", path);
	return true;
}

bool
key_file_read(const char *path, const struct secret *passphrase, EVP_PKEY **out, struct err *err)
{
	OWNED(secret_free) struct secret pem = {0};
	OWNED(own_memory) char *uri = NULL;
	struct err reason;

	*out = NULL;
	if (!check_private(path, err) || !file_read_secret(path, KEY_FILE_MAX, &pem, err))
		return false;
	if ((uri = key_uri_in(&pem)) != NULL)
		return key_uri_open(uri, passphrase, out, err) || err_prefix(err, "%s", path);
	return pkcs8_decode(&pem, passphrase, out, &reason) ||
	       err_set(err, DIRCA_E_CONFIG, "%s: the private key cannot be read (%s): %s", path,
		   passphrase != NULL ? "is the passphrase right?"
				      : "if it is encrypted, configure the passphrase file",
		   reason.msg);
}

void
ca_key_name(uint32_t index, char out[CA_KEY_NAME_MAX])
{
	if (index == 0)
		snprintf(out, CA_KEY_NAME_MAX, "ca.key");
	else
		snprintf(out, CA_KEY_NAME_MAX, "ca-%" PRIu32 ".key", index);
}

static bool
ca_key_path(const char *folder, uint32_t index, char path[KEY_PATH_MAX], struct err *err)
{
	char name[CA_KEY_NAME_MAX];
	int n;

	ca_key_name(index, name);
	n = snprintf(path, KEY_PATH_MAX, "%s/%s", folder, name);

	if (n < 0 || n >= KEY_PATH_MAX)
		return err_set(err, DIRCA_E_CONFIG, "the vault's folder has too long a name");
	return true;
}

static bool
make_folder(const char *folder, struct err *err)
{
	return mkdir(folder, 0700) == 0 || errno == EEXIST ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot make the vault's folder", folder);
}

bool
ca_key_create(const char *folder, uint32_t index, enum ca_key_kind kind,
    const struct secret *passphrase, struct err *err)
{
	char path[KEY_PATH_MAX];
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct stat st;

	if (!ca_key_path(folder, index, path, err) || !make_folder(folder, err))
		return false;
	/* Before the slow part; file_create decides. */
	if (stat(path, &st) == 0)
		return err_set(err, ERROR_FILE_EXISTS,
		    "%s: this CA has a key already; it is not overwritten", path);
	key = kinds[kind].rsa_bits > 0 ? EVP_RSA_gen((unsigned)kinds[kind].rsa_bits)
				       : EVP_EC_gen(kinds[kind].curve);
	if (key == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "%s: the CA key could not be made", path);
	return key_file_write(path, key, passphrase, err);
}

bool
ca_key_import(const char *folder, uint32_t index, EVP_PKEY *key, const struct secret *passphrase,
    struct err *err)
{
	char path[KEY_PATH_MAX];

	return ca_key_path(folder, index, path, err) && make_folder(folder, err) &&
	       key_file_write(path, key, passphrase, err);
}

bool
ca_key_refer(
    const char *folder, uint32_t index, const char *uri, const struct secret *pin, struct err *err)
{
	char path[KEY_PATH_MAX];
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(own_memory) char *line = text_printf("%s\n", uri);

	return ca_key_path(folder, index, path, err) && key_uri_open(uri, pin, &key, err) &&
	       make_folder(folder, err) && file_create(path, view_str(line), 0600, err);
}

bool
ca_key_open(const char *folder, uint32_t index, const struct secret *passphrase, EVP_PKEY **out,
    struct err *err)
{
	char path[KEY_PATH_MAX];

	*out = NULL;
	return ca_key_path(folder, index, path, err) && key_file_read(path, passphrase, out, err);
}

bool
ca_key_uri(const char *folder, uint32_t index, char **out, struct err *err)
{
	OWNED(secret_free) struct secret text = {0};
	char path[KEY_PATH_MAX];

	*out = NULL;
	if (!ca_key_path(folder, index, path, err) ||
	    !file_read_secret(path, KEY_FILE_MAX, &text, err))
		return false;
	*out = key_uri_in(&text);
	return true;
}

/* ---- signing ---- */

/* The digest that pkix_sig_alg names for the key. */
static bool
fetch_digest(EVP_PKEY *key, EVP_MD **out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	int digest;

	if (!pkix_sig_alg(key, &der, err))
		return false;
	if ((digest = pkix_sig_digest(buf_view(&der))) != NID_undef)
		*out = EVP_MD_fetch(NULL, OBJ_nid2sn(digest), NULL);
	return *out != NULL || err_openssl(err, NTE_BAD_ALGID,
				   "the CA key's signature algorithm has no known digest");
}

bool
key_signer_open(EVP_PKEY *key, struct key_signer *out, struct err *err)
{
	*out = (struct key_signer){0};
	if (!fetch_digest(key, &out->digest, err))
		return false;
	out->hash = EVP_MD_CTX_new();
	out->sign = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (EVP_PKEY_up_ref(key) == 1)
		out->key = key;
	if (out->hash == NULL || out->sign == NULL || out->key == NULL ||
	    EVP_PKEY_sign_init(out->sign) != 1 ||
	    (EVP_PKEY_is_a(key, "RSA") &&
		EVP_PKEY_CTX_set_rsa_padding(out->sign, RSA_PKCS1_PADDING) != 1) ||
	    EVP_PKEY_CTX_set_signature_md(out->sign, out->digest) != 1) {
		key_signer_close(out);
		return err_openssl(err, DIRCA_E_CRYPTO, "the CA key cannot sign");
	}
	return true;
}

bool
key_signer_sign(struct key_signer *s, struct view tbs, struct buf *signature, struct err *err)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len;
	size_t len = (size_t)EVP_PKEY_get_size(s->key);

	buf_free(signature);
	if (!buf_alloc(len, signature, err))
		return false;
	if (EVP_DigestInit_ex2(s->hash, s->digest, NULL) != 1 ||
	    EVP_DigestUpdate(s->hash, tbs.ptr, tbs.len) != 1 ||
	    EVP_DigestFinal_ex(s->hash, digest, &digest_len) != 1 ||
	    EVP_PKEY_sign(s->sign, signature->ptr, &len, digest, digest_len) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "signing with the CA key");
	signature->len = len;
	return true;
}

void
key_signer_close(struct key_signer *s)
{
	EVP_PKEY_CTX_free(s->sign);
	EVP_MD_CTX_free(s->hash);
	EVP_MD_free(s->digest);
	EVP_PKEY_free(s->key);
	*s = (struct key_signer){0};
}

bool
ca_key_sign(EVP_PKEY *key, struct view tbs, struct buf *signature_out, struct err *err)
{
	OWNED(key_signer_close) struct key_signer signer = {0};

	*signature_out = (struct buf){0};
	return key_signer_open(key, &signer, err) &&
	       key_signer_sign(&signer, tbs, signature_out, err);
}
