/*
 * The CRL of another CA, in the directory of the harness or by itself.
 */
#ifndef SUPPORT_FOREIGN_CRL_H
#define SUPPORT_FOREIGN_CRL_H

#include "ca_harness.h"
#include "crl_list.h"
#include "given.h"

struct foreign_crl {
	const char *name; /* of the CA, in the directory */
	const struct pkix_cert *issuer;
	EVP_PKEY *signer;
	struct view revoked; /* the serial number that it lists; empty: none */
	int64_t next_update;
};

static inline void
foreign_crl_make(const struct foreign_crl *f, struct buf *crl)
{
	int64_t since = clock_now() - 7200;
	struct pkix_revoked entry = {.serial = f->revoked, .when = since, .reason = 1};
	struct buf tbs, alg, signature;
	struct err why, *err = &why;

	harness_must(pkix_sig_alg(f->signer, &alg, err), err);
	harness_must(crl_of_list(&(struct pkix_crl_head){.issuer = f->issuer->subject,
				     .sig_alg = buf_view(&alg),
				     .this_update = since,
				     .next_update = f->next_update,
				     .number = 1},
			 &entry, f->revoked.len > 0, &tbs, err),
	    err);
	test_sign(f->signer, buf_view(&tbs), &signature);
	harness_must(
	    pkix_signed_wrap(buf_view(&tbs), buf_view(&alg), buf_view(&signature), crl, err), err);
	buf_free(&tbs);
	buf_free(&alg);
	buf_free(&signature);
}

/* The CA that harness_parent made, with its key. */
static inline void
foreign_crl_parent(struct test_cert *out)
{
	char path[128];
	struct err err;
	FILE *f;

	snprintf(path, sizeof path, "%s/parent.key", harness.dir);
	f = fopen(path, "r");
	assert_non_null(f);
	out->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(out->key);
	snprintf(path, sizeof path, "%s/parent.crt", harness.dir);
	harness_must(given_certificate(path, &out->der, NULL, &err), &err);
	harness_must(pkix_cert_decode(buf_view(&out->der), &out->cert, &err), &err);
}

static inline bool
foreign_crl_publish(struct dir_conn *c, void *arg, struct err *err)
{
	const struct foreign_crl *f = arg;
	struct buf crl;
	bool ok;

	foreign_crl_make(f, &crl);
	ok = pki_publish_crl(c,
	    &(struct pki_crl_place){.ca_name = f->name, .host = "ca9.nwtraders.com"},
	    buf_view(&crl), err);
	buf_free(&crl);
	return ok;
}

static inline void
foreign_crl_put(const struct foreign_crl *f)
{
	struct foreign_crl copy = *f;
	struct err err;

	harness_must(ca_directory_do(harness.ca, foreign_crl_publish, &copy, &err), &err);
}

#endif
