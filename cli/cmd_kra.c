/* dirca kra add, remove, status, list, publish, unpublish. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "clock.h"
#include "daemon_config.h"
#include "given.h"
#include "kra_enabled.h"
#include "kra_store.h"
#include "listing.h"
#include "local_audit.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "tell_dircad.h"
#include "text.h"
#include "trust.h"
#include "verbs.h"
#include "work.h"

static bool
remove_audited(
    const struct cli *cli, const struct config *config, const char *sha1_hex, struct err *err)
{
	return local_audit_begin(cli, sha1_hex, "", err) &&
	       (kra_store_remove(config, sha1_hex, err) ||
		   local_audit_failed(cli, sha1_hex, "", err));
}

static bool
add_one(struct work *w, const struct trust_issuers *issuers, struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert kra = {0};

	if (!pkix_cert_decode(der, &kra, err) || !kra_validate_here(w, &kra, issuers, err) ||
	    !kra_put(w, &kra, err))
		return false;
	return w->cli->opt.no_enable || kra_enable(w, &kra, err);
}

static bool
add_file(struct work *w, const struct trust_issuers *issuers, const char *path, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs file = {0};

	if (!given_leaves(path, &file, err))
		return false;
	for (size_t i = 0; i < file.count; i++)
		if (!add_one(w, issuers, buf_view(&file.list[i]), err))
			return false;
	return true;
}

bool
cmd_kra_add(struct work *w, struct err *err)
{
	OWNED(trust_issuers_free) struct trust_issuers issuers = {0};

	if (!kra_issuers_read(w->config, &issuers, err))
		return false;
	for (int i = 0; i < w->cli->count; i++)
		if (!add_file(w, &issuers, w->cli->args[i], err))
			return false;
	tell_dircad(w->config);
	return true;
}

bool
cmd_kra_remove(struct work *w, struct err *err)
{
	const struct cli_list named = {.list = {w->cli->args[0]}, .count = 1};
	OWNED(texts_free) struct texts found = {0};

	if (!kra_hashes(w, &named, &found, err))
		return false;
	const char *const hashes[] = {found.list[0], NULL};

	if (!kra_may_leave(w, hashes, "Remove it?", err) || !kra_forget(w, hashes[0], err) ||
	    !remove_audited(w->cli, w->config, hashes[0], err))
		return false;
	tell_dircad(w->config);
	puts("Removed. No new key is sealed to it. What is sealed to it can be recovered with its "
	     "private key, and only so: keep that key.");
	return true;
}

static const struct table_column columns[] = {
    {"object", TABLE_TEXT, false, NULL},
    CERTIFICATE_COLUMNS,
};
static const struct table table = {
    columns, COUNT_OF(columns), "serial_number,not_after,subject,certificate_hash", NULL};

static void
show_kra(struct listing *l, const char *object, struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_json) json_t *row = NULL;
	struct err err;

	if (!pkix_cert_decode(der, &cert, &err)) {
		fprintf(stderr, "dirca kra list: %s: %s\n", object, err.msg);
		return;
	}
	row = json_cert(&cert);
	json_object_set_new(row, "object", json_string(object));
	if (!listing_add(l, row))
		return;
	printf("%s\n", object);
	print_cert(stdout, "  ", &cert);
	putchar('\n');
}

/* Why no key is sealed to it; NULL: keys are. */
static const char *
remark(const json_t *kra)
{
	if (!json_is_true(json_object_get(kra, "valid")))
		return json_text(kra, "reason");
	return json_is_true(json_object_get(kra, "counts"))
		   ? NULL
		   : "a newer certificate of the same agent is used instead";
}

static const struct table_column status_columns[] = {
    {"status", TABLE_TEXT, false, NULL},
    {"days_left", TABLE_NUMBER, false, NULL},
    {"archived_keys", TABLE_NUMBER, false, NULL},
    {"published", TABLE_TEXT, false, NULL},
    {"reader", TABLE_TEXT, false, NULL},
    {"serial_number", TABLE_HEX, false, NULL},
    {"subject", TABLE_TEXT, false, NULL},
};
static const struct table status_table = {status_columns, COUNT_OF(status_columns),
    "status,days_left,archived_keys,published,reader,serial_number,subject", NULL};

/* What is to be read whole stands below the table. */
static bool
print_kra_status(const json_t *kras, struct err *err)
{
	const json_t *one;
	size_t i;

	if (!listing_print(&status_table, kras, &(struct cli_options){0}, err))
		return false;
	json_array_foreach(kras, i, one)
	{
		if (remark(one) != NULL)
			printf("%s: %s\n", json_text(one, "serial_number"), remark(one));
	}
	return true;
}

/* As the tab Recovery Agents has it: "not found" is enabled and not there. */
static void
print_kra_problems(const json_t *answer)
{
	const json_t *missing = json_object_get(answer, "kras_not_found"), *one;
	size_t i;

	json_array_foreach(json_object_get(answer, "kra_problems"), i, one) printf("%-13s  %s\n",
	    json_has(missing, one) ? "not found" : "not loaded", json_string_value(one));
}

