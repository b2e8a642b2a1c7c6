/* dirca enroll, dirca retrieve. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/rand.h>

#include "client_enroll.h"
#include "clock.h"
#include "file.h"
#include "mem.h"
#include "own.h"
#include "pfx.h"
#include "print.h"
#include "supersede.h"
#include "template_common.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

struct job {
	struct cli *cli;
	struct session *session;
	struct tmpl tmpl;
	EVP_PKEY *key;
	struct secret password; /* of the PKCS#12 and the kept key */
	struct client_signer renews, agent;
	char *out, *key_file;
	char *sender;  /* who asks, as the directory names him; NULL: unknown */
	bool keep_key; /* a CA has a certificate or a request for it */
};

static void
job_close(struct job *j)
{
	tmpl_free(&j->tmpl);
	EVP_PKEY_free(j->key);
	secret_free(&j->password);
	client_signer_free(&j->renews);
	client_signer_free(&j->agent);
	free(j->out);
	free(j->key_file);
	free(j->sender);
}

static bool
find_template(struct job *j, const char *name, struct err *err)
{
	const struct dir_entries *all = &j->session->pki->templates;

	for (size_t i = 0; i < all->count; i++)
		if (dir_entry_has_value_nocase(&all->list[i], "cn", name) ||
		    dir_entry_has_value_nocase(&all->list[i], "displayName", name))
			return tmpl_decode(&all->list[i], &j->tmpl, err);
	return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
	    "the directory has no certificate template %s; `dirca templates` lists them", name);
}

/* A word on stderr where another template replaces the one that was asked for. */
static void
note_superseded(const struct job *j)
{
	const struct dir_entries *all = &j->session->pki->templates;
	OWNED(own_memory) struct tmpl *list = mem_zero(all->count + 1, sizeof *list);
	const struct tmpl *newer;
	struct err ignored;
	size_t count = 0;

	/* What does not decode replaces nothing. */
	for (size_t i = 0; i < all->count; i++)
		count += tmpl_decode(&all->list[i], &list[count], &ignored) ? 1 : 0;
	if ((newer = tmpl_superseding(list, count, j->tmpl.cn)) != NULL)
		fprintf(stderr, "dirca enroll: template %s is superseded by %s\n", j->tmpl.cn,
		    newer->cn);
	for (size_t i = 0; i < count; i++)
		tmpl_free(&list[i]);
}

/* The SID: it is the same whatever name was typed. */
static void
set_sender(struct job *j, const struct principal *me)
{
	char sid[SID_TEXT_MAX];

	if (me->has_sid)
		sid_to_text(&me->sid, sid);
	j->sender = mem_text(me->has_sid ? sid : me->downlevel);
}

/* A client that knows its own name asks the directory before it makes a key; the CA decides in any
 * case. */
static bool
check_own_right(struct job *j, struct err *err)
{
	const struct identity id = {IDENTITY_NAME, j->session->user};
	OWNED(principal_free) struct principal me = {0};

	if (j->session->user == NULL)
		return true;
	switch (principal_find_identity(j->session->directory, &id, &me, err)) {
	case DIR_FOUND:
		if (!tmpl_check_read(&j->tmpl, &me.sids, me.downlevel, err) ||
		    !tmpl_check_enroll(&j->tmpl, &me.sids, me.downlevel, err))
			return false;
		set_sender(j, &me);
		return true;
	case DIR_NOT_FOUND:
		return true;
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}

/* In random order: load spreads, and a dead one is only sometimes the first. */
static void
shuffle(const struct pki_service **list, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		const struct pki_service *swap = list[i - 1];
		uint32_t r;

		if (RAND_bytes((unsigned char *)&r, sizeof r) != 1)
			r = 0;
		list[i - 1] = list[r % i];
		list[r % i] = swap;
	}
}

/* The CAs that issue the template; free(), NULL: there are none. */
static const struct pki_service **
choose_services(struct job *j, size_t *count_out, struct err *err)
{
	const struct session *s = j->session;
	const struct pki_service **list = mem_zero(s->service_count + 1, sizeof *list);
	size_t count = 0;

	for (size_t i = 0; i < s->service_count; i++)
		if (template_is_enabled_at(&s->services[i], j->tmpl.cn) &&
		    (s->ca == NULL || text_eq_nocase(s->ca, s->services[i].name)))
			list[count++] = &s->services[i];
	if (count == 0) {
		free(list);
		err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "no certification authority of the directory issues template %s; `dirca cas` "
		    "shows what each issues",
		    j->tmpl.cn);
		return NULL;
	}
	shuffle(list, count);
	*count_out = count;
	return list;
}

