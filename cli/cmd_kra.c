/* dirca kra add, remove, list, publish, unpublish. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "clock.h"
#include "file.h"
#include "kra_store.h"
#include "local_audit.h"
#include "own_json.h"
#include "pem_file.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

/* A pid file may outlive its process, and the number be another's by now. */
static bool
is_dircad(pid_t pid)
{
	OWNED(own_memory) char *path = text_printf("/proc/%ld/comm", (long)pid);
	OWNED(own_file) FILE *f = fopen(path, "re");
	char name[16] = "";

	return f != NULL && fgets(name, sizeof name, f) != NULL && strcmp(name, "dircad\n") == 0;
}

/* The running CA reads its KRA store again; none running is fine. */
static void
tell_dircad(const struct config *config)
{
	OWNED(own_memory) char *path = config_path(config, "dircad.pid");
	OWNED(buf_free) struct buf raw = {0};
	char text[24];
	int64_t pid;
	struct err err;

	if (!file_read(path, sizeof text - 1, &raw, &err))
		return;
	memcpy(text, raw.ptr, raw.len);
	text[raw.len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text_to_int(text, 2, INT32_MAX, &pid) && is_dircad((pid_t)pid) &&
	    kill((pid_t)pid, SIGHUP) != 0 && errno != ESRCH)
		fprintf(stderr, "dirca: dircad (pid %lld) could not be told; send it SIGHUP\n",
		    (long long)pid);
}

static bool
issuers_of(const struct config *config, struct pkix_cert *ca_out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "ca.crt");
	OWNED(pem_file_free) struct pem_file file = {0};

	return pem_file_read(path, &file, err) &&
	       pkix_cert_decode(buf_view(&file.list[0]), ca_out, err);
}

/* The record first: without it nothing is done. */
static bool
add_audited(const struct cli *cli, const struct config *config, const struct pkix_cert *kra,
    struct err *err)
{
	OWNED(own_memory) char *hash = hex_encode(view_of(kra->sha1, sizeof kra->sha1), '\0');
	struct err ignored;

	if (!local_audit(cli, hash, NULL, err))
		return false;
	if (kra_store_add(config, buf_view(&kra->raw), err))
		return true;
	(void)local_audit(cli, hash, err, &ignored);
	return false;
}

static bool
remove_audited(
    const struct cli *cli, const struct config *config, const char *sha1_hex, struct err *err)
{
	struct err ignored;

	if (!local_audit(cli, sha1_hex, NULL, err))
		return false;
	if (kra_store_remove(config, sha1_hex, err))
		return true;
	(void)local_audit(cli, sha1_hex, err, &ignored);
	return false;
}

static bool
add_one(const struct work *w, const struct pkix_cert *ca, struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert kra = {0};

	if (!pkix_cert_decode(der, &kra, err) || !kra_validate(&kra, &ca, 1, clock_now(), err) ||
	    !add_audited(w->cli, w->config, &kra, err))
		return false;
	printf("Added to the KRA store:\n");
	print_cert(stdout, "  ", &kra);
	return true;
}

static bool
add_file(const struct work *w, const struct pkix_cert *ca, const char *path, struct err *err)
{
	OWNED(pem_file_free) struct pem_file file = {0};

	if (!pem_file_read(path, &file, err))
		return false;
	for (size_t i = 0; i < file.count; i++)
		if (!add_one(w, ca, buf_view(&file.list[i]), err))
			return false;
	return true;
}

bool
cmd_kra_add(struct work *w, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};

	if (!issuers_of(w->config, &ca, err))
		return false;
	for (int i = 0; i < w->cli->count; i++)
		if (!add_file(w, &ca, w->cli->args[i], err))
			return false;
	tell_dircad(w->config);
	return true;
}

bool
cmd_kra_remove(struct work *w, struct err *err)
{
	if (!remove_audited(w->cli, w->config, w->cli->args[0], err))
		return false;
	tell_dircad(w->config);
	puts("Removed. Keys sealed to it stay recoverable by it; a recovery BLOB will no longer "
	     "carry its certificate.");
	return true;
}

