/*
 * Requests to a stand-alone CA, which has no templates: what they wish is read from their
 * extensions, and becomes the template that they are decided by (templates/wish.h). What would need
 * a template is refused.
 */
#include "enroll_priv.h"

#include "ca_holder.h"
#include "own.h"
#include "wish.h"

static bool
check_no_archival(const struct enrollment *e, struct err *err)
{
	/* Its hash stays where the key was taken out. */
	return (!e->has_key && e->request.key_hash.len == 0) ||
	       err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		   "this CA is stand-alone and archives no keys: that needs a "
		   "certificate template, "
		   "and a CA that has a directory");
}

static bool
check_nobody_else(const struct enrollment *e, struct err *err)
{
	const char *name;

	if (!enroll_request_subject(&e->request, &name, err))
		return false;
	if (name != NULL)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "the request is made on behalf of '%s', which needs a certificate template, "
		    "and "
		    "this CA is stand-alone",
		    name);
	if (e->request.pkix->renewal_certificate.len > 0)
		return err_set(err, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE,
		    "the request names a certificate that it renews, and this CA is stand-alone: "
		    "a renewal is a new request");
	return true;
}

static bool
check_names(const struct enrollment *e, struct err *err)
{
	struct view san;

	return enroll_request_extension(&e->request, NID_subject_alt_name, &san, err) &&
	       (e->request.pkix->subject.len > 2 || san.len > 0 ||
		   err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		       "the request holds neither a subject nor alternative names"));
}

static struct view
san_of(const struct pkix_cert *c)
{
	const struct pkix_extension *e = pkix_cert_extension(c, NID_subject_alt_name);

	return e != NULL ? e->value : (struct view){0};
}

/* Who has shown nothing but a certificate may ask for another of its names, and of no others
 * (RFC 7030 4.2.2). */
static bool
check_holder(const struct enrollment *e, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert held = {0};
	struct view san;

	if (!e->caller->has_sid || !ca_holder_is(&e->caller->sid))
		return true;
	if (!ca_holder_certificate(e->ca, &e->caller->sid, &held, err) ||
	    !enroll_request_extension(&e->request, NID_subject_alt_name, &san, err))
		return false;
	return (view_eq(e->request.pkix->subject, held.subject) && view_eq(san, san_of(&held))) ||
	       err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		   "%s may renew that certificate: a request with its subject and alternative "
		   "names, and this one has others",
		   e->caller->downlevel);
}

static bool
read_wish(const struct enroll_request *r, struct wish *w, struct texts *eku, struct err *err)
{
	struct view usage, purposes, constraints;
	uint16_t bits = 0;

	*w = (struct wish){
	    .key_algorithm = r->key_algorithm, .key_bits = r->key_bits, .path_len = -1};
	if (!enroll_request_extension(r, NID_key_usage, &usage, err) ||
	    !enroll_request_extension(r, NID_ext_key_usage, &purposes, err) ||
	    !enroll_request_extension(r, NID_basic_constraints, &constraints, err) ||
	    (usage.len > 0 && !pkix_key_usage_decode(usage, &bits, err)) ||
	    (purposes.len > 0 && !pkix_usages_decode(purposes, eku, err)) ||
	    (constraints.len > 0 &&
		!pkix_constraints_decode(constraints, &w->is_ca, &w->path_len, err)))
		return err_prefix(err, "what the request asks for");
	w->has_key_usage = usage.len > 0;
	w->key_usage[0] = (uint8_t)(bits >> 8);
	w->key_usage[1] = (uint8_t)bits;
	w->eku = (struct texts){eku->list, eku->count};
	return true;
}

bool
enroll_find_wish(struct enrollment *e, struct err *err)
{
	OWNED(texts_free) struct texts eku = {0};
	struct wish wish;

	tmpl_free(&e->wished); /* a request that was refused is read again */
	if (!check_no_archival(e, err) || !check_nobody_else(e, err) || !check_names(e, err) ||
	    !check_holder(e, err) || !read_wish(&e->request, &wish, &eku, err) ||
	    !wish_template(&wish, &e->wished, err))
		return false;
	e->tmpl = &e->wished;
	return true;
}
