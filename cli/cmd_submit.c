/* dirca submit: a request that another program, or `dirca new`, made. */
#include <stdlib.h>

#include "file.h"
#include "given.h"
#include "issued.h"
#include "own_openssl.h"
#include "pkix.h"
#include "template_common.h"
#include "text.h"
#include "verbs.h"

#define REQUEST_MAX 1048576

static bool
read_request(const char *path, struct client_request *out, struct err *err)
{
	OWNED(buf_free) struct buf file = {0}, der = {0};

	return file_read(path, REQUEST_MAX, &file, err) &&
	       given_der(path, buf_view(&file), GIVEN_REQUEST, &der, err) &&
	       (client_request_read(buf_view(&der), out, err) ||
		   given_failed(path, buf_view(&file), GIVEN_REQUEST, err));
}

/* ---- PKCS#10 ---- */

/* The same request again is answered with what became of it. */
static bool
send_pkcs10(struct work *w, struct view der, struct http_answer *out, struct err *err)
{
	const char *named = w->cli->opt.template;
	OWNED(own_memory) char *template = NULL, *label = NULL, *path = NULL;

	if (named != NULL && (template = template_row_name(&w->session, named, err)) == NULL)
		return false;
	label = template != NULL ? http_escape(template) : NULL;
	path = text_printf("/.well-known/est/%s%ssimpleenroll", label != NULL ? label : "",
	    label != NULL ? "/" : "");
	return http_client_request(w->ca, "POST", path, "application/pkcs10", der, out, err) &&
	       http_answer_check(out, err);
}

static bool
fetch_certificate(struct work *w, long long id, struct buf *der_out, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("/dirca/v1/requests/%lld/certificate", id);
	OWNED(http_answer_free) struct http_answer answer = {0};

	return http_client_request(w->ca, "GET", path, NULL, (struct view){0}, &answer, err) &&
	       http_answer_check(&answer, err) && http_answer_der(&answer, der_out, err);
}

static bool
submit_pkcs10(struct work *w, struct view der, struct client_enrolled *out, struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};

	if (!send_pkcs10(w, der, &answer, err))
		return false;
	out->request_id = answer.request_id;
	out->outcome = answer.status == 202 ? CLIENT_PENDING : CLIENT_ISSUED;
	return out->outcome == CLIENT_PENDING ||
	       fetch_certificate(w, answer.request_id, &out->certificate, err);
}

/* ---- CMC ---- */

/* The answer is checked as by whoever has the private key, by the public one. */
static bool
submit_cmc(struct work *w, const struct client_request *request, struct client_enrolled *out,
    struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(buf_free) struct buf spki = {0};
	const struct pki_service *service;

	if (w->cli->opt.template != NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "a CMC request names its template itself; --template is for a PKCS#10");
	if (!session_service(&w->session, &service, err))
		return false;
	if (service == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "the CA's certificate is needed: name the directory with -H and the CA with "
		    "--ca");
	return client_request_spki(request, &spki, err) &&
	       pkix_public_key(buf_view(&spki), &key, err) &&
	       client_enroll_send(w->ca, request, buf_view(&service->certificate), key, out, err);
}

bool
cmd_submit(struct work *w, struct err *err)
{
	OWNED(client_request_free) struct client_request request = {0};
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	struct issued_files files;

	if (!issued_files_of(w->cli, &files, err) ||
	    !read_request(w->cli->args[0], &request, err) || !work_open(w, NEEDS_CA, err) ||
	    !(request.is_cmc ? submit_cmc(w, &request, &e, err)
			     : submit_pkcs10(w, buf_view(&request.message), &e, err)))
		return false;
	if (e.outcome == CLIENT_PENDING) {
		issued_report_pending(w->cli, e.request_id);
		return true;
	}
	return issued_write(w, &files, &e, err);
}
