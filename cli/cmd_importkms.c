/*
 * dirca importkms: certificates and keys of elsewhere into the CA's database (paper, "Importing
 * Users' Keys"). The key leaves this process encrypted to the CA's key import certificate only.
 * Several connections carry an item each; the report has them in the order of the files.
 */
#include <stdlib.h>

#include "archive.h"
#include "client_xchg.h"
#include "clock.h"
#include "couriers.h"
#include "escrow_files.h"
#include "import_report.h"
#include "interruption.h"
#include "mem.h"
#include "own_json.h"
#include "own_openssl.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define CONNECTIONS 4

/* What is on its way. */
struct sent {
	char *path;
	struct escrow_item item; /* without its key */
};

struct import {
	struct work *w;
	const struct pki_service *service;
	struct pkix_cert to; /* the CA's key import certificate */
	EVP_PKEY *to_key;
	struct couriers couriers;
	struct sent *sent; /* one a courier */
	size_t sent_count, received_count;
	bool begun;         /* there is something to report */
	struct err failure; /* after which nothing more can be done; ERR_OK: none */
	struct import_report report;
};

static void
sent_free(struct sent *s)
{
	free(s->path);
	escrow_item_free(&s->item);
	*s = (struct sent){0};
}

static void
import_close(struct import *m)
{
	for (size_t i = 0; m->sent != NULL && i < m->couriers.count; i++)
		sent_free(&m->sent[i]);
	free(m->sent);
	couriers_close(&m->couriers);
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

static bool
open_connections(struct import *m, struct err *err)
{
	int64_t wanted = m->w->cli->opt.connections;
	size_t count = wanted > 0 ? (size_t)wanted : CONNECTIONS;

	m->sent = mem_zero(count, sizeof *m->sent);
	return couriers_open(
	    &m->w->session, m->service, "/dirca/v1/imports", count, &m->couriers, err);
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

/* What only this item is about; else nothing more can be done. */
static bool
is_about_the_item(const struct err *why)
{
	switch (err_category(why->code)) {
	case ERR_CATEGORY_UNABLE:
		return why->code == DIRCA_E_GROUPS_UNREADABLE || why->code == DIRCA_E_KRAS_CHANGED;
	case ERR_CATEGORY_NOT_AUTHENTICATED:
	case ERR_CATEGORY_TOO_MANY:
		return false;
	default:
		return why->code != E_ACCESSDENIED && why->code != DIRCA_E_XCHG_CERT &&
		       why->code != CERTSRV_E_ROLECONFLICT;
	}
}

static void
receive_next(struct import *m)
{
	size_t which = m->received_count++ % m->couriers.count;
	struct sent *s = &m->sent[which];
	OWNED(own_json) json_t *answer = NULL;
	struct err why;

	if (couriers_receive(&m->couriers, which, &answer, &why))
		import_report_add(&m->report, s->path, &s->item, answer);
	else if (is_about_the_item(&why))
		import_report_refused(&m->report, s->path, &s->item, &why);
	else if (m->failure.code == ERR_OK)
		m->failure = why;
	sent_free(s);
}

static void
receive_all(struct import *m)
{
	while (m->received_count < m->sent_count)
		receive_next(m);
}

/* Takes the item. */
static void
send_item(struct import *m, const char *path, struct escrow_item *item)
{
	size_t which = m->sent_count % m->couriers.count;
	OWNED(own_json) json_t *body = NULL;
	struct err why;

	if (m->sent_count - m->received_count == m->couriers.count)
		receive_next(m);
	if (m->failure.code != ERR_OK || interruption_came())
		return;
	if (!make_body(m, item, &body, &why)) {
		receive_all(m);
		import_report_refused(&m->report, path, item, &why);
		return;
	}
	EVP_PKEY_free(item->key);
	item->key = NULL;
	if (!couriers_send(&m->couriers, which, body, &m->failure))
		return;
	m->sent[which].path = mem_text(path);
	m->sent[which].item = *item;
	*item = (struct escrow_item){0};
	m->sent_count++;
}

/* ---- all of them ---- */

/* Words about a file come after what is said of those before it. */
static void
begin_file(
    struct import *m, const char *path, const struct escrow_items *items, const struct err *why)
{
	if (items->signer != NULL || items->problems.count > 0 || why != NULL)
		receive_all(m);
	import_report_begin(&m->report, items);
	if (why != NULL) {
		OWNED(own_memory)
		char *said = text_printf("%s (%s)", why->msg, err_name(why->code));

		import_report_problem(&m->report, path, said);
	}
	for (size_t i = 0; i < items->problems.count; i++)
		import_report_problem(&m->report, path, items->problems.list[i]);
}

static bool
found(
    void *arg, const char *path, struct escrow_items *items, const struct err *why, struct err *err)
{
	struct import *m = arg;

	if (!interruption_came())
		begin_file(m, path, items, why);
	for (size_t i = 0; i < items->count && !interruption_came() && m->failure.code == ERR_OK;
	     i++)
		if (!import_report_ignores(&m->report, &items->list[i]))
			send_item(m, path, &items->list[i]);
	*err = m->failure;
	return m->failure.code == ERR_OK && !interruption_came();
}

static bool
import_all(struct import *m, struct err *err)
{
	OWNED(escrow_files_close) struct escrow_files files = {0};
	const struct cli *cli = m->w->cli;
	bool ok;

	if (!fetch_certificate(m, err) || !open_connections(m, err) ||
	    !escrow_files_open(cli, &files, err))
		return false;
	m->begun = true;
	interruption_begin();
	ok = escrow_files_read(&files, cli->args, (size_t)cli->count, found, m, err);
	receive_all(m);
	if (ok && m->failure.code != ERR_OK)
		*err = m->failure;
	return ok && m->failure.code == ERR_OK;
}

static bool
import(struct work *w, struct err *err)
{
	OWNED(import_close) struct import m = {.w = w, .report = {.json = w->cli->opt.json}};
	bool ok = import_all(&m, err);

	if (m.begun)
		import_report_end(&m.report, ok                    ? IMPORT_WHOLE
					     : interruption_came() ? IMPORT_INTERRUPTED
								   : IMPORT_FAILED);
	if (ok && import_report_failed(&m.report))
		w->status = CLI_FAILED;
	return ok;
}

bool
cmd_importkms(struct work *w, struct err *err)
{
	bool ok = import(w, err);

	interruption_end();
	return ok;
}