static void
show_kra(const struct cli *cli, const char *object, struct view der, json_t *list)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err err;

	if (!pkix_cert_decode(der, &cert, &err)) {
		fprintf(stderr, "dirca kra list: %s: %s\n", object, err.msg);
		return;
	}
	if (cli->opt.json) {
		json_t *value = json_cert(&cert);

		json_object_set_new(value, "object", json_string(object));
		json_array_append_new(list, value);
	} else {
		printf("%s\n", object);
		print_cert(stdout, "  ", &cert);
		putchar('\n');
	}
}

bool
cmd_kra_list(struct work *w, struct err *err)
{
	const struct dir_entries *kras = &w->session.pki->kras;
	OWNED(own_json) json_t *list = json_array();

	(void)err;
	for (size_t i = 0; i < kras->count; i++) {
		const struct dir_entry *e = &kras->list[i];
		const struct dir_attr *a = dir_entry_attr(e, "userCertificate");

		for (size_t k = 0; a != NULL && k < a->count; k++)
			show_kra(w->cli, e->dn, buf_view(&a->values[k]), list);
	}
	if (w->cli->opt.json)
		print_json(own_give(&list));
	return true;
}

static bool
publish_file(struct session *s, const char *ca_name, const char *path, struct err *err)
{
	OWNED(pem_file_free) struct pem_file file = {0};

	if (!pem_file_read(path, &file, err))
		return false;
	for (size_t i = 0; i < file.count; i++)
		if (!pki_publish_kra(
			s->directory, ca_name, buf_view(&file.list[i]), clock_now(), err))
			return false;
	printf("%s: %zu certificate(s) published in CN=KRA under %s.\n", path, file.count, ca_name);
	return true;
}

bool
cmd_kra_publish(struct work *w, struct err *err)
{
	const struct pki_service *service;

	if (!session_service(&w->session, &service, err))
		return false;
	if (service == NULL)
		return err_set(
		    err, DIRCA_E_USAGE, "the directory is needed: -H and, with several CAs, --ca");
	for (int i = 0; i < w->cli->count; i++)
		if (!publish_file(&w->session, service->name, w->cli->args[i], err))
			return false;
	return true;
}

/* The certificate that the argument means: a file, or the SHA-1 of one in the KRA container. */
static bool
find_named(
    struct session *s, const char *what, struct pem_file *file, struct view *out, struct err *err)
{
	OWNED(buf_free) struct buf hash = {0};

	if (strlen(what) == 40 && hex_decode(what, &hash, err)) {
		*out = pki_snapshot_kra(s->pki, buf_view(&hash));
		return out->len > 0 ||
		       err_set(err, CRYPT_E_NOT_FOUND,
			   "the KRA container holds no certificate with SHA-1 %s", what);
	}
	if (!pem_file_read(what, file, err))
		return false;
	if (file->count != 1)
		return err_set(err, E_INVALIDARG, "%s: one certificate is expected", what);
	*out = buf_view(&file->list[0]);
	return true;
}

static bool
unpublish(struct session *s, const char *what, struct err *err)
{
	OWNED(pem_file_free) struct pem_file file = {0};
	size_t removed = 0;
	struct view found;

	if (!find_named(s, what, &file, &found, err) ||
	    !pki_unpublish_kra(s->directory, found, &removed, err))
		return false;
	if (removed == 0)
		return err_set(err, CRYPT_E_NOT_FOUND, "the KRA container does not hold %s", what);
	printf("%s: taken out of %zu object(s) of the KRA container. Keys sealed to it stay "
	       "recoverable by it; `dirca kra remove` takes it from a CA.\n",
	    what, removed);
	return true;
}

bool
cmd_kra_unpublish(struct work *w, struct err *err)
{
	for (int i = 0; i < w->cli->count; i++)
		if (!unpublish(&w->session, w->cli->args[i], err))
			return false;
	return true;
}
