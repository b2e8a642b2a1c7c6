/*
 * A certificate of a plan, by the harness's CA, without a request.
 */
#ifndef TESTS_CERTIFY_H
#define TESTS_CERTIFY_H

#include "ca_harness.h"
#include "certificate.h"

static bool
certify(const struct issue_plan *plan, struct view spki, struct buf *out, struct err *err)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct certificate_names names;
	const struct certificate_order order = {
	    .view = view, .plan = plan, .names = &names, .spki = spki};
	bool ok;

	*out = (struct buf){0};
	ok = certificate_names_make(plan, &names, err) &&
	     certificate_issue(harness.ca, &harness.vault, &order, out, err);

	certificate_names_free(&names);
	ca_view_release(&view);
	return ok;
}

#endif
