/*
 * A TBSCertList of a list of entries, for tests.
 */
#ifndef TESTS_SUPPORT_CRL_LIST_H
#define TESTS_SUPPORT_CRL_LIST_H

#include "pkix.h"

static inline bool
crl_of_list(const struct pkix_crl_head *head, const struct pkix_revoked *list, size_t count,
    struct buf *out, struct err *err)
{
	struct pkix_crl_making m = {0};
	struct view tbs;
	bool ok = pkix_crl_begin(head, &m, err);

	*out = (struct buf){0};
	for (size_t i = 0; ok && i < count; i++)
		ok = pkix_crl_add(&m, &list[i], err);
	ok = ok && pkix_crl_tbs_end(&m, &tbs, err) && buf_dup(tbs, out, err);
	pkix_crl_making_free(&m);
	return ok;
}

#endif
