/* dirca ca publish, ca unpublish: the CA in the directory. */
#include <stdlib.h>
#include <string.h>

#include "ca_rights.h"
#include "daemon_config.h"
#include "local_audit.h"
#include "pem.h"
#include "pkix.h"
#include "publication_file.h"
#include "service_key.h"
#include "session.h"
#include "trustee.h"

/* Who writes, and what about. */
struct writer {
	struct config *config;
	struct session session; /* the caller, if the options say who that is */
	struct dir_conn *own;   /* else the CA itself */
	struct dir_conn *directory;
	struct buf *certificates; /* ca.crt */
	size_t certificate_count;
	struct pkix_cert cert;
};

static void
writer_close(struct writer *w)
{
	pkix_cert_free(&w->cert);
	pem_list_free(&w->certificates, w->certificate_count);
	dir_disconnect(&w->own);
	session_close(&w->session);
	config_free(&w->config);
}

static bool
read_certificate(struct writer *w, struct err *err)
{
	char *path = config_path(w->config, "ca.crt");
	bool ok = path != NULL
		      ? pem_certificates_file(path, &w->certificates, &w->certificate_count, err)
		      : err_nomem(err);

	free(path);
	return ok && pkix_cert_decode(buf_view(&w->certificates[0]), &w->cert, err);
}

static bool
writer_open(const struct cli *cli, struct writer *w, struct dir_config *own, struct err *err)
{
	*w = (struct writer){0};
	if (!load_daemon_config(cli, &w->config, err) || !read_certificate(w, err))
		return false;
	if (cli->opt.uri != NULL || cli->opt.user != NULL || cli->opt.bind_dn != NULL) {
		if (!session_open(cli, &w->session, err) || !session_directory(&w->session, err))
			return false;
		w->directory = w->session.directory;
		return true;
	}
	config_directory(w->config, own);
	if (!config_read_password(w->config, err) || !dir_connect(own, &w->own, err))
		return false;
	w->directory = w->own;
	return true;
}

/* ---- ca publish ---- */

static bool
add_right(struct dir_conn *directory, const struct cli_list *names, uint32_t mask, struct sd *sd,
    struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		struct sid who;
		bool changed;

		switch (trustee_find(directory, names->list[i], &who, err)) {
		case DIR_FOUND:
			break;
		case DIR_NOT_FOUND:
			return err_set(err, CRYPT_E_NOT_FOUND,
			    "the directory has no user or group %s", names->list[i]);
		case DIR_FIND_FAILED:
			return false;
		}
		if (!ca_rights_grant(sd, &who, mask, false, &changed, err))
			return false;
	}
	return true;
}

/* dircaCASecurity: what the options name, and Enroll for Authenticated Users ([MS-CSRA] 3.1.1.10).
 * Without a name there is no administrator: refused. */
static bool
make_security(const struct cli *cli, struct dir_conn *directory, struct buf *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	struct sd sd = {0};
	bool ok;

	if (o->admins.count == 0)
		return err_set(err, CERTSRV_E_NO_CAADMIN_DEFINED,
		    "--admin is needed: who administers the CA (user or group of the directory)");
	ok = ca_rights_initial(&sd, err) &&
	     add_right(directory, &o->admins, CA_RIGHT_ADMIN | CA_RIGHT_READ, &sd, err) &&
	     add_right(directory, &o->officers, CA_RIGHT_OFFICER | CA_RIGHT_READ, &sd, err) &&
	     add_right(directory, &o->auditors, CA_RIGHT_AUDITOR | CA_RIGHT_READ, &sd, err) &&
	     sd_encode(&sd, out, err);
	sd_free(&sd);
	return ok;
}

/* Whether the directory has the enrollment service already: then its rights stay. */
static bool
is_published(const struct writer *w, bool *yes_out, struct err *err)
{
	char *dn = pki_service_dn(w->directory, w->config->ca_name);
	struct dir_entries found = {0};
	bool ok = false;

	if (dn == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = dir_search(w->directory,
	    &(struct dir_query){.base = dn,
		.filter = "(objectClass=pKIEnrollmentService)",
		.attrs = (const char *const[]){"cn", NULL}},
	    &found, err);
	*yes_out = ok && found.count > 0;
out:
	dir_entries_free(&found);
	free(dn);
	return ok;
}

static bool
publish(const struct cli *cli, struct writer *w, struct err *err)
{
	static const char *const defaults[] = {"EFSArchive", "UserArchive", "KeyRecoveryAgent",
	    "User", "EFS", "Machine", "WebServer", NULL};
	const char *names[CLI_LIST_MAX + 1] = {NULL};
	char *subject = pkix_name_text(w->cert.subject);
	struct pki_publication p = {.ca_name = w->config->ca_name,
	    .host = w->config->host,
	    .url = w->config->url,
	    .subject_dn = subject,
	    .certificate = buf_view(&w->cert.raw),
	    .templates = cli->opt.templates.count > 0 ? names : defaults,
	    .is_root = view_eq(w->cert.subject, w->cert.issuer)};
	uint8_t service_key[SERVICE_KEY_HASH_LEN];
	struct buf security = {0};
	bool there = false, finished, ok = false;

	memcpy(names, cli->opt.templates.list, sizeof cli->opt.templates.list);
	if (subject == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!service_key_hash(w->config, service_key, err) || !is_published(w, &there, err) ||
	    (!there && !make_security(cli, w->directory, &security, err)))
		goto out;
	p.ca_security = buf_view(&security);
	p.service_key = view_of(service_key, sizeof service_key);
	/* Written down first: what a failure interrupts, dircad or the next try finishes. */
	ok = publication_begin(w->config, &p, err) &&
	     publication_finish(w->config, w->directory, &finished, err);
	if (!ok)
		err_prefix(err, "begun, and to be finished at the next start of dircad");
out:
	free(subject);
	buf_free(&security);
	return ok;
}

static bool
publish_audited(const struct cli *cli, struct writer *w, struct err *err)
{
	const char *name = w->config->ca_name;
	struct err ignored;

	if (!local_audit(cli, name, NULL, err))
		return false;
	if (publish(cli, w, err))
		return true;
	(void)local_audit(cli, name, err, &ignored);
	return false;
}

enum cli_exit
cmd_ca_publish(struct cli *cli)
{
	struct dir_config own;
	struct writer w;
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!writer_open(cli, &w, &own, &err) || !publish_audited(cli, &w, &err))
		status = cli_fail(cli, &err);
	else
		printf("%s is published: AIA, NTAuthCertificates, %sEnrollment Services.\n",
		    w.config->ca_name,
		    view_eq(w.cert.subject, w.cert.issuer) ? "Certification Authorities, " : "");
	writer_close(&w);
	return status;
}

/* ---- ca unpublish ---- */

enum cli_exit
cmd_ca_unpublish(struct cli *cli)
{
	struct dir_config own;
	struct writer w;
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!writer_open(cli, &w, &own, &err) || !publication_forget(w.config, &err) ||
	    !pki_unpublish_ca(w.directory, w.config->ca_name, w.config->host, buf_view(&w.cert.raw),
		cli->opt.everything, &err))
		status = cli_fail(cli, &err);
	else if (cli->opt.everything)
		printf("%s is gone from the directory. Its certificates cannot be verified there "
		       "any more.\n",
		    w.config->ca_name);
	else
		printf("%s is no enrollment service any more and issues no logon certificates. "
		       "AIA, CDP and Certification Authorities stay for the certificates that it "
		       "issued; --all removes them too.\n",
		    w.config->ca_name);
	writer_close(&w);
	return status;
}