static size_t
usable_kras(const json_t *kras)
{
	size_t i, count = 0;
	const json_t *kra;

	json_array_foreach(kras, i, kra) count += json_is_true(json_object_get(kra, "counts"));
	return count;
}

static bool
print_kras(const json_t *answer, long long needed, size_t usable, struct err *err)
{
	long long threshold = json_integer_value(json_object_get(answer, "kra_threshold"));

	if (!print_kra_status(json_object_get(answer, "kras"), err))
		return false;
	print_kra_problems(answer);
	printf("Each key is sealed to %lld of %zu usable key recovery agents (CA\\KRACertCount).\n",
	    needed, usable);
	if (threshold > 1)
		printf("%lld of these %lld open it together, and none alone.\n", threshold, needed);
	return true;
}

/* Too few is nothing that failed here, and yet no success for a script that watches. */
bool
cmd_kra_status(struct work *w, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;
	const json_t *kras;
	long long needed;
	size_t usable;

	if (!http_client_json(w->ca, "GET", "/dirca/v1/ca", NULL, &answer, err))
		return false;
	kras = json_object_get(answer, "kras");
	needed = json_integer_value(json_object_get(answer, "kra_cert_count"));
	usable = usable_kras(kras);
	if (w->cli->opt.json)
		print_json(json_pack("{s:O, s:O, s:I, s:O, s:I}", "kras", kras, "problems",
		    json_object_get(answer, "kra_problems"), "required", (json_int_t)needed,
		    "threshold", json_object_get(answer, "kra_threshold"), "usable",
		    (json_int_t)usable));
	else if (!print_kras(answer, needed, usable, err))
		return false;
	return needed > 0
		   ? (size_t)needed <= usable || err_set(err, CERTSRV_E_NO_VALID_KRA,
						     "no key can be archived: %lld key recovery "
						     "agents are needed and %zu usable",
						     needed, usable)
		   : err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
			 "no key is archived: CA\\KRACertCount is 0");
}

/* The KRA store of the CA on this machine, and what that CA signed; none unless it is asked for. */
struct known_kras {
	struct buf *stored;
	size_t stored_count;
	struct signed_kras is_signed;
};

static void
known_kras_free(struct known_kras *k)
{
	kra_store_free(&k->stored, k->stored_count);
	signed_kras_close(&k->is_signed);
}

static bool
read_known(const struct cli *cli, struct known_kras *out, struct err *err)
{
	OWNED(config_free) struct config *config = NULL;
	struct err why;

	if (!cli->opt.candidates)
		return true;
	if (!load_daemon_config(cli, &config, err) ||
	    !kra_store_list(config, &out->stored, &out->stored_count, NULL, err))
		return false;
	if (!kra_signed_read(config, &out->is_signed, &why))
		fprintf(stderr, "dirca kra list: not those that the CA signed: %s\n", why.msg);
	return true;
}

static bool
is_in(const struct buf *list, size_t count, struct view der)
{
	for (size_t i = 0; i < count; i++)
		if (view_eq(buf_view(&list[i]), der))
			return true;
	return false;
}

static bool
is_in_directory(const struct dir_entries *kras, struct view der)
{
	for (size_t i = 0; i < kras->count; i++) {
		const struct dir_attr *a = dir_entry_attr(&kras->list[i], "userCertificate");

		if (a != NULL && is_in(a->values, a->count, der))
			return true;
	}
	return false;
}

static void
show_signed(const struct known_kras *known, const struct dir_entries *kras, struct listing *l)
{
	for (size_t i = 0; i < known->is_signed.count; i++) {
		struct view der = buf_view(&known->is_signed.list[i]);

		if (!is_in(known->stored, known->stored_count, der) && !is_in_directory(kras, der))
			show_kra(l, "signed by this CA", der);
	}
}

bool
cmd_kra_list(struct work *w, struct err *err)
{
	const struct dir_entries *kras = &w->session.pki->kras;
	OWNED(known_kras_free) struct known_kras known = {0};
	OWNED(listing_free) struct listing l = {0};

	if (!listing_open(&l, &table, &w->cli->opt, err) || !read_known(w->cli, &known, err))
		return false;
	listing_in_own_way(&l, &w->cli->opt);
	for (size_t i = 0; i < kras->count; i++) {
		const struct dir_entry *e = &kras->list[i];
		const struct dir_attr *a = dir_entry_attr(e, "userCertificate");

		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (!is_in(known.stored, known.stored_count, buf_view(&a->values[k])))
				show_kra(&l, e->dn, buf_view(&a->values[k]));
	}
	show_signed(&known, kras, &l);
	listing_end(&l);
	return true;
}

