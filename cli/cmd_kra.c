/* dirca kra add, remove, list, publish, unpublish. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "clock.h"
#include "daemon_config.h"
#include "file.h"
#include "kra_store.h"
#include "local_audit.h"
#include "pem.h"
#include "print.h"
#include "session.h"
#include "text.h"

/* A pid file may outlive its process, and the number be another's by now. */
static bool
is_dircad(pid_t pid)
{
	char *path = text_printf("/proc/%ld/comm", (long)pid), name[16] = "";
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	bool is = f != NULL && fgets(name, sizeof name, f) != NULL && strcmp(name, "dircad\n") == 0;

	if (f != NULL)
		fclose(f);
	free(path);
	return is;
}

/* The running CA reads its KRA store again; none running is fine. */
static void
tell_dircad(const struct config *config)
{
	char *path = config_path(config, "dircad.pid");
	struct buf raw = {0};
	char text[24];
	int64_t pid;
	struct err err;

	if (path != NULL && file_read(path, sizeof text - 1, &raw, &err)) {
		memcpy(text, raw.ptr, raw.len);
		text[raw.len] = '\0';
		text[strcspn(text, "\n")] = '\0';
		if (text_to_int(text, 2, INT32_MAX, &pid) && is_dircad((pid_t)pid) &&
		    kill((pid_t)pid, SIGHUP) != 0 && errno != ESRCH)
			fprintf(stderr,
			    "dirca: dircad (pid %lld) could not be told; send it SIGHUP\n",
			    (long long)pid);
	}
	buf_free(&raw);
	free(path);
}

static bool
issuers_of(const struct config *config, struct pkix_cert *ca_out, struct err *err)
{
	char *path = config_path(config, "ca.crt");
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = path != NULL && pem_certificates_file(path, &list, &count, err) &&
		  pkix_cert_decode(buf_view(&list[0]), ca_out, err);

	pem_list_free(&list, count);
	free(path);
	return ok;
}

/* The record first: without it nothing is done. */
static bool
add_audited(const struct cli *cli, const struct config *config, const struct pkix_cert *kra,
    struct err *err)
{
	char *hash = hex_encode(view_of(kra->sha1, sizeof kra->sha1), '\0');
	struct err ignored;
	bool ok = false;

	if (hash == NULL)
		err_nomem(err);
	else if (local_audit(cli, hash, NULL, err)) {
		ok = kra_store_add(config, view_of(kra->raw.ptr, kra->raw.len), err);
		if (!ok)
			(void)local_audit(cli, hash, err, &ignored);
	}
	free(hash);
	return ok;
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
add_file(const struct cli *cli, const struct config *config, const struct pkix_cert *ca,
    const char *file, struct err *err)
{
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = pem_certificates_file(file, &list, &count, err);

	for (size_t i = 0; ok && i < count; i++) {
		struct pkix_cert kra = {0};

		ok = pkix_cert_decode(buf_view(&list[i]), &kra, err) &&
		     kra_validate(&kra, &ca, 1, clock_now(), err) &&
		     add_audited(cli, config, &kra, err);
		if (ok) {
			printf("Added to the KRA store:\n");
			print_cert(stdout, "  ", &kra);
		}
		pkix_cert_free(&kra);
	}
	pem_list_free(&list, count);
	return ok;
}

enum cli_exit
cmd_kra_add(struct cli *cli)
{
	struct config *config = NULL;
	struct pkix_cert ca = {0};
	enum cli_exit status = CLI_OK;
	bool ok;
	struct err err;

	ok = load_daemon_config(cli, &config, &err) && issuers_of(config, &ca, &err);
	for (int i = 0; ok && i < cli->count; i++)
		ok = add_file(cli, config, &ca, cli->args[i], &err);
	if (!ok)
		status = cli_fail(cli, &err);
	else
		tell_dircad(config);
	pkix_cert_free(&ca);
	config_free(&config);
	return status;
}

enum cli_exit
cmd_kra_remove(struct cli *cli)
{
	struct config *config = NULL;
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!load_daemon_config(cli, &config, &err) ||
	    !remove_audited(cli, config, cli->args[0], &err)) {
		status = cli_fail(cli, &err);
	} else {
		tell_dircad(config);
		puts("Removed. Keys sealed to it stay recoverable by it; a recovery BLOB will no "
		     "longer carry its certificate.");
	}
	config_free(&config);
	return status;
}

static void
show_kra(const struct cli *cli, const char *object, struct view der, json_t *list)
{
	struct pkix_cert cert = {0};
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
	pkix_cert_free(&cert);
}

