/*
 * Requests of the tests of ca/enroll that others sign too, or that renew: made, sent to the CA of
 * ca_harness.h, and what became of them. Header only.
 */
#ifndef SUPPORT_ENROLL_ASK_H
#define SUPPORT_ENROLL_ASK_H

/* That the requests of a test are for unless they say another. */
#ifndef ASK_TEMPLATE
#define ASK_TEMPLATE "EFSArchive"
#endif

#include "ca_harness.h"
#include "cmc.h"
#include "enroll.h"
#include "wrapped_request.h"

/* A request under construction. */
struct ask {
	const char *template_cn; /* NULL: ASK_TEMPLATE */
	const char *subject;     /* on behalf of whom */
	const struct test_cert *signers[17];
	bool wrapped, archive, cmc_inside;
	struct view renews; /* certificate to be renewed */
	const STACK_OF(X509_EXTENSION) * extensions;
	const struct cmc_transaction *transaction;
	EVP_PKEY *key;
	struct buf message;
};

static inline void
ask_cosign(struct buf *message, const struct test_cert *by)
{
	const struct cms_cosigner in = {.key = by->key, .certificate = buf_view(&by->der)};
	struct buf out;
	struct err err;

	harness_must(cms_cosign(buf_view(message), &in, &out, &err), &err);
	buf_free(message);
	*message = out;
}

static inline void
ask_make_cmc(struct ask *a, struct view pkcs10, struct buf *out)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct cmc_make in = {.pkcs10 = pkcs10,
	    .key = a->key,
	    .template_cn = a->template_cn,
	    .requester_name = a->wrapped ? NULL : a->subject,
	    .transaction = a->transaction};
	struct buf payload = {0};
	struct err err;

	if (a->archive)
		harness_seal(a->key, &view->xchgs[0].cert, &payload);
	in.archived_key = buf_view(&payload);
	harness_must(cmc_request_make(&in, out, &err), &err);
	buf_free(&payload);
	ca_view_release(&view);
}

static inline void
ask_make(struct ask *a)
{
	struct buf pkcs10, inner = {0};
	struct err err;

	if (a->template_cn == NULL)
		a->template_cn = ASK_TEMPLATE;
	if (a->key == NULL)
		a->key = test_key("rsa2048");
	harness_must(pkix_request_make_renewal(
			 a->key, (struct view){0}, a->extensions, a->renews, &pkcs10, &err),
	    &err);
	if (!a->wrapped) {
		ask_make_cmc(a, buf_view(&pkcs10), &a->message);
		for (size_t i = 0; a->signers[i] != NULL; i++)
			ask_cosign(&a->message, a->signers[i]);
	} else {
		if (a->cmc_inside)
			ask_make_cmc(a, buf_view(&pkcs10), &inner);
		wrapped_make(a->cmc_inside ? buf_view(&inner) : buf_view(&pkcs10),
		    a->signers[0]->key, &a->signers[0]->cert, a->subject, &a->message);
		for (size_t i = 1; a->signers[i] != NULL; i++)
			ask_cosign(&a->message, a->signers[i]);
	}
	buf_free(&inner);
	buf_free(&pkcs10);
}

static inline void
ask_free(struct ask *a)
{
	EVP_PKEY_free(a->key);
	buf_free(&a->message);
}

static inline struct enroll_result
ask_submit(const struct ask *a, const struct principal *caller)
{
	const struct enroll_input in = {.format = ENROLL_CMC,
	    .body = buf_view(&a->message),
	    .template_label = a->template_cn,
	    .caller = caller,
	    .caller_name = caller->downlevel,
	    .now = clock_now()};
	struct enroll_result r;
	struct err err;

	harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
	return r;
}

static inline struct store_request
ask_row_of(int64_t id)
{
	struct store_request row;
	struct err err;

	assert_int_equal(store_get_request(harness.ca->store, id, &row, &err), STORE_FOUND);
	return row;
}

static inline int64_t
ask_issued(struct ask *a, const struct principal *caller)
{
	struct enroll_result r;
	int64_t id;

	ask_make(a);
	r = ask_submit(a, caller);
	if (r.disposition != DISP_ISSUED)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	assert_true(r.response.len > 0);
	id = r.request_id;
	enroll_result_free(&r);
	ask_free(a);
	return id;
}

static inline void
ask_refused_made(const struct ask *a, const struct principal *caller, enum err_code code)
{
	struct enroll_result r = ask_submit(a, caller);
	struct store_request row;

	if (r.reason.code != code)
		fail_msg(
		    "%s: %s, expected %s", err_name(r.reason.code), r.reason.msg, err_name(code));
	assert_int_equal(r.certificate.len, 0);
	row = ask_row_of(r.request_id);
	assert_int_equal(row.status_code, (int32_t)code);
	assert_int_equal(row.raw_certificate.len, 0);
	assert_int_equal(row.raw_archived_key.len, 0);
	store_request_free(&row);
	enroll_result_free(&r);
}

static inline void
ask_refused(struct ask *a, const struct principal *caller, enum err_code code)
{
	ask_make(a);
	ask_refused_made(a, caller, code);
	ask_free(a);
}

#endif
