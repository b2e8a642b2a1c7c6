/*
 * A thief of the database, or a key recovery agent with a backup of it, makes the recovery BLOB
 * himself that he would have to ask an officer for. usage: s05_forge KEY.pem CA.der ARCHIVED.der
 * CERTIFICATE.der KRA.der OUT
 */
#include <stdio.h>
#include <stdlib.h>
#include <openssl/pem.h>

#include "clock.h"
#include "file.h"
#include "oids.h"
#include "recovery.h"

static void
must(bool ok, const struct err *err)
{
	if (!ok) {
		fprintf(stderr, "s05_forge: %s\n", err->msg);
		exit(1);
	}
}

static struct buf
read_all(const char *path)
{
	struct buf b;
	struct err err;

	must(file_read(path, 1 << 20, &b, &err), &err);
	return b;
}

static EVP_PKEY *
read_key(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (key == NULL)
		exit(1);
	fclose(f);
	return key;
}

static void
sign(EVP_PKEY *key, struct view what, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = (size_t)EVP_PKEY_get_size(key);
	struct err err;

	must(buf_alloc(len, out, &err), &err);
	if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) != 1 ||
	    EVP_DigestSign(ctx, out->ptr, &len, what.ptr, what.len) != 1)
		exit(1);
	out->len = len;
	EVP_MD_CTX_free(ctx);
}

int
main(int argc, char **argv)
{
	static char officer[] = "NWTRADERS\\officer1", sid[] = "S-1-5-21-1-2-3-1106";
	struct buf attrs, sig_alg, signature, out;
	struct err err;

	if (argc != 7)
		return 2;
	must(secret_heap_init(1 << 16, true, &err) && oids_init(&err), &err);
	EVP_PKEY *key = read_key(argv[1]);
	struct buf ca = read_all(argv[2]), archived = read_all(argv[3]), cert = read_all(argv[4]),
		   kra = read_all(argv[5]);
	const struct view chain = buf_view(&ca), kras = buf_view(&kra);
	const struct recovery_make in = {.archived = buf_view(&archived),
	    .certificate = buf_view(&cert),
	    .chain = &chain,
	    .chain_count = 1,
	    .kras = &kras,
	    .kra_count = 1,
	    .digest = EVP_sha256(),
	    .retrieval = {.request_id = 1,
		.audit_row = 1,
		.when = clock_now(),
		.officer = officer,
		.officer_sid = sid}};

	must(recovery_attrs(&in, &attrs, &err) && pkix_sig_alg(key, &sig_alg, &err), &err);
	sign(key, buf_view(&attrs), &signature);
	must(recovery_finish(
		 &in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), &out, &err) &&
		 file_create(argv[6], buf_view(&out), 0600, &err),
	    &err);
	return 0;
}
