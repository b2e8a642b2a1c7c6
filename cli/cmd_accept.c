/*
 * dirca accept (paper, "Binary Request Export Using the CertUtil.exe Command-Line Tool
 * Walkthrough"): what the CA answered to a request of `dirca new`, whoever brought it, and the key
 * that stayed here.
 */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_enroll.h"
#include "cmc.h"
#include "file.h"
#include "given.h"
#include "mem.h"
#include "output.h"
#include "own.h"
#include "own_folder.h"
#include "pfx.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define RESPONSE_MAX 1048576

struct accept_job {
	struct cli *cli;
	struct session *session;
	struct buf response; /* DER */
	char *key_file, *sent_file, *out;
	struct client_request sent;
	struct secret password;
	EVP_PKEY *key;
};

static void
accept_close(struct accept_job *j)
{
	buf_free(&j->response);
	free(j->key_file);
	free(j->sent_file);
	free(j->out);
	client_request_free(&j->sent);
	secret_free(&j->password);
	EVP_PKEY_free(j->key);
}

/* Which certificates the answer brings, before anything of it is verified: one of them chooses the
 * key. */
struct brought {
	struct cms_signed message;
	struct view alone;
	const struct view *list;
	size_t count;
};

static void
brought_free(struct brought *b)
{
	cms_signed_free(&b->message);
}

/* A CA that issued nothing says why. */
static bool
check_issued(struct view der, struct err *err)
{
	OWNED(cmc_response_free) struct cmc_response r = {0};

	if (!cmc_response_decode(der, &r, err))
		return false;
	if (r.status != CMC_STATUS_SUCCESS)
		return err_set(err,
		    r.status == CMC_STATUS_PENDING ? DIRCA_E_PENDING : DIRCA_E_DENIED,
		    "the CA issued nothing: %s", r.text != NULL ? r.text : "it gives no reason");
	return cmc_response_certificate(&r).len > 0 ||
	       err_set(err, ERROR_INVALID_DATA,
		   "the answer holds no certificate with the hash that it names");
}

static bool
read_brought(struct view der, struct brought *out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert alone = {0};
	struct err ignored;

	if (!cms_signed_decode(der, &out->message, &ignored)) {
		out->alone = der;
		out->list = &out->alone;
		out->count = 1;
		return pkix_cert_decode(der, &alone, err);
	}
	out->list = out->message.certificates;
	out->count = out->message.certificate_count;
	return out->message.signer_count == 0 || check_issued(der, err);
}

/* Does the request that is kept there ask for one of them? */
static bool
is_for(const char *sent_file, const struct brought *b)
{
	OWNED(client_request_free) struct client_request sent = {0};
	OWNED(buf_free) struct buf own = {0};
	struct err ignored;

	if (!client_request_load(sent_file, &sent, &ignored) ||
	    !client_request_spki(&sent, &own, &ignored))
		return false;
	for (size_t i = 0; i < b->count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert cert = {0};

		if (pkix_cert_decode(b->list[i], &cert, &ignored) &&
		    view_eq(buf_view(&own), cert.spki))
			return true;
	}
	return false;
}

/* By the public key, among what `dirca new` keeps: in the response's folder. */
static bool
find_key(struct accept_job *j, const struct brought *b, struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(j->cli->args[0]);
	const char *folder = dirname(copy);
	OWNED(own_memory) char *ending = client_request_path(CLIENT_KEY_SUFFIX);
	OWNED(own_folder) DIR *open = opendir(folder);
	const struct dirent *entry;

	while (open != NULL && (entry = readdir(open)) != NULL) {
		size_t len = strlen(entry->d_name), end = strlen(ending);
		OWNED(own_memory) char *path = text_printf("%s/%s", folder, entry->d_name);

		if (len <= end || strcmp(entry->d_name + len - end, ending) != 0 ||
		    !is_for(path, b))
			continue;
		j->sent_file = mem_text(path);
		j->key_file = mem_text_n(path, strlen(path) - end + strlen(CLIENT_KEY_SUFFIX));
		return true;
	}
	return err_set(err, CRYPT_E_NOT_FOUND,
	    "no key in %s is that of the certificate; name the one that `dirca new` kept with "
	    "--key-file",
	    folder);
}

