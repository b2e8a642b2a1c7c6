/*
 * dirca importkms: certificates and keys of elsewhere into the CA's database (paper, "Importing
 * Users' Keys"). The key leaves this process encrypted to the CA's key import certificate only.
 */
#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "archive.h"
#include "client_xchg.h"
#include "clock.h"
#include "escrow_files.h"
#include "import_report.h"
#include "mem.h"
#include "own_json.h"
#include "own_openssl.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

struct import {
	struct work *w;
	const struct pki_service *service;
	struct pkix_cert to; /* the CA's key import certificate */
	EVP_PKEY *to_key;
	struct import_report report;
};

static void
import_close(struct import *m)
{
	pkix_cert_free(&m->to);
	EVP_PKEY_free(m->to_key);
	import_report_free(&m->report);
}

static bool
fetch_certificate(struct import *m, struct err *err)
{
	return session_pki(&m->w->session, err) &&
	       session_service(&m->w->session, &m->service, err) &&
	       (m->service != NULL ||
		   err_set(err, CRYPT_E_NOT_FOUND,
		       "the directory does not name the CA behind --socket, so that its key "
		       "import certificate cannot be verified; name it with --ca")) &&
	       client_import_fetch(m->w->ca, m->service->name, buf_view(&m->service->certificate),
		   clock_now(), &m->to, err) &&
	       pkix_public_key(m->to.spki, &m->to_key, err);
}

/* ---- an item ---- */

static bool
seal(const struct import *m, const struct escrow_item *item, struct buf *out, struct err *err)
{
	const struct cms_kra to = {
	    .issuer = m->to.issuer, .serial = m->to.serial, .key = m->to_key};
	uint8_t binding[ARCHIVE_BINDING];

	return archive_import_binding(buf_view(&item->certificate),
		   view_str(item->user != NULL ? item->user : ""), binding, err) &&
	       archive_import_seal(item->key, binding, &to, out, err);
}

static bool
make_body(const struct import *m, const struct escrow_item *item, json_t **out, struct err *err)
{
	const struct cli_options *o = &m->w->cli->opt;
	OWNED(buf_free) struct buf sealed = {0};
	OWNED(own_memory) char *key = NULL, *certificate = NULL;

	if (item->key == NULL) {
		key = base64_encode(buf_view(&item->entry));
		*out = json_pack("{s:s, s:s, s:b, s:b}", "entry", key, "source", item->source,
		    "foreign", o->force, "replace", o->replace);
		if (*out == NULL)
			mem_exhausted();
		return true;
	}
	if (!seal(m, item, &sealed, err))
		return false;
	certificate = base64_encode(buf_view(&item->certificate));
	key = base64_encode(buf_view(&sealed));
	*out = json_pack("{s:s, s:s, s:s, s:b, s:b}", "certificate", certificate, "key", key,
	    "source", item->source, "foreign", o->force, "replace", o->replace);
	if (*out == NULL ||
	    (item->user != NULL && json_object_set_new(*out, "user", json_string(item->user)) != 0))
		return err_set(err, E_INVALIDARG, "the name of a user is not UTF-8");
	return true;
}

static bool
send_item(struct import *m, const struct escrow_item *item, json_t **answer, struct err *err)
{
	json_t *body = NULL;

	if (!make_body(m, item, &body, err)) {
		json_decref(body);
		return false;
	}
	return http_client_json(m->w->ca, "POST", "/dirca/v1/imports", body, answer, err);
}

/* What only this item is about; else nothing more can be done. */
static bool
is_about_the_item(const struct err *why)
{
	return why->code != DIRCA_E_NETWORK && why->code != DIRCA_E_SERVICE_KEY &&
	       why->code != E_ACCESSDENIED && why->code != DIRCA_E_DIRECTORY_UNAVAILABLE &&
	       why->code != DIRCA_E_XCHG_CERT && why->code != CERTSRV_E_ROLECONFLICT;
}

static bool
import_item(struct import *m, const char *path, const struct escrow_item *item, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;
	struct err why;

	if (import_report_ignores(&m->report, item))
		return true;
	if (send_item(m, item, &answer, &why)) {
		import_report_add(&m->report, path, item, answer);
		return true;
	}
	if (!is_about_the_item(&why)) {
		*err = why;
		return false;
	}
	import_report_refused(&m->report, path, item, &why);
	return true;
}

static bool
found(
    void *arg, const char *path, struct escrow_items *items, const struct err *why, struct err *err)
{
	struct import *m = arg;

	import_report_begin(&m->report, items);
	if (why != NULL)
		import_report_problem(&m->report, path, why->msg);
	for (size_t i = 0; i < items->problems.count; i++)
		import_report_problem(&m->report, path, items->problems.list[i]);
	for (size_t i = 0; i < items->count; i++)
		if (!import_item(m, path, &items->list[i], err))
			return false;
	return true;
}

bool
cmd_importkms(struct work *w, struct err *err)
{
	OWNED(import_close) struct import m = {.w = w, .report = {.json = w->cli->opt.json}};
	OWNED(escrow_files_close) struct escrow_files files = {0};
	bool ok;

	if (!escrow_files_open(w->cli, &files, err) || !fetch_certificate(&m, err))
		return false;
	ok = escrow_files_read(&files, w->cli->args, (size_t)w->cli->count, found, &m, err);
	import_report_end(&m.report, ok);
	if (ok && import_report_failed(&m.report))
		w->status = CLI_FAILED;
	return ok;
}
