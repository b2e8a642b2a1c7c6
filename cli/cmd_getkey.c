/*
 * dirca getkey (paper, "Finding Recovery Candidates", "Retrieving the Key BLOB from the CA
 * Database"): every CA of the directory is asked; one match is fetched, several are listed and end
 * with "Ambiguous name".
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case_receipt.h"
#include "clock.h"
#include "file.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "recovery.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

struct found {
	const struct pki_service *service; /* NULL: the CA behind --socket */
	json_t *candidates;                /* array */
	long long hidden;
	struct err refusal; /* why, for the first of the hidden ones */
};

struct search {
	struct cli *cli;
	struct session *session;
	struct found *list;
	size_t count; /* CAs that answered */
	size_t total; /* candidates */
	bool exact;   /* one is what the token says, wherever else one looks */
	struct err
	    unanswered; /* of the first CA that did not answer, or refused; ERR_OK: all did */
};

static void
search_close(struct search *s)
{
	for (size_t i = 0; i < s->count; i++)
		json_decref(s->list[i].candidates);
	free(s->list);
}

static const char *
host_of(const struct found *f)
{
	return f->service != NULL && f->service->host != NULL ? f->service->host : "localhost";
}

static const char *
name_of(const struct search *s, const struct found *f)
{
	return f->service != NULL       ? pki_service_title(f->service)
	       : s->session->ca != NULL ? s->session->ca
					: "CA";
}

/* Hexadecimal as people write it, without leading zeros. */
static bool
is_number(const char *text, const char *number)
{
	OWNED(buf_free) struct buf a = {0};
	OWNED(buf_free) struct buf b = {0};
	struct err ignored;
	size_t zeros = 0;

	if (!hex_decode(text, &a, &ignored) || !hex_decode(number, &b, &ignored))
		return false;
	while (zeros < a.len && a.ptr[zeros] == 0)
		zeros++;
	return view_eq(view_of(a.ptr + zeros, a.len - zeros), buf_view(&b));
}

/* Serial numbers are random and thumbprints hashes: another CA has no other key of that token. */
static bool
is_exact(const char *token, const json_t *candidates)
{
	const json_t *c = json_array_get(candidates, 0);

	return json_array_size(candidates) == 1 &&
	       (is_number(token, json_text(c, "serial_number")) ||
		   is_number(token, json_text(c, "certificate_hash")));
}

static bool
ask_ca(struct search *s, const struct pki_service *service, struct err *err)
{
	OWNED(own_memory) char *token = http_escape(s->cli->args[0]);
	OWNED(own_memory) char *path = text_printf("/dirca/v1/candidates?token=%s", token);
	OWNED(http_client_close) struct http_client *http = NULL;
	OWNED(own_json) json_t *answer = NULL;
	struct found *f = &s->list[s->count];

	f->service = service;
	if (!s->cli->opt.json)
		fprintf(stderr, "Querying %s\\%s...\n", host_of(f), name_of(s, f));
	if (!session_http(s->session, service, &http, err) ||
	    !http_client_json(http, "GET", path, NULL, &answer, err))
		return false;
	f->candidates = json_incref(json_object_get(answer, "candidates"));
	f->hidden = json_integer_value(json_object_get(answer, "hidden"));
	(void)http_refusal(json_object_get(answer, "refusal"), &f->refusal);
	s->exact = s->exact || is_exact(s->cli->args[0], f->candidates);
	s->total += json_array_size(f->candidates);
	s->count++;
	return true;
}

/* A CA that could not be asked, or refused, is told and remembered: "one match" would be a guess.
 */
static void
note_unanswered(struct search *s, const struct pki_service *service, struct err *why)
{
	OWNED(own_memory)
	char *who = text_printf("dirca getkey: %s", pki_service_title(service));

	err_print(who, why);
	err_prefix(why, "%s", pki_service_title(service));
	if (s->unanswered.code == ERR_OK)
		s->unanswered = *why;
}

