#include "issued.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "cms.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "pem.h"
#include "print.h"

#define CHAIN_MAX 8

bool
issued_files_of(const struct cli *cli, struct issued_files *out, struct err *err)
{
	*out = (struct issued_files){.certificate = cli->opt.out};
	if (cli->count > 1 && out->certificate != NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "the certificate goes to %s or, by --out, to %s: name one of them",
		    cli->args[1], out->certificate);
	if (cli->count > 1)
		out->certificate = cli->args[1];
	if (cli->count > 2)
		out->chain = cli->args[2];
	if (cli->count > 3)
		out->response = cli->args[3];
	return (out->certificate == NULL || output_check(out->certificate, false, err)) &&
	       (out->chain == NULL || output_check(out->chain, false, err)) &&
	       (out->response == NULL || output_check(out->response, false, err));
}

/* ---- the chain ---- */

/* Did the key of `above` sign `cert`? */
static bool
is_above(const struct pkix_cert *above, const struct pkix_cert *cert)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct err ignored;

	return view_eq(above->subject, cert->issuer) &&
	       pkix_public_key(above->spki, &key, &ignored) &&
	       pkix_verify(key, cert->sig_alg, cert->tbs, cert->signature, true, &ignored);
}

/* The certificate, its issuer among those that the CA shows, and so on up. */
static bool
make_chain(
    struct view certificate, const struct cms_signed *shown, struct buf *out, struct err *err)
{
	struct view chain[CHAIN_MAX] = {certificate};
	size_t count = 1, i = 0;

	while (count < CHAIN_MAX && i < shown->certificate_count) {
		OWNED(pkix_cert_free) struct pkix_cert last = {0}, above = {0};

		if (!pkix_cert_decode(chain[count - 1], &last, err) ||
		    !pkix_cert_decode(shown->certificates[i], &above, err))
			return false;
		if (view_eq(last.subject, last.issuer))
			break;
		i++;
		if (is_above(&above, &last)) {
			chain[count++] = shown->certificates[i - 1];
			i = 0;
		}
	}
	return cms_certs_only(chain, count, out, err);
}

static bool
fetch_chain(struct work *w, struct view certificate, struct buf *pem, struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(cms_signed_free) struct cms_signed shown = {0};
	OWNED(buf_free) struct buf der = {0}, chain = {0};

	return http_client_request(w->ca, "GET", "/.well-known/est/cacerts", NULL, (struct view){0},
		   &answer, err) &&
	       http_answer_check(&answer, err) && http_answer_der(&answer, &der, err) &&
	       cms_signed_decode(buf_view(&der), &shown, err) &&
	       make_chain(certificate, &shown, &chain, err) &&
	       pem_append(pem, PEM_STRING_PKCS7, buf_view(&chain), err);
}

/* A CA answers a PKCS#10 by the certificate alone. */
static bool
make_response(const struct client_enrolled *e, struct buf *pem, struct err *err)
{
	const struct view certificate = buf_view(&e->certificate);
	OWNED(buf_free) struct buf alone = {0};

	if (e->response.len > 0)
		return pem_append(pem, PEM_STRING_CMS, buf_view(&e->response), err);
	return cms_certs_only(&certificate, 1, &alone, err) &&
	       pem_append(pem, PEM_STRING_PKCS7, buf_view(&alone), err);
}

/* ---- what is said ---- */

static bool
report(const struct cli *cli, const struct issued_files *files, const struct client_enrolled *e,
    struct err *err)
{
	const char *const written[] = {files->certificate, files->chain, files->response};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	FILE *to = stdout;

	if (!pkix_cert_decode(buf_view(&e->certificate), &cert, err))
		return false;
	if (cli->opt.json) {
		print_json(json_pack("{s:s, s:I, s:o}", "disposition", "issued", "request_id",
		    (json_int_t)e->request_id, "certificate", json_cert(&cert)));
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(written); i++)
		if (written[i] != NULL && output_is_standard(written[i]))
			to = stderr;
	fprintf(to, "Request Id: %lld\n", e->request_id);
	print_cert(to, "  ", &cert);
	for (size_t i = 0; i < COUNT_OF(written); i++)
		if (written[i] != NULL && !output_is_standard(written[i]))
			fprintf(to, "%s written.\n", written[i]);
	return true;
}

bool
issued_write(struct work *w, const struct issued_files *files, const struct client_enrolled *e,
    struct err *err)
{
	OWNED(buf_free) struct buf certificate = {0}, chain = {0}, response = {0};
	struct output list[3];
	size_t n = 0;

	if (!(w->cli->opt.der
		    ? buf_append(&certificate, buf_view(&e->certificate), err)
		    : pem_append(&certificate, PEM_STRING_X509, buf_view(&e->certificate), err)) ||
	    (files->chain != NULL && !fetch_chain(w, buf_view(&e->certificate), &chain, err)) ||
	    (files->response != NULL && !make_response(e, &response, err)))
		return false;
	if (files->certificate != NULL)
		list[n++] = (struct output){files->certificate, buf_view(&certificate), 0644};
	if (files->chain != NULL)
		list[n++] = (struct output){files->chain, buf_view(&chain), 0644};
	if (files->response != NULL)
		list[n++] = (struct output){files->response, buf_view(&response), 0644};
	if (e->remark != NULL)
		fprintf(stderr, "dirca %s: warning: %s\n", w->cli->verb->name, e->remark);
	if (n == 0 && !w->cli->opt.json) {
		if (w->cli->opt.der)
			list[n++] = (struct output){"-", buf_view(&certificate), 0644};
		else
			fwrite(certificate.ptr, 1, certificate.len, stdout);
		return n == 0 ||
		       (output_check("-", false, err) && outputs_write(list, n, false, err));
	}
	return outputs_write(list, n, false, err) && report(w->cli, files, e, err);
}

void
issued_report_pending(const struct cli *cli, long long id)
{
	if (cli->opt.json)
		print_json(json_pack(
		    "{s:s, s:I}", "disposition", "pending", "request_id", (json_int_t)id));
	else
		printf("Request Id: %lld\nThe request waits for a certificate manager; afterwards "
		       "the same command again fetches the certificate.\n",
		    id);
}