enum cli_exit
cmd_kra_list(struct cli *cli)
{
	struct session session = {0};
	json_t *list = json_array();
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!session_open(cli, &session, &err) || !session_pki(&session, &err)) {
		status = cli_fail(cli, &err);
		goto out;
	}
	for (size_t i = 0; i < session.pki->kras.count; i++) {
		const struct dir_entry *e = &session.pki->kras.list[i];
		const struct dir_attr *a = dir_entry_attr(e, "userCertificate");

		for (size_t k = 0; a != NULL && k < a->count; k++)
			show_kra(cli, e->dn, buf_view(&a->values[k]), list);
	}
	if (cli->opt.json)
		print_json(json_incref(list));
out:
	json_decref(list);
	session_close(&session);
	return status;
}

static bool
publish_file(struct session *s, const char *ca_name, const char *file, struct err *err)
{
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = pem_certificates_file(file, &list, &count, err);

	for (size_t i = 0; ok && i < count; i++)
		ok = pki_publish_kra(s->directory, ca_name, buf_view(&list[i]), clock_now(), err);
	if (ok)
		printf(
		    "%s: %zu certificate(s) published in CN=KRA under %s.\n", file, count, ca_name);
	pem_list_free(&list, count);
	return ok;
}

enum cli_exit
cmd_kra_publish(struct cli *cli)
{
	struct session session = {0};
	const struct pki_service *service = NULL;
	enum cli_exit status = CLI_OK;
	bool ok;
	struct err err;

	ok = session_open(cli, &session, &err) && session_pki(&session, &err) &&
	     session_service(&session, &service, &err);
	if (ok && service == NULL)
		ok = err_set(
		    &err, DIRCA_E_USAGE, "the directory is needed: -H and, with several CAs, --ca");
	for (int i = 0; ok && i < cli->count; i++)
		ok = publish_file(&session, service->name, cli->args[i], &err);
	if (!ok)
		status = cli_fail(cli, &err);
	session_close(&session);
	return status;
}

static struct view
find_by_hash(const struct pki_snapshot *pki, struct view sha1)
{
	for (size_t i = 0; i < pki->kras.count; i++) {
		const struct dir_attr *a = dir_entry_attr(&pki->kras.list[i], "userCertificate");

		for (size_t k = 0; a != NULL && k < a->count; k++) {
			struct pkix_cert cert = {0};
			struct err ignored;
			bool is = pkix_cert_decode(buf_view(&a->values[k]), &cert, &ignored) &&
				  view_eq(view_of(cert.sha1, sizeof cert.sha1), sha1);

			pkix_cert_free(&cert);
			if (is)
				return buf_view(&a->values[k]);
		}
	}
	return (struct view){0};
}

/* The certificate that the argument means: a file, or the SHA-1 of one in the KRA container. */
static bool
unpublish(struct session *s, const char *what, struct err *err)
{
	struct buf *list = NULL, hash = {0};
	size_t count = 0, removed = 0;
	struct view found = {0};
	bool ok = false;

	if (strlen(what) == 40 && hex_decode(what, &hash, err)) {
		found = find_by_hash(s->pki, buf_view(&hash));
		if (found.len == 0)
			err_set(err, CRYPT_E_NOT_FOUND,
			    "the KRA container holds no certificate with SHA-1 %s", what);
	} else if (pem_certificates_file(what, &list, &count, err)) {
		if (count == 1)
			found = buf_view(&list[0]);
		else
			err_set(err, E_INVALIDARG, "%s: one certificate is expected", what);
	}
	if (found.len == 0 || !pki_unpublish_kra(s->directory, found, &removed, err))
		goto out;
	ok = removed > 0 ||
	     err_set(err, CRYPT_E_NOT_FOUND, "the KRA container does not hold %s", what);
	if (ok)
		printf(
		    "%s: taken out of %zu object(s) of the KRA container. Keys sealed to it stay "
		    "recoverable by it; `dirca kra remove` takes it from a CA.\n",
		    what, removed);
out:
	pem_list_free(&list, count);
	buf_free(&hash);
	return ok;
}

enum cli_exit
cmd_kra_unpublish(struct cli *cli)
{
	struct session session = {0};
	enum cli_exit status = CLI_OK;
	struct err err;
	bool ok = session_open(cli, &session, &err) && session_pki(&session, &err);

	for (int i = 0; ok && i < cli->count; i++)
		ok = unpublish(&session, cli->args[i], &err);
	if (!ok)
		status = cli_fail(cli, &err);
	session_close(&session);
	return status;
}
