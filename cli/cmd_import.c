/* dirca import adcs: dircad does it, which knows the database; and the certificate to which keys
 * are encrypted that `dirca importkms` brings. */
#include "daemon_run.h"
#include "local_audit.h"
#include "verbs.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

#include "file.h"
#include "own_json.h"
#include "pem.h"
#include "pkix.h"
#include "print.h"
#include "text.h"

bool
cmd_import_adcs(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	const struct cli_options *o = &cli->opt;
	const char *args[] = {"--import-adcs", "--", cli->args[0],
	    o->columns != NULL ? o->columns : "", o->dates != NULL ? o->dates : "", NULL, NULL};
	int status;

	if (o->dates != NULL && strcmp(o->dates, "mdy") != 0 && strcmp(o->dates, "dmy") != 0)
		return err_set(err, DIRCA_E_USAGE, "--dates is mdy or dmy");
	if (o->dry_run) {
		memmove(args + 1, args, sizeof args - sizeof args[0]);
		args[0] = "--dry-run";
	}
	/* The record of what was done is dircad's. */
	if ((!o->dry_run && !local_audit_begin(cli, cli->args[0], "", err)) ||
	    !daemon_run(cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}

/* ---- the certificate to which keys are encrypted that are brought ---- */

static bool
write_certificate(const struct cli *cli, struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(buf_free) struct buf pem = {0};

	if (!pkix_cert_decode(der, &cert, err) || !pem_append(&pem, "CERTIFICATE", der, err))
		return false;
	if (cli->opt.out != NULL && !file_create(cli->opt.out, buf_view(&pem), 0644, err))
		return false;
	print_cert(stdout, "", &cert);
	printf("Its key is destroyed ten minutes after that time, with all that is only encrypted "
	       "to it.\n");
	if (cli->opt.out == NULL)
		fwrite(pem.ptr, 1, pem.len, stdout);
	return true;
}

static bool
ask_certificate(struct work *w, const char *method, struct view body, struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};

	return http_client_request(w->ca, method, "/dirca/v1/import-certificate",
		   body.len > 0 ? "application/json" : NULL, body, &answer, err) &&
	       http_answer_check(&answer, err) &&
	       write_certificate(w->cli, buf_view(&answer.body), err);
}

bool
cmd_import_certificate_new(struct work *w, struct err *err)
{
	int64_t days = w->cli->opt.days > 0 ? w->cli->opt.days : 7;
	OWNED(own_memory)
	char *body = text_printf("{\"seconds\": \"%lld\"}", (long long)(days * 86400));

	return ask_certificate(w, "POST", view_str(body), err);
}

bool
cmd_import_certificate_show(struct work *w, struct err *err)
{
	return ask_certificate(w, "GET", (struct view){0}, err);
}
