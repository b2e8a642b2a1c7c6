#include "publication_file.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>

#include "dir_ldif.h"
#include "file.h"
#include "mem.h"
#include "own.h"
#include "pkix.h"
#include "text.h"

#define FILE_NAME "publication.ldif"

/* What the file holds, with the storage that struct pki_publication borrows. */
struct begun {
	struct ldif ldif;
	char *ca_name, *host, *url, *subject_dn;
	char **templates; /* NULL-terminated */
	struct pki_publication p;
};

static void
begun_free(struct begun *b)
{
	for (size_t i = 0; b->templates != NULL && b->templates[i] != NULL; i++)
		free(b->templates[i]);
	free(b->templates);
	free(b->ca_name);
	free(b->host);
	free(b->url);
	free(b->subject_dn);
	ldif_free(&b->ldif);
	*b = (struct begun){0};
}

static bool
add_text(struct dir_entry *e, const char *name, const char *text, struct err *err)
{
	return text == NULL || dir_entry_add(e, name, view_str(text), err);
}

static bool
write_entry(const struct pki_publication *p, struct buf *out, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (!dir_entry_init(&e, "", err) || !add_text(&e, "displayName", p->ca_name, err) ||
	    !add_text(&e, "dNSHostName", p->host, err) ||
	    !add_text(&e, "dircaServiceURL", p->url, err) ||
	    !add_text(&e, "cACertificateDN", p->subject_dn, err) ||
	    !dir_entry_add(&e, "cACertificate", p->certificate, err) ||
	    (p->ca_security.len > 0 &&
		!dir_entry_add(&e, "dircaCASecurity", p->ca_security, err)) ||
	    (p->service_key.len > 0 &&
		!dir_entry_add(&e, "dircaServiceKeyHash", p->service_key, err)))
		return false;
	for (size_t i = 0; p->templates != NULL && p->templates[i] != NULL; i++)
		if (!add_text(&e, "certificateTemplates", p->templates[i], err))
			return false;
	return ldif_append_entry(out, &e, err);
}

/* The daemon must be able to remove it in the state folder, where only owners may. */
static bool
give_to_daemon(const struct config *config, const char *path, struct err *err)
{
	const struct passwd *pw;

	if (config->user == NULL || geteuid() != 0)
		return true;
	if ((pw = getpwnam(config->user)) == NULL)
		return err_set(err, DIRCA_E_CONFIG, "there is no user %s", config->user);
	return lchown(path, pw->pw_uid, pw->pw_gid) == 0 || err_errno(err, DIRCA_E_IO, "%s", path);
}

bool
publication_begin(const struct config *config, const struct pki_publication *p, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, FILE_NAME);
	OWNED(buf_free) struct buf text = {0};

	return write_entry(p, &text, err) && file_replace(path, buf_view(&text), 0644, err) &&
	       give_to_daemon(config, path, err);
}

static bool
read_templates(const struct dir_entry *e, struct begun *b, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, "certificateTemplates");
	size_t count = a != NULL ? a->count : 0;

	b->templates = mem_zero(count + 1, sizeof *b->templates);
	for (size_t i = 0; i < count; i++)
		if (!text_from_view(buf_view(&a->values[i]), &b->templates[i], err))
			return false;
	return true;
}

static bool
read_entry(const struct dir_entry *e, struct begun *b, struct err *err)
{
	if (dir_entry_text(e, "displayName", &b->ca_name, err) != DIR_GET_OK ||
	    dir_entry_text(e, "dNSHostName", &b->host, err) == DIR_GET_FAILED ||
	    dir_entry_text(e, "dircaServiceURL", &b->url, err) == DIR_GET_FAILED ||
	    (b->url == NULL && /* begun by an older version */
		dir_entry_text(e, "msPKI-Enrollment-Servers", &b->url, err) == DIR_GET_FAILED) ||
	    dir_entry_text(e, "cACertificateDN", &b->subject_dn, err) == DIR_GET_FAILED ||
	    dir_entry_bytes(e, "cACertificate", &b->p.certificate, err) != DIR_GET_OK ||
	    dir_entry_bytes(e, "dircaCASecurity", &b->p.ca_security, err) == DIR_GET_FAILED ||
	    dir_entry_bytes(e, "dircaServiceKeyHash", &b->p.service_key, err) == DIR_GET_FAILED ||
	    !read_templates(e, b, err))
		return false;
	b->p.ca_name = b->ca_name;
	b->p.host = b->host;
	b->p.url = b->url;
	b->p.subject_dn = b->subject_dn;
	b->p.templates = (const char *const *)b->templates;
	return true;
}

static bool
read_begun(const struct config *config, const char *path, struct begun *b, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!file_read(path, LDIF_FILE_MAX, &text, err))
		return false;
	err_set(err, ERROR_INVALID_DATA, "a value is missing");
	if (!ldif_parse(buf_view(&text), &b->ldif, err) || b->ldif.count != 1 ||
	    !read_entry(&b->ldif.list[0].entry, b, err) ||
	    !pkix_cert_decode(b->p.certificate, &cert, err))
		return err_prefix(err, "%s: remove it and run `dirca ca publish` again", path);
	if (strcmp(b->ca_name, config->ca_name) != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "%s is for the CA '%s'; remove it and run `dirca ca publish` again", path,
		    b->ca_name);
	b->p.is_root = view_eq(cert.subject, cert.issuer);
	return true;
}

static bool
remove_file(const char *path, struct err *err)
{
	return unlink(path) == 0 || errno == ENOENT || err_errno(err, DIRCA_E_IO, "%s", path);
}

bool
publication_finish(
    const struct config *config, struct dir_conn *c, bool *finished_out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, FILE_NAME);
	OWNED(begun_free) struct begun begun = {0};

	*finished_out = false;
	if (!read_begun(config, path, &begun, err))
		return err->code == ERROR_FILE_NOT_FOUND;
	*finished_out = pki_publish_ca(c, &begun.p, err) && remove_file(path, err);
	return *finished_out;
}

bool
publication_forget(const struct config *config, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, FILE_NAME);

	return remove_file(path, err);
}