/* "CertificateRequest.pfx" of "CertificateRequest.req.key". */
static char *
default_out(const char *key_file)
{
	OWNED(own_memory) char *name = mem_text(key_file);
	size_t len = strlen(name);
	char *slash, *dot;

	if (len > strlen(CLIENT_KEY_SUFFIX) &&
	    strcmp(name + len - strlen(CLIENT_KEY_SUFFIX), CLIENT_KEY_SUFFIX) == 0)
		name[len - strlen(CLIENT_KEY_SUFFIX)] = '\0';
	slash = strrchr(name, '/');
	dot = strrchr(slash != NULL ? slash + 1 : name, '.');
	if (dot != NULL && dot > (slash != NULL ? slash + 1 : name))
		*dot = '\0';
	return text_printf("%s.pfx", name);
}

static bool
read_response(struct accept_job *j, struct err *err)
{
	const char *path = j->cli->args[0];
	OWNED(buf_free) struct buf text = {0};
	OWNED(brought_free) struct brought b = {0};

	if (!file_read(path, RESPONSE_MAX, &text, err))
		return false;
	if (!given_der(path, buf_view(&text), GIVEN_RESPONSE, &j->response, err))
		return false;
	if (!read_brought(buf_view(&j->response), &b, err))
		return given_failed(path, buf_view(&text), GIVEN_RESPONSE, err);
	if (j->cli->opt.key_file == NULL)
		return find_key(j, &b, err);
	j->key_file = mem_text(j->cli->opt.key_file);
	j->sent_file = client_request_path(j->key_file);
	return true;
}

static bool
service_of(struct accept_job *j, const struct pki_service **out, struct err *err)
{
	const struct session *s = j->session;

	for (size_t i = 0; i < s->service_count; i++)
		if (text_eq_nocase(s->services[i].name, j->sent.ca)) {
			*out = &s->services[i];
			return true;
		}
	return err_set(
	    err, CRYPT_E_NOT_FOUND, "the directory does not name the CA %s any more", j->sent.ca);
}

static bool
write_pfx(const struct accept_job *j, const struct client_enrolled *e,
    const struct pki_service *service, struct err *err)
{
	const struct view ca = service != NULL ? buf_view(&service->certificate) : (struct view){0};
	const char *name = *j->sent.template_cn != '\0' ? j->sent.template_cn : NULL;
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(buf_free) struct buf pfx = {0};
	FILE *words = output_words(j->out);

	if (!pkix_cert_decode(buf_view(&e->certificate), &cert, err) ||
	    !pfx_encode(j->key, buf_view(&e->certificate), &ca, ca.len > 0 ? 1 : 0, name,
		&j->password, &pfx, err))
		return false;
	const struct output out = {j->out, buf_view(&pfx), 0600};

	if (!outputs_write(&out, 1, false, err))
		return false;
	print_cert(words, "  ", &cert);
	fprintf(words, "  Private key archived: %s\n", e->archived ? "yes" : "no");
	if (output_is_standard(j->out)) /* whoever reads there may have lost it */
		return true;
	unlink(j->key_file);
	unlink(j->sent_file);
	printf("%s written.\n", j->out);
	return true;
}

bool
cmd_accept(struct work *w, struct err *err)
{
	OWNED(accept_close) struct accept_job j = {.cli = w->cli, .session = &w->session};
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	const struct pki_service *service = NULL;

	if (!read_response(&j, err))
		return false;
	j.out = w->cli->count > 1 ? mem_text(w->cli->args[1]) : default_out(j.key_file);
	if (!output_check(j.out, false, err) || !client_request_load(j.sent_file, &j.sent, err) ||
	    (j.sent.is_cmc && (!work_open(w, NEEDS_PKI, err) || !service_of(&j, &service, err))) ||
	    !cli_password(w->cli->opt.out_password_file,
		"Password of the kept key (the PKCS#12 gets the same): ", false, &j.password,
		err) ||
	    !client_key_load(j.key_file, &j.password, &j.key, err))
		return false;
	if (!client_check_answer(buf_view(&j.response), &j.sent,
		service != NULL ? buf_view(&service->certificate) : (struct view){0}, j.key, &e,
		err))
		return client_key_failed(j.key_file, err);
	return write_pfx(&j, &e, service, err);
}