/* Asks every CA that --ca does not exclude, until there is what the token says. */
static bool
ask_cas(struct search *s, struct err *err)
{
	struct session *session = s->session;

	if (session->socket != NULL) {
		s->list = mem_zero(1, sizeof *s->list);
		return ask_ca(s, NULL, err);
	}
	if (!session_pki(session, err))
		return false;
	if (session->service_count == 0)
		return err_set(
		    err, CRYPT_E_NOT_FOUND, "the directory names no certification authority");
	s->list = mem_zero(session->service_count, sizeof *s->list);
	for (size_t i = 0; i < session->service_count && !s->exact; i++) {
		const struct pki_service *service = &session->services[i];

		if (session_means(session, service) && !ask_ca(s, service, err))
			note_unanswered(s, service, err);
	}
	if (s->count > 0)
		return true;
	*err = s->unanswered;
	return s->unanswered.code != ERR_OK
		   ? false
		   : err_set(err, CRYPT_E_NOT_FOUND,
			 "the directory names no certification authority %s", session->ca);
}

static void
print_candidate(const json_t *c)
{
	const json_t *version = json_object_get(c, "certificate_version");
	int64_t when;
	OWNED(buf_free) struct buf hash = {0};
	struct err err;

	printf("  Serial Number: %s\n  Subject: %s\n", json_text(c, "serial_number"),
	    json_text(c, "subject"));
	if (json_is_string(json_object_get(c, "upn")))
		printf("  UPN:%s\n", json_text(c, "upn"));
	if (clock_parse(json_text(c, "not_before"), &when)) {
		printf("  NotBefore: ");
		print_when(stdout, when);
	}
	if (clock_parse(json_text(c, "not_after"), &when)) {
		printf("\n  NotAfter: ");
		print_when(stdout, when);
	}
	printf("\n  Template: %s\n", json_text(c, "template"));
	if (json_is_integer(version))
		printf("  Version: %lld\n", (long long)json_integer_value(version));
	if (strcmp(json_text(c, "disposition"), "revoked") == 0)
		printf("  Revoked: %s\n", json_text(c, "revoked_when"));
	if (hex_decode(json_text(c, "certificate_hash"), &hash, &err)) {
		printf("  Cert Hash(sha1): ");
		print_hash(stdout, hash.ptr, hash.len);
		puts("\n");
	}
}

static void
print_candidates(const struct search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct found *f = &s->list[i];
		json_t *c;
		size_t k;

		if (json_array_size(f->candidates) > 0)
			printf("\n\"%s\\%s\"\n", host_of(f), name_of(s, f));
		json_array_foreach(f->candidates, k, c) print_candidate(c);
		if (f->hidden > 0)
			fprintf(stderr,
			    "%s: %lld more that you may not manage (officer restrictions)\n",
			    name_of(s, f), f->hidden);
	}
}

static json_t *
json_candidates(const struct search *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->count; i++) {
		json_t *c;
		size_t k;

		json_array_foreach(s->list[i].candidates, k, c)
		{
			json_t *copy = json_copy(c);

			json_object_set_new(copy, "ca", json_string(name_of(s, &s->list[i])));
			json_object_set_new(copy, "host", json_string(host_of(&s->list[i])));
			json_array_append_new(all, copy);
		}
	}
	return all;
}

/* ---- the BLOB ---- */

/* "user1-611e23c2.rec", as the paper's batch file names it; a CN's unusual characters become '_'.
 */
static char *
default_name(const json_t *c)
{
	OWNED(own_memory)
	char *cn =
	    mem_text(json_is_string(json_object_get(c, "common_name")) ? json_text(c, "common_name")
								       : "key");

	for (char *p = cn; *p != '\0'; p++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
			*p) == NULL)
			*p = '_';
	return text_printf("%s-%s.rec", cn, json_text(c, "serial_number"));
}

static json_t *
json_recipient(const struct recovery_blob *blob, size_t at)
{
	const struct pkix_cert *kra = recovery_recipient(blob, at);
	OWNED(own_memory) char *serial = pkix_serial_text(blob->archived.recipients[at].serial);
	OWNED(own_memory) char *subject = kra != NULL ? pkix_name_text(kra->subject) : NULL;
	OWNED(own_memory)
	char *sha1 = kra != NULL ? hex_encode(view_of(kra->sha1, sizeof kra->sha1), '\0') : NULL;

	return json_pack("{s:s?, s:s?, s:s?}", "serial_number", serial, "subject", subject,
	    "certificate_hash", sha1);
}

static json_t *
json_recipients(const struct recovery_blob *blob)
{
	json_t *list = json_array();

	for (size_t i = 0; i < blob->archived.count; i++)
		json_array_append_new(list, json_recipient(blob, i));
	return list;
}

