/*
 * dirca new, dirca accept (paper, "Binary Request Export Using the CertUtil.exe Command-Line Tool
 * Walkthrough"): a request in a file, whose key stays here, and what the CA answered, whoever sent
 * the one and brought the other.
 */
#include <stdlib.h>

#include <openssl/pem.h>

#include "client_request.h"
#include "clock.h"
#include "file.h"
#include "given.h"
#include "inf.h"
#include "inf_request.h"
#include "key_store.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "pem.h"
#include "pkcs8.h"
#include "template_common.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

struct new_job {
	struct cli *cli;
	struct session *session;
	struct inf_request inf;
	struct tmpl tmpl;
	bool has_tmpl;
	EVP_PKEY *key;
	struct client_signer renews;
	struct secret password;
	char *key_file, *sent_file;
	char *sender; /* of --bound; NULL: the directory does not know the caller */
};

static void
job_close(struct new_job *j)
{
	inf_request_free(&j->inf);
	tmpl_free(&j->tmpl);
	EVP_PKEY_free(j->key);
	client_signer_free(&j->renews);
	secret_free(&j->password);
	free(j->key_file);
	free(j->sent_file);
	free(j->sender);
}

static bool
read_inf(struct new_job *j, struct err *err)
{
	const char *path = j->cli->args[0];
	OWNED(buf_free) struct buf text = {0};

	if (!file_read(path, INF_FILE_MAX, &text, err))
		return false;
	if (!inf_request_read(buf_view(&text), &j->inf, err))
		return given_failed(path, buf_view(&text), GIVEN_INF, err);
	for (size_t i = 0; i < j->inf.notes.count; i++)
		fprintf(stderr, "dirca new: %s: %s\n", path, j->inf.notes.list[i]);
	return true;
}

/* A template that archives gets the key, or none at all; the CA says so, too. */
static bool
check_archival(const struct new_job *j, struct err *err)
{
	bool archives = tmpl_requires_key_archival(&j->tmpl);

	if (archives && !j->inf.archives)
		return err_set(err, CERTSRV_E_ARCHIVED_KEY_REQUIRED,
		    "template %s archives keys: write PrivateKeyArchive = TRUE into [NewRequest]",
		    j->tmpl.cn);
	if (!archives && j->inf.archives)
		return err_set(err, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED,
		    "template %s archives no keys: take PrivateKeyArchive out of [NewRequest], or "
		    "name another template",
		    j->tmpl.cn);
	return true;
}

static bool
find_template(struct new_job *j, struct work *w, struct err *err)
{
	const struct dir_entry *entry;

	if (j->inf.template_name == NULL)
		return true;
	if (!work_open(w, NEEDS_PKI, err) ||
	    !template_find(j->session, j->inf.template_name, &entry, err) ||
	    !tmpl_decode(entry, &j->tmpl, err))
		return false;
	j->has_tmpl = true;
	return check_archival(j, err);
}

/* The CA that the request is for, which nobody but its exchange key can read the key in. */
static bool
choose_ca(const struct new_job *j, const struct pki_service **out, struct err *err)
{
	const struct session *s = j->session;
	size_t fit = 0;

	for (size_t i = 0; i < s->service_count; i++)
		if (session_means(s, &s->services[i]) &&
		    template_is_enabled_at(&s->services[i], j->tmpl.cn)) {
			*out = &s->services[i];
			fit++;
		}
	if (fit == 0)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "no certification authority of the directory%s%s issues template %s",
		    s->ca != NULL ? " that is named " : "", s->ca != NULL ? s->ca : "", j->tmpl.cn);
	return fit == 1 || err_set(err, TYPE_E_AMBIGUOUSNAME,
			       "%zu certification authorities issue template %s; choose one with "
			       "--ca",
			       fit, j->tmpl.cn);
}

/* The certificate is found where `dirca importpfx --user` puts keys, as certreq finds it in the
 * personal store. */
static bool
find_renewed(struct new_job *j, struct err *err)
{
	struct cli_options o = j->cli->opt;
	OWNED(pfx_content_free) struct pfx_content found = {0};

	if (j->inf.renewal_cert == NULL)
		return true;
	o.user_store = true;
	if (!key_folder_export(&o, j->inf.renewal_cert, &found, err))
		return err_prefix(err, "RenewalCert");
	j->renews = (struct client_signer){
	    .key = own_give(&found.keys[0].key), .certificate = found.keys[0].certificate};
	found.keys[0].certificate = (struct buf){0};
	return true;
}