static bool
write_pfx(const struct job *j, struct view certificate, struct view ca_certificate, struct err *err)
{
	OWNED(buf_free) struct buf pfx = {0};

	return pfx_encode(j->key, certificate, &ca_certificate, ca_certificate.len > 0 ? 1 : 0,
		   j->tmpl.cn, &j->password, &pfx, err) &&
	       file_replace(j->out, buf_view(&pfx), 0600, err);
}

static void
report_pending(
    const struct job *j, const struct pki_service *service, const struct client_enrolled *e)
{
	if (j->cli->opt.json)
		print_json(json_pack("{s:s, s:s, s:s?, s:I, s:s}", "disposition", "pending", "ca",
		    service->name, "key_file", j->key_file, "request_id", (json_int_t)e->request_id,
		    "template", j->tmpl.cn));
	else
		printf("Request Id: %lld\nThe request waits for a certificate manager of "
		       "%s. Its key is in %s; afterwards:\n"
		       "  dirca retrieve %lld --key-file %s --out %s\n",
		    e->request_id, service->name, j->key_file, e->request_id, j->key_file, j->out);
}

static bool
report_issued(const struct job *j, const struct pki_service *service,
    const struct client_enrolled *e, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!pkix_cert_decode(buf_view(&e->certificate), &cert, err))
		return false;
	if (j->cli->opt.json) {
		OWNED(own_memory) char *serial = pkix_serial_text(cert.serial);

		print_json(json_pack("{s:s, s:s, s:I, s:s, s:s, s:b, s:s?}", "disposition",
		    "issued", "ca", service->name, "request_id", (json_int_t)e->request_id,
		    "template", j->tmpl.cn, "pfx", j->out, "archived", (int)e->archived,
		    "serial_number", serial));
	} else {
		printf("Request Id: %lld\nIssued by %s\\%s:\n", e->request_id, service->host,
		    service->name);
		print_cert(stdout, "  ", &cert);
		printf("  Template: %s\n  Private key archived: %s\n%s written.\n", j->tmpl.cn,
		    e->archived ? "yes" : "no", j->out);
	}
	return true;
}

/* What the CA made of the request, to disk and to the caller. */
static bool
settle(struct job *j, const struct pki_service *service, const struct client_enrolled *e,
    struct err *err)
{
	if (e->pending) {
		report_pending(j, service, e);
		return true;
	}
	if (!write_pfx(j, buf_view(&e->certificate), buf_view(&service->certificate), err))
		return false;
	unlink(j->key_file); /* the PKCS#12 is on disk */
	return report_issued(j, service, e, err);
}

/* True: decided (issued or pending). False with DIRCA_E_NETWORK: this CA was not reached, try the
 * next. */
static bool
try_service(struct job *j, const struct pki_service *service, struct err *err)
{
	struct client_enroll in = {.service = service,
	    .tmpl = &j->tmpl,
	    .key = j->key,
	    .subject = j->cli->opt.subject,
	    .dns = j->cli->opt.dns.list,
	    .dns_count = j->cli->opt.dns.count,
	    .renews = j->renews.key != NULL ? &j->renews : NULL,
	    .agent = j->agent.key != NULL ? &j->agent : NULL,
	    .on_behalf_of = j->cli->opt.on_behalf_of,
	    .sender = j->sender,
	    .now = clock_now()};
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	OWNED(http_client_close) struct http_client *http = NULL;
	bool enrolled;

	if (!session_http(j->session, service, &http, err))
		return false;
	enrolled = client_enroll(http, &in, &e, err);
	j->keep_key = e.accepted;
	if (enrolled && settle(j, service, &e, err))
		return true;
	if (j->keep_key)
		err_prefix(err,
		    "%s accepted request %lld, whose key is kept in %s (dirca retrieve)",
		    service->name, e.request_id, j->key_file);
	return false;
}

static bool
try_services(struct job *j, struct err *err)
{
	size_t count = 0;
	OWNED(own_memory) const struct pki_service **list = choose_services(j, &count, err);
	bool unknown = false;

	if (list == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (try_service(j, list[i], err))
			return true;
		if (j->keep_key)
			break;
		unknown = unknown || err->code == DIRCA_E_NETWORK;
		if (err_category(err->code) != ERR_CATEGORY_UNABLE)
			break;
		if (i + 1 < count)
			fprintf(stderr, "dirca enroll: %s: %s; trying the next CA\n", list[i]->name,
			    err->msg);
	}
	/* A key without a certificate is of no use, unless nobody knows what became of the request:
	 * a CA that did not answer may have issued, whatever the next one says. */
	if (unknown)
		return err_prefix(err,
		    "the key is kept in %s, since a CA that did not answer may have issued",
		    j->key_file);
	if (!j->keep_key)
		unlink(j->key_file);
	return false;
}

