/* dirca ca publish, ca unpublish: the CA in the directory. */
#include <stdlib.h>

#include "ca_authority.h"
#include "ca_rights.h"
#include "clock.h"
#include "daemon_directory.h"
#include "given.h"
#include "local_audit.h"
#include "own.h"
#include "pkix.h"
#include "publication_file.h"
#include "service_key.h"
#include "template_common.h"
#include "texts.h"
#include "trustee.h"
#include "verbs.h"
#include "work.h"

/* Who writes, and what about. */
struct writer {
	struct config *config; /* borrowed */
	struct daemon_directory opened;
	struct dir_conn *directory;    /* of `opened` */
	struct pem_certs certificates; /* ca.crt */
	struct pkix_cert cert;
	bool has_rights;    /* before, and they stay */
	bool admins_manage; /* the rights that were set make them certificate managers too */
};

static void
writer_close(struct writer *w)
{
	pkix_cert_free(&w->cert);
	pem_certs_free(&w->certificates);
	daemon_directory_close(&w->opened);
}

static bool
read_certificate(struct writer *w, struct err *err)
{
	OWNED(own_memory) char *path = config_path(w->config, "ca.crt");

	return given_certificates(path, &w->certificates, err) &&
	       pkix_cert_decode(buf_view(&w->certificates.list[0]), &w->cert, err);
}

static bool
writer_open(struct work *work, struct writer *w, struct err *err)
{
	w->config = work->config;
	if (!daemon_directory_open(work, &w->opened, err) || !read_certificate(w, err))
		return false;
	w->directory = w->opened.conn;
	return true;
}

/* ---- ca publish ---- */

static bool
find_people(
    struct dir_conn *directory, const struct cli_list *names, struct sids *out, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		struct sid who;

		switch (trustee_find(directory, names->list[i], &who, err)) {
		case DIR_FOUND:
			sids_put(out, &who);
			break;
		case DIR_NOT_FOUND:
			return err_set(err, CRYPT_E_NOT_FOUND,
			    "the directory has no user or group %s", names->list[i]);
		case DIR_FIND_FAILED:
			return false;
		}
	}
	return true;
}

/* dircaCASecurity: what the options name. Without a name there is no administrator: refused. */
static bool
make_security(const struct cli *cli, struct writer *w, struct buf *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	OWNED(ca_roles_free) struct ca_roles roles = {0};
	OWNED(sd_free) struct sd sd = {0};

	if (o->admins.count == 0)
		return err_set(err, CERTSRV_E_NO_CAADMIN_DEFINED,
		    "--admin is needed: who administers the CA (user or group of the directory)");
	w->admins_manage = o->officers.count == 0;
	return find_people(w->directory, &o->admins, &roles.admins, err) &&
	       find_people(w->directory, &o->officers, &roles.officers, err) &&
	       find_people(w->directory, &o->auditors, &roles.auditors, err) &&
	       ca_rights_of_roles(&roles, &sd, err) && sd_encode(&sd, out, err);
}

/* Whether the directory has the enrollment service already, with rights: then these stay. That of
 * AD CS has none, which keeps them on its machine. */
static bool
has_rights(const struct writer *w, bool *yes_out, struct err *err)
{
	OWNED(own_memory) char *dn = pki_service_dn(w->directory, w->config->ca_name);
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(w->directory,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=pKIEnrollmentService)",
		    .attrs = (const char *const[]){"dircaCASecurity", NULL}},
		&found, err))
		return false;
	*yes_out = found.count == 1 && dir_entry_attr(&found.list[0], "dircaCASecurity") != NULL;
	return true;
}

/* The certificates of before a renewal, and what leads from one key to another. */
static bool
publish_authority(const struct writer *w, struct err *err)
{
	OWNED(own_memory) char *path = config_path(w->config, "ca.crt");
	OWNED(ca_issuers_free) struct ca_issuers own = {0};
	OWNED(ca_crosses_free) struct ca_crosses crosses = {0};
	OWNED(ca_authority_free) struct ca_authority a = {0};

	return ca_issuers_read(path, &own, err) &&
	       ca_crosses_read(w->config, &own, &crosses, err) &&
	       ca_authority_make(w->config, &own, &crosses, clock_now(), &a, err) &&
	       pki_publish_authority(w->directory, &a.pki, err);
}

/* A list of the CA has the names of templates, whichever name they are given by here. */
static bool
find_templates(
    struct dir_conn *directory, const struct cli_list *names, struct texts *out, struct err *err)
{
	OWNED(pki_snapshot_free) struct pki_snapshot *pki = NULL;