/* As the key recovery agent will: what he would refuse is not written. */
static bool
verify_blob(const struct found *f, const struct recovery_blob *blob, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	struct recovery_trust trust = {.cas = &ca, .ca_count = 1};

	if (f->service == NULL) /* by the Unix socket, without a directory */
		return true;
	return pkix_cert_decode(buf_view(&f->service->certificate), &ca, err) &&
	       recovery_verify(blob, &trust, err);
}

static bool
fetch_blob(struct search *s, const struct found *f, const json_t *candidate,
    struct http_client **http, long long *case_out, struct buf *der_out, struct recovery_blob *out,
    struct err *err)
{
	OWNED(own_json)
	json_t *body = json_pack("{s:s, s:s*}", "serial", json_text(candidate, "serial_number"),
	    "case", s->cli->opt.case_id);
	OWNED(own_memory) char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	OWNED(http_answer_free) struct http_answer answer = {0};

	if (text == NULL)
		mem_exhausted();
	if (!session_http(s->session, f->service, http, err) ||
	    !http_client_request(*http, "POST", "/dirca/v1/recovery-blobs", "application/json",
		view_str(text), &answer, err))
		return false;
	*case_out = answer.case_id;
	return http_answer_check(&answer, err) && buf_dup(buf_view(&answer.body), der_out, err) &&
	       recovery_decode(buf_view(der_out), out, err) && verify_blob(f, out, err);
}

/* Each retrieval is in the audit trail for good: none is made that ends nowhere. */
static bool
check_output(const char *name, struct err *err)
{
	return access(name, F_OK) != 0 ||
	       err_set(err, ERROR_FILE_EXISTS, "%s exists; name another file, nothing was fetched",
		   name);
}

static bool
fetch_and_write(struct search *s, const struct found *f, const json_t *candidate, struct err *err)
{
	OWNED(own_memory)
	char *name = s->cli->count > 1 ? mem_text(s->cli->args[1]) : default_name(candidate);
	OWNED(buf_free) struct buf der = {0};
	OWNED(recovery_free) struct recovery_blob blob = {0};
	OWNED(http_client_close) struct http_client *http = NULL;
	long long by_case = 0;

	if (!check_output(name, err) ||
	    !fetch_blob(s, f, candidate, &http, &by_case, &der, &blob, err) ||
	    !file_create(name, buf_view(&der), 0600, err))
		return false;
	case_receipt(http, by_case, json_text(candidate, "serial_number"));
	if (s->cli->opt.json) {
		print_json(json_pack("{s:o, s:s, s:o}", "candidates", json_candidates(s), "blob",
		    name, "recipients", json_recipients(&blob)));
	} else {
		print_candidates(s);
		print_recipients(stdout, &blob);
		printf("Recovery blob written to %s. One of the recipients above opens it:\n  "
		       "dirca recoverkey %s OUT.pfx --kra KRA.pfx\n",
		    name, name);
	}
	return true;
}

/* Nothing that the caller may see: that there is something else is an officer's to know. */
static bool
nothing_found(const struct search *s, struct err *err)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].hidden > 0 && s->list[i].refusal.code != ERR_OK) {
			*err = s->list[i].refusal;
			return false;
		}
	return err_set(err, CRYPT_E_NOT_FOUND, "no archived key of %s%s", s->cli->args[0],
	    s->unanswered.code != ERR_OK ? " on the CAs that answered" : "");
}

/* The one candidate is fetched; anything else is shown, and an error. */
static bool
fetch_or_show(struct search *s, struct err *err)
{
	bool only = s->total == 1 && (s->exact || s->unanswered.code == ERR_OK);

	for (size_t i = 0; only && i < s->count; i++)
		if (json_array_size(s->list[i].candidates) == 1)
			return fetch_and_write(
			    s, &s->list[i], json_array_get(s->list[i].candidates, 0), err);
	if (s->cli->opt.json)
		print_json(json_pack("{s:o}", "candidates", json_candidates(s)));
	else
		print_candidates(s);
	if (s->total == 0)
		return nothing_found(s, err);
	if (s->total == 1) {
		*err = s->unanswered;
		return err_prefix(err,
		    "this may not be the only key, for not every CA answered; name its CA with "
		    "--ca to fetch it");
	}
	return err_set(err, TYPE_E_AMBIGUOUSNAME,
	    "Ambiguous name. %zu keys fit; name one by its serial number", s->total);
}

bool
cmd_getkey(struct work *w, struct err *err)
{
	OWNED(search_close) struct search s = {.cli = w->cli, .session = &w->session};

	return ask_cas(&s, err) && fetch_or_show(&s, err);
}
