/*
 * What verifying, decrypting and key agreement are for a fuzz target of preset "asan" that is about
 * decoders: nothing that takes time, with a result that the input chooses, so that both ways behind
 * it are walked. Linked with --wrap into single targets; the programs' own sources know nothing of
 * it, and no other build has this file.
 */
#ifndef DIRCA_FUZZ
#error "for targets of libFuzzer only"
#endif

#include <string.h>
#include <openssl/evp.h>

int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_len,
    const unsigned char *tbs, size_t len);
int __wrap_EVP_PKEY_decrypt(
    EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_len, const unsigned char *in, size_t in_len);
int __wrap_EVP_PKEY_derive(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_len);

int
__wrap_EVP_DigestVerify(
    EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_len, const unsigned char *tbs, size_t len)
{
	(void)ctx, (void)tbs, (void)len;
	return sig_len > 0 && (sig[sig_len - 1] & 1) != 0;
}

/* The content key is the beginning of what is encrypted, as long as its last byte says. */
int
__wrap_EVP_PKEY_decrypt(
    EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_len, const unsigned char *in, size_t in_len)
{
	static const size_t lengths[] = {32, 24, 16, 0};
	size_t len = in_len > 0 ? lengths[in[in_len - 1] & 3] : 0;

	(void)ctx;
	if (len == 0 || in_len < len || *out_len < len)
		return 0;
	memcpy(out, in, len);
	*out_len = len;
	return 1;
}

int
__wrap_EVP_PKEY_derive(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_len)
{
	(void)ctx;
	memset(out, 0x5a, *out_len);
	return 1;
}
