/* dirca enroll, dirca retrieve. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enroll_job.h"
#include "file.h"
#include "issued.h"
#include "mem.h"
#include "own.h"
#include "print.h"
#include "request_list.h"
#include "template_common.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

static void
report_pending(
    const struct enroll_job *j, const struct pki_service *service, const struct client_enrolled *e)
{
	if (j->cli->opt.json)
		print_json(json_pack("{s:s, s:s, s:s?, s:I, s:s}", "disposition", "pending", "ca",
		    service->name, "key_file", j->key_file, "request_id", (json_int_t)e->request_id,
		    "template", j->tmpl.cn));
	else
		printf("Request Id: %lld\nThe request waits for a certificate manager of "
		       "%s. Its key is in %s; afterwards the same command again, or:\n"
		       "  dirca retrieve %lld --key-file %s --out %s\n",
		    e->request_id, pki_service_title(service), j->key_file, e->request_id,
		    j->key_file, j->out);
}

static bool
report_issued(const struct enroll_job *j, const struct pki_service *service,
    const struct client_enrolled *e, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!pkix_cert_decode(buf_view(&e->certificate), &cert, err))
		return false;
	if (e->remark != NULL)
		fprintf(stderr, "dirca enroll: warning: %s\n", e->remark);
	if (j->cli->opt.json) {
		OWNED(own_memory) char *serial = pkix_serial_text(cert.serial);

		print_json(json_pack("{s:s, s:s, s:I, s:s, s:s, s:b, s:s?}", "disposition",
		    "issued", "ca", service->name, "request_id", (json_int_t)e->request_id,
		    "template", j->tmpl.cn, "pfx", j->out, "archived", (int)e->archived,
		    "serial_number", serial));
	} else {
		printf("Request Id: %lld\nIssued by %s\\%s:\n", e->request_id, service->host,
		    pki_service_title(service));
		print_cert(stdout, "  ", &cert);
		printf("  Template: %s\n  Private key archived: %s\n%s written.\n", j->tmpl.cn,
		    e->archived ? "yes" : "no", j->out);
	}
	return true;
}

static bool
check_usage(const struct cli_options *o, struct err *err)
{
	if (o->same_key && (o->renew == NULL || o->key != NULL))
		return err_set(err, DIRCA_E_USAGE,
		    "--same-key keeps the key of --renew; it goes without --key");
	if (o->on_behalf_of != NULL && o->agent == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "--on-behalf-of needs --agent, the PKCS#12 of an enrollment agent");
	return true;
}

bool
cmd_enroll(struct work *w, struct err *err)
{
	OWNED(enroll_job_close)
	struct enroll_job j = {.cli = w->cli, .session = &w->session};
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	const struct pki_service *service = NULL;

	if (w->cli->opt.automatic)
		return enroll_auto(w, err);
	if (w->cli->count == 0)
		return err_set(err, DIRCA_E_USAGE, "name a template, or --auto");
	if (!check_usage(&w->cli->opt, err) || !enroll_read_signers(&j, err) ||
	    !work_open(w, NEEDS_PKI, err) || !enroll_do(&j, &service, &e, err))
		return false;
	if (e.outcome != CLIENT_PENDING)
		return report_issued(&j, service, &e, err);
	report_pending(&j, service, &e);
	return true;
}

/* ---- retrieve ---- */

static bool
retrieve(struct work *w, EVP_PKEY *key, struct client_enrolled *e,
    const struct pki_service **service_out, struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(buf_free) struct buf der = {0};
	OWNED(own_memory) char *path = request_path(w->cli, "/certificate", err);

	if (path == NULL || !session_pki(&w->session, err) ||
	    !session_ca(&w->session, &w->ca, err) ||
	    !session_service(&w->session, service_out, err) ||
	    !http_client_request(w->ca, "GET", path, NULL, (struct view){0}, &answer, err) ||
	    !http_answer_check(&answer, err))
		return false;
	if (*service_out == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "the CA's certificate is needed: name the directory with -H and the CA with "
		    "--ca");
	if (answer.status == 202)
		return err_set(err, DIRCA_E_PENDING,
		    "request %s still waits for a certificate manager, who decides it by `dirca "
		    "approve %s`",
		    w->cli->args[0], w->cli->args[0]);
	e->request_id = strtoll(w->cli->args[0], NULL, 10);
	return http_answer_der(&answer, &der, err) &&
	       client_check_response(
		   buf_view(&der), buf_view(&(*service_out)->certificate), key, e, err);
}

/* Of a request whose key is elsewhere: `dirca accept` brings both together. */
static bool
retrieve_files(struct work *w, struct err *err)
{
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	const struct pki_service *service;
	struct issued_files files;

	return issued_files_of(w->cli, &files, err) && work_open(w, NEEDS_SESSION, err) &&
	       retrieve(w, NULL, &e, &service, err) && issued_write(w, &files, &e, err);
}

/* What `dirca enroll` kept has its request beside it; another file with keys is its owner's. */
static void
forget_kept(const char *key_file)
{
	OWNED(own_memory) char *sent_file = client_request_path(key_file);

	if (access(sent_file, F_OK) != 0)
		return;
	unlink(key_file);
	unlink(sent_file);
}

bool
cmd_retrieve(struct work *w, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	OWNED(enroll_job_close) struct enroll_job j = {.cli = w->cli, .session = &w->session};
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	const struct pki_service *service = NULL;

	if (o->key_file == NULL)
		return retrieve_files(w, err);
	if (o->out == NULL || w->cli->count > 1)
		return err_set(err, DIRCA_E_USAGE,
		    "--key-file needs --out, the PKCS#12 to write, and nothing else");
	if (!work_open(w, NEEDS_SESSION, err) || !enroll_set_paths(&j, err) ||
	    !cli_password(o->out_password_file,
		"Password of the kept key (the PKCS#12 gets the same): ", false, &j.password,
		err) ||
	    !client_key_load(o->key_file, &j.password, &j.key, err))
		return false;
	if (!retrieve(w, j.key, &e, &service, err))
		return client_key_failed(o->key_file, err);
	if (!enroll_write_pfx(&j, buf_view(&e.certificate), buf_view(&service->certificate), err))
		return false;
	forget_kept(o->key_file);
	if (o->json)
		print_json(json_pack("{s:s, s:I, s:s}", "disposition", "issued", "request_id",
		    (json_int_t)e.request_id, "file", j.out));
	else
		printf("%s written.\n", j.out);
	return true;
}
