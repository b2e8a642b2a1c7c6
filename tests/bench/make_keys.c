/*
 * Many keys to be imported, as Exchange's Key Management Service may have left them: PKCS#12 files
 * with certificates of version 1, each with a password of its own, and the list of these. Usage:
 * make_keys FOLDER N CA.crt CA.key (N.p12 is of CN=manyN, with serial number 100000+N, and
 * NWTRADERS\user1's and user2's in turn)
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#define FIRST_SERIAL 100000
#define DAYS         9

static void
must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "make_keys: %s\n", what);
	exit(1);
}

static FILE *
open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	must(f != NULL, path);
	return f;
}

static X509 *
certificate(long i, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	X509 *c = X509_new();
	char cn[32];

	snprintf(cn, sizeof cn, "many%ld", i);
	must(c != NULL && ASN1_INTEGER_set(X509_get_serialNumber(c), FIRST_SERIAL + i) == 1 &&
		 X509_set_issuer_name(c, X509_get_subject_name(ca)) == 1 &&
		 X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
		     (const unsigned char *)cn, -1, -1, 0) == 1 &&
		 X509_gmtime_adj(X509_getm_notBefore(c), 0) != NULL &&
		 X509_time_adj_ex(X509_getm_notAfter(c), DAYS, 0, NULL) != NULL &&
		 X509_set_pubkey(c, key) == 1 && X509_sign(c, ca_key, EVP_sha256()) > 0,
	    "a certificate");
	return c;
}

static void
write_one(const char *folder, long i, X509 *ca, EVP_PKEY *ca_key, FILE *list)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *c = certificate(i, key, ca, ca_key);
	char path[4096], password[32];
	PKCS12 *pfx;
	FILE *f;

	snprintf(path, sizeof path, "%s/%ld.p12", folder, i);
	snprintf(password, sizeof password, "p%ld,x", i);
	pfx = PKCS12_create(password, NULL, key, c, NULL, 0, 0, 0, 0, 0);
	f = open_file(path, "wb");
	must(pfx != NULL && i2d_PKCS12_fp(f, pfx) == 1 && fclose(f) == 0, path);
	fprintf(list, "%ld.p12,\"%s\",NWTRADERS\\user%ld\n", i, password, i % 2 + 1);
	PKCS12_free(pfx);
	X509_free(c);
	EVP_PKEY_free(key);
}

int
main(int argc, char **argv)
{
	char path[4096];
	FILE *f, *list;
	EVP_PKEY *key;
	X509 *ca;

	must(argc == 5, "usage: make_keys FOLDER N CA.crt CA.key");
	f = open_file(argv[3], "r");
	ca = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	f = open_file(argv[4], "r");
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	must(ca != NULL && key != NULL, "the CA");
	must(mkdir(argv[1], 0700) == 0, argv[1]);
	snprintf(path, sizeof path, "%s/passwords.csv", argv[1]);
	list = open_file(path, "w");
	for (long i = 0; i < strtol(argv[2], NULL, 10); i++)
		write_one(argv[1], i, ca, key, list);
	must(fclose(list) == 0, path);
	X509_free(ca);
	EVP_PKEY_free(key);
	return 0;
}