static bool
set_paths(struct job *j, struct err *err)
{
	const char *out = j->cli->opt.out;

	j->out = out != NULL ? mem_text(out) : text_printf("%s.pfx", j->tmpl.cn);
	j->key_file = text_printf("%s.key", j->out);
	if (access(j->out, F_OK) == 0)
		return err_set(
		    err, ERROR_FILE_EXISTS, "%s exists; name another file with --out", j->out);
	return true;
}

static bool
read_signer(const char *path, const char *password_file, struct client_signer *out, struct err *err)
{
	OWNED(secret_free) struct secret password = {0};

	if (path == NULL)
		return true;
	OWNED(own_memory) char *prompt = text_printf("Password of %s: ", path);

	return cli_password(password_file, prompt, false, &password, err) &&
	       client_signer_read(path, &password, out, err);
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

/* Who signs too, and the key: a new one, or that of the renewed certificate. */
static bool
get_keys(struct job *j, struct err *err)
{
	const struct cli_options *o = &j->cli->opt;

	if (!read_signer(o->renew, o->renew_password_file, &j->renews, err) ||
	    !read_signer(o->agent, o->agent_password_file, &j->agent, err))
		return false;
	if (!o->same_key)
		return client_key_make(o->key, &j->tmpl, &j->key, err);
	j->key = j->renews.key;
	return EVP_PKEY_up_ref(j->key) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "the key of the renewed certificate");
}

static bool
prepare(struct job *j, struct err *err)
{
	const char *password_file = j->cli->opt.out_password_file;

	if (!find_template(j, j->cli->args[0], err))
		return false;
	note_superseded(j);
	return check_own_right(j, err) && set_paths(j, err) &&
	       cli_password(password_file, "Password for the PKCS#12: ", true, &j->password, err) &&
	       get_keys(j, err) && client_key_save(j->key_file, j->key, &j->password, err);
}

bool
cmd_enroll(struct work *w, struct err *err)
{
	OWNED(job_close) struct job j = {.cli = w->cli, .session = &w->session};

	return check_usage(&w->cli->opt, err) && work_open(w, NEEDS_PKI, err) && prepare(&j, err) &&
	       try_services(&j, err);
}

/* ---- retrieve ---- */

static bool
retrieve(struct job *j, struct client_enrolled *e, const struct pki_service **service_out,
    struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(http_client_close) struct http_client *http = NULL;
	OWNED(buf_free) struct buf der = {0};
	int64_t id;
	char path[80];

	if (!text_to_int(j->cli->args[0], 1, INT64_MAX, &id))
		return err_set(err, DIRCA_E_USAGE, "%s is not a request id", j->cli->args[0]);
	snprintf(path, sizeof path, "/dirca/v1/requests/%lld/certificate", (long long)id);
	if (!session_pki(j->session, err) || !session_service(j->session, service_out, err) ||
	    !session_http(j->session, *service_out, &http, err) ||
	    !http_client_request(http, "GET", path, NULL, (struct view){0}, &answer, err) ||
	    !http_answer_check(&answer, err))
		return false;
	if (*service_out == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "the CA's certificate is needed: name the directory with -H and the CA with "
		    "--ca");
	e->request_id = id;
	if (answer.status == 202)
		return err_set(err, DIRCA_E_PENDING,
		    "request %lld still waits for a certificate manager", (long long)id);
	return http_answer_der(&answer, &der, err) &&
	       client_check_response(buf_view(&der), buf_view(&(*service_out)->certificate), j->key,
		   (struct view){0}, e, err);
}

bool
cmd_retrieve(struct work *w, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	OWNED(job_close) struct job j = {.cli = w->cli, .session = &w->session};
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	const struct pki_service *service = NULL;

	if (o->key_file == NULL || o->out == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "--key-file and --out are needed: what `dirca enroll` kept, and the PKCS#12 to "
		    "write");
	if (!work_open(w, NEEDS_SESSION, err) || !set_paths(&j, err) ||
	    !cli_password(o->out_password_file,
		"Password of the kept key (the PKCS#12 gets the same): ", false, &j.password,
		err) ||
	    !client_key_load(o->key_file, &j.password, &j.key, err) ||
	    !retrieve(&j, &e, &service, err) ||
	    !write_pfx(&j, buf_view(&e.certificate), buf_view(&service->certificate), err))
		return false;
	unlink(o->key_file);
	printf("%s written.\n", j.out);
	return true;
}
