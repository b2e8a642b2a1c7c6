/* dirca submit: a request that another program made. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "clock.h"
#include "file.h"
#include "own_json.h"
#include "pem.h"
#include "pkix.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define REQUEST_MAX 262144

/* PEM, or DER. */
static bool
read_request(const char *path, struct buf *der_out, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};
	OWNED(pkix_request_free) struct pkix_request r = {0};

	if (!file_read(path, REQUEST_MAX, &text, err))
		return false;
	if ((text.len > 0 && text.ptr[0] == 0x30 ? buf_dup(buf_view(&text), der_out, err)
						 : pem_request(buf_view(&text), der_out, err)) &&
	    pkix_request_decode(buf_view(der_out), &r, err))
		return true;
	return err_prefix(err, "%s", path);
}

/* The same request again is answered with what became of it. */
static bool
send_request(struct work *w, struct view der, struct http_answer *out, struct err *err)
{
	const char *template = w->cli->opt.template;
	OWNED(own_memory) char *label = template != NULL ? http_escape(template) : NULL;
	OWNED(own_memory)
	char *path = text_printf("/.well-known/est/%s%ssimpleenroll", label != NULL ? label : "",
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

static void
report_pending(const struct cli *cli, long long id)
{
	if (cli->opt.json)
		print_json(json_pack(
		    "{s:s, s:I}", "disposition", "pending", "request_id", (json_int_t)id));
	else
		printf("Request Id: %lld\nThe request waits for a certificate manager; afterwards "
		       "the same command again fetches the certificate.\n",
		    id);
}

static bool
report_issued(const struct cli *cli, long long id, struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(buf_free) struct buf pem = {0};
	const char *out = cli->opt.out;

	if (!pkix_cert_decode(der, &cert, err) || !pem_append(&pem, PEM_STRING_X509, der, err) ||
	    (out != NULL && !file_create(out, buf_view(&pem), 0644, err)))
		return false;
	if (cli->opt.json) {
		print_json(json_pack("{s:s, s:I, s:o}", "disposition", "issued", "request_id",
		    (json_int_t)id, "certificate", json_cert(&cert)));
	} else if (out == NULL) {
		fwrite(pem.ptr, 1, pem.len, stdout);
	} else {
		printf("Request Id: %lld\n", id);
		print_cert(stdout, "  ", &cert);
		printf("%s written.\n", out);
	}
	return true;
}

bool
cmd_submit(struct work *w, struct err *err)
{
	const char *out = w->cli->opt.out;
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(buf_free) struct buf request = {0}, certificate = {0};

	if (out != NULL && access(out, F_OK) == 0)
		return err_set(err, ERROR_FILE_EXISTS, "%s exists; name another file", out);
	if (!read_request(w->cli->args[0], &request, err) || !work_open(w, NEEDS_CA, err) ||
	    !send_request(w, buf_view(&request), &answer, err))
		return false;
	if (answer.status == 202) {
		report_pending(w->cli, answer.request_id);
		return true;
	}
	return fetch_certificate(w, answer.request_id, &certificate, err) &&
	       report_issued(w->cli, answer.request_id, buf_view(&certificate), err);
}