	if (names->count > 0 && !pki_snapshot_load(directory, &pki, err))
		return false;
	for (size_t i = 0; i < names->count; i++) {
		const struct dir_entry *e;
		char *cn = NULL;

		if (!template_in(pki, names->list[i], &e, err) ||
		    dir_entry_text(e, "cn", &cn, err) == DIR_GET_FAILED)
			return false;
		if (cn != NULL)
			texts_take(out, cn);
	}
	return true;
}

static bool
publish(const struct cli *cli, struct writer *w, struct err *err)
{
	static const char *const defaults[] = {"EFSArchive", "UserArchive", "KeyRecoveryAgent",
	    "User", "EFS", "Machine", "WebServer", NULL};
	const char *names[CLI_LIST_MAX + 1] = {NULL};
	OWNED(own_memory) char *subject = pkix_name_text(w->cert.subject);
	OWNED(buf_free) struct buf security = {0};
	OWNED(texts_free) struct texts templates = {0};
	struct pki_publication p = {.ca_name = w->config->ca_name,
	    .host = w->config->host,
	    .url = w->config->url,
	    .subject_dn = subject,
	    .certificate = buf_view(&w->cert.raw),
	    .templates = cli->opt.templates.count > 0 ? names : defaults,
	    .is_root = view_eq(w->cert.subject, w->cert.issuer)};
	uint8_t service_key[SERVICE_KEY_HASH_LEN];
	bool finished;

	if (!find_templates(w->directory, &cli->opt.templates, &templates, err))
		return false;
	for (size_t i = 0; i < templates.count; i++)
		names[i] = templates.list[i];
	if (!service_key_hash(w->config, service_key, err) || !has_rights(w, &w->has_rights, err) ||
	    (!w->has_rights && !make_security(cli, w, &security, err)))
		return false;
	p.ca_security = buf_view(&security);
	p.service_key = view_of(service_key, sizeof service_key);
	/* Written down first: what a failure interrupts, dircad or the next try finishes. */
	return (publication_begin(w->config, &p, err) &&
		   publication_finish(w->config, w->directory, &finished, err) &&
		   publish_authority(w, err)) ||
	       err_prefix(err, "begun, and to be finished at the next start of dircad");
}

static bool
publish_audited(const struct cli *cli, struct writer *w, struct err *err)
{
	const char *name = w->config->ca_name;

	return local_audit_begin(cli, name, "", err) &&
	       (publish(cli, w, err) || local_audit_failed(cli, name, "", err));
}

/* What the command line says of rights that stay as they are. */
static void
tell_unused(const struct cli_options *o)
{
	if (o->admins.count + o->officers.count + o->auditors.count > 0)
		puts("The rights that the CA has in the directory stay as they were: --admin, "
		     "--officer and --auditor are of a new CA. `dirca ca rights` shows and changes "
		     "them.");
}

bool
cmd_ca_publish(struct work *work, struct err *err)
{
	OWNED(writer_close) struct writer w = {0};

	if (!writer_open(work, &w, err) || !publish_audited(work->cli, &w, err))
		return false;
	printf("%s is published: AIA, NTAuthCertificates, %sEnrollment Services.\n",
	    w.config->ca_name,
	    view_eq(w.cert.subject, w.cert.issuer) ? "Certification Authorities, " : "");
	if (w.has_rights)
		tell_unused(&work->cli->opt);
	if (w.admins_manage)
		puts(
		    "No --officer was named: the CA's administrators are its certificate managers, "
		    "who approve requests and retrieve keys. `dirca ca rights` separates the two.");
	return true;
}

/* ---- ca unpublish ---- */

/* With every certificate that it has had. */
static bool
unpublish_all(const struct writer *w, bool everything, struct err *err)
{
	for (size_t i = 0; i < w->certificates.count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert c = {0};
		uint32_t version;

		if (!pkix_cert_decode(buf_view(&w->certificates.list[i]), &c, err) ||
		    !pkix_cert_ca_version(&c, &version, err) ||
		    !pki_unpublish_ca(w->directory, w->config->ca_name, CA_VERSION_KEY(version),
			w->config->host, buf_view(&c.raw), everything, err))
			return false;
	}
	return true;
}

bool
cmd_ca_unpublish(struct work *work, struct err *err)
{
	bool everything = work->cli->opt.everything;
	OWNED(writer_close) struct writer w = {0};

	if (!writer_open(work, &w, err) || !publication_forget(w.config, err) ||
	    !unpublish_all(&w, everything, err))
		return false;
	if (everything)
		printf("%s is gone from the directory. Its certificates cannot be verified there "
		       "any more.\n",
		    w.config->ca_name);
	else
		printf("%s is no enrollment service any more and issues no logon certificates. "
		       "AIA, CDP and Certification Authorities stay for the certificates that it "
		       "issued; --all removes them too.\n",
		    w.config->ca_name);
	return true;
}