/* Who sends it is the caller, who may be somebody else's clerk otherwise. */
static bool
find_sender(struct new_job *j, struct err *err)
{
	OWNED(principal_free) struct principal me = {0};
	bool known;

	if (!j->cli->opt.bound)
		return true;
	if (!j->inf.is_cmc)
		return err_set(err, DIRCA_E_USAGE,
		    "--bound: a PKCS#10 does not say who sends it; write PrivateKeyArchive = TRUE "
		    "or RequestType = CMC into [NewRequest]");
	if (!session_principal(j->session, &me, &known, err))
		return false;
	if (known)
		j->sender = session_sender(&me);
	return true;
}

static bool
check_sender(const struct client_enroll *in, const struct http_client *http, struct err *err)
{
	return in->unbound || in->sender != NULL || http_client_user(http) != NULL ||
	       err_set(err, DIRCA_E_REQUEST_BINDING,
		   "--bound: neither the directory nor the CA says who calls; --user or a Kerberos "
		   "ticket does, the local socket does not");
}

static bool
make_key(struct new_job *j, struct err *err)
{
	const struct inf_request *inf = &j->inf;

	if (inf->same_key) {
		j->key = j->renews.key;
		return EVP_PKEY_up_ref(j->key) == 1 ||
		       err_openssl(
			   err, DIRCA_E_CRYPTO, "the key of the certificate that is renewed");
	}
	if (inf->curve == NULL && !inf->is_rsa && inf->bits == 0 && j->has_tmpl)
		return client_key_make(NULL, &j->tmpl, &j->key, err);
	return client_key_generate(inf->curve, inf->bits != 0 ? inf->bits : 2048, &j->key, err);
}

static bool
make_request(const struct new_job *j, struct client_request *out, struct err *err)
{
	struct client_enroll in = {.tmpl = j->has_tmpl ? &j->tmpl : NULL,
	    .key = j->key,
	    .subject = j->inf.subject,
	    .extensions = j->inf.extensions,
	    .is_cmc = true,
	    .renews = j->renews.key != NULL ? &j->renews : NULL,
	    .unbound = !j->cli->opt.bound,
	    .sender = j->sender,
	    .now = clock_now()};
	OWNED(http_client_close) struct http_client *http = NULL;
	OWNED(buf_free) struct buf pkcs10 = {0};

	if (!client_pkcs10_make(&in, &pkcs10, err))
		return false;
	if (!j->inf.is_cmc)
		return client_request_read(buf_view(&pkcs10), out, err);
	return choose_ca(j, &in.service, err) && session_http(j->session, in.service, &http, err) &&
	       client_request_make(http, &in, buf_view(&pkcs10), out, err) &&
	       check_sender(&in, http, err);
}

/* The key, what `dirca accept` will hold the answer against, and the request: all of them or none.
 */
static bool
write_files(const struct new_job *j, struct err *err)
{
	const char *path = j->cli->args[1];
	OWNED(client_request_free) struct client_request request = {0};
	OWNED(secret_free) struct secret key = {0};
	OWNED(buf_free) struct buf sent = {0}, pem = {0};

	if (!make_request(j, &request, err) || !client_request_encode(&request, &sent, err) ||
	    !pkcs8_encode(j->key, &j->password, &key, err) ||
	    !pem_append(&pem, PEM_STRING_X509_REQ_OLD, buf_view(&request.message), err))
		return false;
	const struct output list[] = {{j->key_file, secret_view(&key), 0600},
	    {j->sent_file, buf_view(&sent), 0600}, {path, buf_view(&pem), 0644}};

	if (!outputs_write(list, COUNT_OF(list), false, err))
		return false;
	printf("%s written; its key is in %s.\n", path, j->key_file);
	return true;
}

/* What lies beside a request has its name. */
static bool
check_output(const struct new_job *j, struct err *err)
{
	const char *path = j->cli->args[1];

	if (output_is_standard(path))
		return err_set(err, DIRCA_E_USAGE,
		    "the request goes into a file, since its key is kept beside it");
	return output_check(path, false, err) && output_check(j->key_file, false, err) &&
	       output_check(j->sent_file, false, err);
}

bool
cmd_new(struct work *w, struct err *err)
{
	OWNED(job_close) struct new_job j = {.cli = w->cli, .session = &w->session};

	j.key_file = text_printf("%s" CLIENT_KEY_SUFFIX, w->cli->args[1]);
	j.sent_file = client_request_path(j.key_file);
	return read_inf(&j, err) && check_output(&j, err) && find_template(&j, w, err) &&
	       find_renewed(&j, err) && find_sender(&j, err) &&
	       cli_password(w->cli->opt.out_password_file,
		   "Password for the key, and later the PKCS#12: ", true, &j.password, err) &&
	       make_key(&j, err) && write_files(&j, err);
}