/* All of them before the first is published. */
struct kra_files {
	struct pem_certs list[CLI_LIST_MAX];
	size_t count;
};

static void
kra_files_free(struct kra_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		pem_certs_free(&f->list[i]);
}

static bool
read_files(const struct cli *cli, struct kra_files *out, struct err *err)
{
	for (int i = 0; i < cli->count; i++)
		if (!given_leaves(cli->args[i], &out->list[out->count++], err))
			return false;
	return true;
}

static bool
publish_file(struct session *s, const char *ca_name, const char *path, const struct pem_certs *file,
    struct err *err)
{
	for (size_t i = 0; i < file->count; i++)
		if (!pki_publish_kra(
			s->directory, ca_name, buf_view(&file->list[i]), clock_now(), err))
			return false;
	printf(
	    "%s: %zu certificate(s) published in CN=KRA under %s.\n", path, file->count, ca_name);
	return true;
}

bool
cmd_kra_publish(struct work *w, struct err *err)
{
	OWNED(kra_files_free) struct kra_files files = {0};
	const struct pki_service *service;

	if (!read_files(w->cli, &files, err) || !work_open(w, NEEDS_PKI, err) ||
	    !session_service(&w->session, &service, err))
		return false;
	if (service == NULL)
		return err_set(
		    err, DIRCA_E_USAGE, "the directory is needed: -H and, with several CAs, --ca");
	for (size_t i = 0; i < files.count; i++)
		if (!publish_file(&w->session, service->name, w->cli->args[i], &files.list[i], err))
			return false;
	return true;
}

static bool
collect_kras(const struct pki_snapshot *s, struct pkix_certs *out, struct err *err)
{
	struct err ignored;

	for (size_t i = 0; i < s->kras.count; i++) {
		const struct dir_attr *a = dir_entry_attr(&s->kras.list[i], "userCertificate");

		/* What does not decode has no name; its hash is found all the same. */
		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (!pkix_certs_add(out, buf_view(&a->values[k]), &ignored) &&
			    ignored.code == E_OUTOFMEMORY)
				return err_nomem(err);
	}
	return true;
}

static char *
sha1_of(const struct pkix_cert *c)
{
	return hex_encode(view_of(c->sha1, sizeof c->sha1), '\0');
}

/* One certificate in several objects is one. */
static void
drop_doubles(struct pkix_certs *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++) {
		bool is_new = true;

		for (size_t k = 0; k < kept; k++)
			is_new = is_new && memcmp(c->list[k].sha256, c->list[i].sha256,
					       sizeof c->list[k].sha256) != 0;
		if (is_new)
			c->list[kept++] = c->list[i];
		else
			pkix_cert_free(&c->list[i]);
	}
	c->count = kept;
}

/* The certificate that the argument means: that of the file, or one in the KRA container by its
 * hash, serial number or name. */
static bool
find_named(struct session *s, const char *what, struct view file, struct view *out, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs all = {0};
	OWNED(buf_free) struct buf hash = {0};
	const struct pkix_cert *one;
	struct err ignored;

	if (hex_decode(what, &hash, &ignored) && hash.len == 20 &&
	    (*out = pki_snapshot_kra(s->pki, buf_view(&hash))).len > 0)
		return true;
	if (file.len > 0) {
		*out = file;
		return true;
	}
	if (!collect_kras(s->pki, &all, err))
		return false;
	drop_doubles(&all);
	if (!kra_called(all.list, all.count, what, "certificates", sha1_of, &one, err))
		return false;
	if (one == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "there is no file %s, and the KRA container holds no certificate with that "
		    "hash, serial number or name; `dirca kra list` shows them",
		    what);
	*out = pki_snapshot_kra(s->pki, view_of(one->sha1, sizeof one->sha1));
	return true;
}

/* Of those arguments that are files. */
static bool
read_named(const struct cli *cli, struct kra_files *out, struct err *err)
{
	for (int i = 0; i < cli->count; i++) {
		struct pem_certs *to = &out->list[out->count++];

		if (access(cli->args[i], F_OK) != 0)
			continue;
		to->list = mem_zero(1, sizeof *to->list);
		to->count = 1;
		if (!given_certificate(cli->args[i], &to->list[0], NULL, err))
			return false;
	}
	return true;
}

static bool
unpublish(struct session *s, const char *what, struct view file, struct err *err)
{
	size_t removed = 0;
	struct view found;

	if (!find_named(s, what, file, &found, err) ||
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
	OWNED(kra_files_free) struct kra_files files = {0};

	if (!read_named(w->cli, &files, err) || !work_open(w, NEEDS_PKI, err))
		return false;
	for (size_t i = 0; i < files.count; i++) {
		const struct pem_certs *file = &files.list[i];

		if (!unpublish(&w->session, w->cli->args[i],
			file->count > 0 ? buf_view(&file->list[0]) : (struct view){0}, err))
			return false;
	}
	return true;
}
