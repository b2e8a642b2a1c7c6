/*
 * The CRL of another CA, in the directory of the harness.
 */
#ifndef SUPPORT_FOREIGN_CRL_H
#define SUPPORT_FOREIGN_CRL_H

#include "ca_harness.h"
#include "crl_list.h"

struct foreign_crl {
	const char *name; /* of the CA, in the directory */
	const struct pkix_cert *issuer;
	EVP_PKEY *signer;
	struct view revoked; /* the serial number that it lists; empty: none */
	int64_t next_update;
};

static inline bool
foreign_crl_publish(struct dir_conn *c, void *arg, struct err *err)
{
	const struct foreign_crl *f = arg;
	int64_t since = clock_now() - 7200;
	struct pkix_revoked entry = {.serial = f->revoked, .when = since, .reason = 1};
	struct buf tbs, alg, signature, crl;
	bool ok;

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
	    pkix_signed_wrap(buf_view(&tbs), buf_view(&alg), buf_view(&signature), &crl, err), err);
	ok = pki_publish_crl(c,
	    &(struct pki_crl_place){.ca_name = f->name, .host = "ca9.nwtraders.com"},
	    buf_view(&crl), err);
	buf_free(&tbs);
	buf_free(&alg);
	buf_free(&signature);
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
