/* One enrollment of `dirca enroll`: template, key, files, and what the CA gave, to disk. */
#include "enroll_job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "own.h"
#include "own_key.h"
#include "pfx.h"
#include "pkix.h"
#include "supersede.h"
#include "template_common.h"
#include "text.h"

void
enroll_job_close(struct enroll_job *j)
{
	tmpl_free(&j->tmpl);
	EVP_PKEY_free(j->key);
	secret_free(&j->password);
	client_signer_free(&j->renews);
	client_signer_free(&j->agent);
	free(j->out);
	free(j->key_file);
	free(j->sent_file);
	free(j->sender);
}

static bool
find_template(struct enroll_job *j, const char *name, struct err *err)
{
	const struct dir_entry *e;

	if (!pki_template_named(j->session->pki, name, &e, err))
		return false;
	return e != NULL
		   ? tmpl_decode(e, &j->tmpl, err)
		   : err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
			 "the directory has no certificate template %s; `dirca templates` lists "
			 "them",
			 name);
}

/* A word on stderr where another template replaces the one that was asked for. */
static void
note_superseded(const struct enroll_job *j)
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

/* A client that knows its own name asks the directory before it makes a key; the CA decides in any
 * case. */
static bool
check_own_right(struct enroll_job *j, struct err *err)
{
	OWNED(principal_free) struct principal me = {0};
	bool known;

	if (!session_principal(j->session, &me, &known, err))
		return false;
	if (!known)
		return true;
	if (!tmpl_check_read(&j->tmpl, &me.sids, me.downlevel, err) ||
	    !tmpl_check_enroll(&j->tmpl, &me.sids, me.downlevel, err))
		return false;
	j->sender = session_sender(&me);
	return true;
}

bool
enroll_write_pfx(const struct enroll_job *j, struct view certificate, struct view ca_certificate,
    struct err *err)
{
	OWNED(buf_free) struct buf pfx = {0};

	return pfx_encode(j->key, certificate, &ca_certificate, ca_certificate.len > 0 ? 1 : 0,
		   j->tmpl.cn, &j->password, &pfx, err) &&
	       file_replace(j->out, buf_view(&pfx), 0600, err);
}

static bool
keep_issued(struct enroll_job *j, const struct pki_service *service,
    const struct client_enrolled *e, struct err *err)
{
	if (!enroll_write_pfx(j, buf_view(&e->certificate), buf_view(&service->certificate), err))
		return err_prefix(err,
		    "%s issued by request %lld; the key is kept in %s, and the same command again "
		    "fetches the certificate",
		    pki_service_title(service), e->request_id, j->key_file);
	enroll_forget(j); /* the PKCS#12 is on disk */
	return true;
}

bool
enroll_set_paths(struct enroll_job *j, struct err *err)
{
	const char *out = j->cli->opt.out;

	j->out = out != NULL ? mem_text(out) : text_printf("%s.pfx", j->tmpl.cn);
	j->key_file = text_printf("%s" CLIENT_KEY_SUFFIX, j->out);
	j->sent_file = client_request_path(j->key_file);
	if (access(j->out, F_OK) == 0)
		return err_set(
		    err, ERROR_FILE_EXISTS, "%s exists; name another file with --out", j->out);
	return true;
}

static bool
read_signer(const char *path, const char *password_file, struct client_signer *out, struct err *err)
{
	OWNED(pfx_free) struct pfx pair = {0};

	if (path == NULL || out->key != NULL)
		return true;
	OWNED(own_memory) char *prompt = text_printf("Password of %s: ", path);

	if (!own_pair_read(path, password_file, prompt, &pair, err))
		return false;
	out->key = own_give(&pair.key);
	out->certificate = buf_give(&pair.certificate);
	return true;
}

/* A new one, or that of the renewed certificate; on disk before anything is sent. */
static bool
make_key(struct enroll_job *j, struct err *err)
{
	const struct cli_options *o = &j->cli->opt;

	if (!cli_password(
		o->out_password_file, "Password for the PKCS#12: ", true, &j->password, err))
		return false;
	if (!o->same_key) {
		if (!client_key_make(o->key, &j->tmpl, &j->key, err))
			return false;
	} else {
		j->key = j->renews.key;
		if (EVP_PKEY_up_ref(j->key) != 1)
			return err_openssl(
			    err, DIRCA_E_CRYPTO, "the key of the renewed certificate");
	}
	unlink(j->sent_file); /* of a key that is gone */
	return client_key_save(j->key_file, j->key, &j->password, err);
}

/* The key of an earlier run that did not come to its end. It is removed once it is of no more use:
 * nobody's own key is taken for it. */
static bool
take_up_key(struct enroll_job *j, struct err *err)
{
	const struct cli_options *o = &j->cli->opt;

	if (!client_key_was_saved(j->key_file, err))
		return false;
	fprintf(stderr, "dirca enroll: going on with the key in %s\n", j->key_file);
	if (!cli_password(o->out_password_file,
		"Password of the kept key (the PKCS#12 gets the same): ", false, &j->password,
		err) ||
	    !client_key_load(j->key_file, &j->password, &j->key, err))
		return false;
	return !o->same_key || pkix_same_key(j->key, j->renews.key) ||
	       err_set(err, DIRCA_E_KEY_MISMATCH,
		   "%s holds another key than %s; name another file with --out", j->key_file,
		   o->renew);
}

bool
enroll_read_signers(struct enroll_job *j, struct err *err)
{
	const struct cli_options *o = &j->cli->opt;

	return read_signer(o->renew, o->renew_password_file, &j->renews, err) &&
	       read_signer(o->agent, o->agent_password_file, &j->agent, err);
}

static bool
prepare(struct enroll_job *j, struct err *err)
{
	if (!find_template(j, j->cli->args[0], err))
		return false;
	note_superseded(j);
	return check_own_right(j, err) && enroll_set_paths(j, err) && enroll_read_signers(j, err) &&
	       (access(j->key_file, F_OK) == 0 ? take_up_key(j, err) : make_key(j, err));
}

bool
enroll_do(struct enroll_job *j, const struct pki_service **service_out, struct client_enrolled *out,
    struct err *err)
{
	return prepare(j, err) && enroll_ask_cas(j, service_out, out, err) &&
	       (out->outcome == CLIENT_PENDING || keep_issued(j, *service_out, out, err));
}
