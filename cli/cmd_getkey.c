/*
 * dirca getkey (paper, "Finding Recovery Candidates", "Retrieving the Key BLOB from the CA
 * Database"): every CA of the directory is asked; of one match who can open it is shown, or it is
 * fetched into a file; several are listed and end with "Ambiguous name".
 */
#include <stdlib.h>
#include <string.h>

#include "case_receipt.h"
#include "clock.h"
#include "command_words.h"
#include "find_keys.h"
#include "mem.h"
#include "output.h"
#include "own_json.h"
#include "print.h"
#include "recovery.h"
#include "recovery_script.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

static void
print_candidate(const json_t *c)
{
	const json_t *version = json_object_get(c, "certificate_version");
	int64_t when;
	OWNED(buf_free) struct buf hash = {0};
	OWNED(own_memory) char *revoked = json_when(c, "revoked_when");
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
		printf("  Revoked: %s\n", revoked);
	if (hex_decode(json_text(c, "certificate_hash"), &hash, &err)) {
		printf("  Cert Hash(sha1): ");
		print_hash(stdout, hash.ptr, hash.len);
		puts("\n");
	}
}

/* As the paper shows those who can open it, from what the CA says of the hashes in the row. */
static void
print_agent(size_t number, const char *hash, const json_t *agent)
{
	printf("Recipient Info[%zu]:\n", number);
	if (agent != NULL)
		printf("  Serial Number: %s\n  Subject: %s\n  Issuer: %s\n",
		    json_text(agent, "serial_number"), json_text(agent, "subject"),
		    json_text(agent, "issuer"));
	else
		puts("  Its certificate is not known to the CA");
	printf("  Cert Hash(sha1): %s\n", hash);
}

/* KeyRecoveryHashes: lines of "a2 7f ...". */
static void
each_agent(const json_t *candidate,
    void (*call)(const void *arg, size_t number, const char *line, const char *hash),
    const void *arg)
{
	const char *text = json_string_value(json_object_get(candidate, "key_recovery_hashes"));
	OWNED(own_memory) char *lines = mem_text(text != NULL ? text : "");
	char *rest = lines, *line;
	size_t number = 0;

	while ((line = strsep(&rest, "\n")) != NULL) {
		OWNED(buf_free) struct buf bytes = {0};
		OWNED(own_memory) char *hash = NULL;
		struct err ignored;

		if (*line == '\0' || !hex_decode(line, &bytes, &ignored))
			continue;
		hash = hex_encode(buf_view(&bytes), '\0');
		call(arg, number++, line, hash);
	}
}

static void
print_one_agent(const void *arg, size_t number, const char *line, const char *hash)
{
	print_agent(number, line, found_agent(arg, hash));
}

static void
print_candidates(const struct key_search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct found_keys *f = &s->list[i];
		json_t *c;
		size_t k;

		if (json_array_size(f->candidates) > 0)
			printf("\n\"%s\\%s\"\n", found_host(f), found_name(s, f));
		json_array_foreach(f->candidates, k, c) print_candidate(c);
	}
}

/* What is not shown, and why. */
static void
print_left_out(const struct key_search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct found_keys *f = &s->list[i];

		if (f->hidden > 0)
			fprintf(stderr,
			    "%s: %lld more that you may not manage (officer restrictions)\n",
			    found_name(s, f), f->hidden);
		if (f->revoked > 0)
			fprintf(stderr, "%s: %lld more that are revoked; --include-revoked\n",
			    found_name(s, f), f->revoked);
	}
}

static json_t *
json_candidates(const struct key_search *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->count; i++) {
		json_t *c;
		size_t k;

		json_array_foreach(s->list[i].candidates, k, c)
		{
			json_t *copy = json_copy(c);

			json_object_set_new(copy, "ca", json_string(found_name(s, &s->list[i])));
			json_object_set_new(copy, "host", json_string(found_host(&s->list[i])));
			json_array_append_new(all, copy);
		}
	}
	return all;
}

static json_t *
json_unanswered(const struct key_search *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->unanswered.count; i++)
		json_array_append_new(list, json_string(s->unanswered.list[i]));
	return list;
}

/* ---- the one key ---- */

struct one_key {
	const struct found_keys *f;
	const json_t *candidate;
	json_t *recipients; /* JSON */
};

static void
add_json_agent(const void *arg, size_t number, const char *line, const char *hash)
{
	const struct one_key *one = arg;
	const json_t *agent = found_agent(one->f, hash);

	(void)number, (void)line;
	json_array_append_new(one->recipients,
	    json_pack("{s:O?, s:O?, s:s}", "serial_number", json_object_get(agent, "serial_number"),
		"subject", json_object_get(agent, "subject"), "certificate_hash", hash));
}

/* Who can open it; nothing is fetched, and nothing written. */
static void
show_agents(const struct key_search *s, struct one_key *one)
{
	if (s->session->cli->opt.json) {
		one->recipients = json_array();
		each_agent(one->candidate, add_json_agent, one);
		print_json(json_pack("{s:o, s:o, s:o}", "candidates", json_candidates(s),
		    "recipients", one->recipients, "unanswered", json_unanswered(s)));
		return;
	}
	print_candidates(s);
	each_agent(one->candidate, print_one_agent, one->f);
	fprintf(stderr, "Nothing was fetched: name a file for the BLOB.\n");
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
verify_blob(const struct found_keys *f, const struct recovery_blob *blob, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	struct recovery_trust trust = {.cas = &ca, .ca_count = 1};

	if (f->service == NULL) /* by the Unix socket, without a directory */
		return true;
	return pkix_cert_decode(buf_view(&f->service->certificate), &ca, err) &&
	       recovery_verify(blob, &trust, err);
}

/* Two certificates may have one serial number. */
static bool
check_wanted(const json_t *candidate, const struct recovery_blob *blob, struct err *err)
{
	OWNED(buf_free) struct buf wanted = {0};
	const uint8_t *sha1 = blob->certificate.sha1;

	return (hex_decode(json_text(candidate, "certificate_hash"), &wanted, err) &&
		   view_eq(buf_view(&wanted), view_of(sha1, sizeof blob->certificate.sha1))) ||
	       err_set(err, DIRCA_E_KEY_MISMATCH,
		   "the CA gave the key of another certificate than was asked for");
}

static bool
fetch_blob(struct key_search *s, const struct one_key *one, struct http_client *http,
    long long *case_out, struct buf *der_out, struct recovery_blob *out, struct err *err)
{
	/* Imported certificates of several CAs may have one serial number. */
	bool foreign = strcmp(json_text(one->candidate, "disposition"), "foreign") == 0;
	OWNED(own_json)
	json_t *body = json_pack("{s:s, s:s*}", "serial",
	    json_text(one->candidate, foreign ? "certificate_hash" : "serial_number"), "case",
	    s->session->cli->opt.case_id);
	OWNED(own_memory) char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	OWNED(http_answer_free) struct http_answer answer = {0};

	if (text == NULL)
		mem_exhausted();
	if (!http_client_request(http, "POST", "/dirca/v1/recovery-blobs", "application/json",
		view_str(text), &answer, err))
		return false;
	*case_out = answer.case_id;
	return http_answer_check(&answer, err) && buf_dup(buf_view(&answer.body), der_out, err) &&
	       recovery_decode(buf_view(der_out), out, err) && verify_blob(one->f, out, err) &&
	       check_wanted(one->candidate, out, err);
}

/* Each retrieval is in the audit trail for good: none is made that ends nowhere. */
static bool
check_output(const char *name, struct err *err)
{
	return output_check(name, false, err) || err_prefix(err, "nothing was fetched");
}

static void
say_how(FILE *words, const char *name, const struct recovery_blob *blob)
{
	fprintf(words, "Recovery blob written to %s. ", name);
	if (blob->archived.threshold > 1)
		fprintf(words,
		    "%zu of the recipients above open it together. What each of them types is "
		    "said to the first by\n  dirca recoverkey %s --kra KRA.pfx\n",
		    blob->archived.threshold, name);
	else
		fprintf(words,
		    "One of the recipients above opens it:\n  "
		    "dirca recoverkey %s OUT.pfx --kra KRA.pfx\n",
		    name);
}

static void
print_fetched(const struct key_search *s, const struct recovery_blob *blob, const char *name)
{
	FILE *words = output_words(name);

	if (s->session->cli->opt.json) {
		print_json(json_pack("{s:o, s:s, s:I, s:o, s:o}", "candidates", json_candidates(s),
		    "blob", name, "threshold", (json_int_t)blob->archived.threshold, "recipients",
		    json_recipients(blob), "unanswered", json_unanswered(s)));
		return;
	}
	if (output_is_standard(name))
		return;
	print_candidates(s);
	print_recipients(words, blob);
	say_how(words, name, blob);
}

static bool
fetch_and_write(struct key_search *s, const struct one_key *one, const char *name, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(recovery_free) struct recovery_blob blob = {0};
	OWNED(http_client_close) struct http_client *own = NULL;
	struct http_client *http = one->f->http;
	OWNED(own_memory) char *ca = command_ca(s->session, one->f->service);
	long long by_case = 0;

	if (!check_output(name, err))
		return false;
	if ((http == NULL && !session_http(s->session, one->f->service, &own, err)) ||
	    !fetch_blob(s, one, http != NULL ? http : own, &by_case, &der, &blob, err)) {
		command_complete_err(s->session->cli, err, ca);
		return false;
	}
	const struct output file = {name, buf_view(&der), 0600};

	if (!outputs_write(&file, 1, false, err))
		return false;
	case_receipt(http != NULL ? http : own, by_case, json_text(one->candidate, "serial_number"),
	    json_integer_value(json_object_get(one->candidate, "request_id")), ca);
	print_fetched(s, &blob, name);
	return true;
}

/* ---- what comes of a search ---- */

/* Nothing that the caller may see: that there is something else is an officer's to know. */
static bool
nothing_found(const struct key_search *s, struct err *err)
{
	long long revoked = 0, others = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct found_keys *f = &s->list[i];

		if (f->hidden > 0 && f->refusal.code != ERR_OK) {
			*err = f->refusal;
			return false;
		}
		revoked += f->revoked;
		others += f->others;
	}
	return err_set(err, CRYPT_E_NOT_FOUND, "no archived key of %s%s%s%s", s->token,
	    s->failure.code != ERR_OK ? " on the CAs that answered" : "",
	    others > 0 ? " that --since and --template let through" : "",
	    revoked > 0 ? ", but of revoked certificates: --include-revoked" : "");
}

static bool
find_one(const struct key_search *s, struct one_key *out)
{
	for (size_t i = 0; s->total == 1 && i < s->count; i++)
		if (json_array_size(s->list[i].candidates) == 1) {
			*out = (struct one_key){.f = &s->list[i],
			    .candidate = json_array_get(s->list[i].candidates, 0)};
			return true;
		}
	return false;
}

static void
show(const struct key_search *s)
{
	if (s->session->cli->opt.json)
		print_json(json_pack("{s:o, s:o}", "candidates", json_candidates(s), "unanswered",
		    json_unanswered(s)));
	else
		print_candidates(s);
}

/* The one candidate is fetched if there is a file for it; several are shown, and an error. */
static bool
fetch_or_show(struct key_search *s, struct err *err)
{
	const struct cli *cli = s->session->cli;
	struct one_key one;

	if (find_one(s, &one) && (cli->count == 1 || !key_search_is_incomplete(s))) {
		if (cli->count > 1)
			return fetch_and_write(s, &one, cli->args[1], err);
		show_agents(s, &one);
		return true;
	}
	show(s);
	if (s->total == 0)
		return nothing_found(s, err);
	if (s->total == 1) {
		*err = s->failure;
		return err_prefix(err,
		    "this may not be the only key, for not every CA answered; name its CA with "
		    "--ca to fetch it");
	}
	return err_set(err, TYPE_E_AMBIGUOUSNAME,
	    "Ambiguous name. %zu keys fit; name one by its serial number or SHA-1", s->total);
}

static bool
check_options(const struct cli *cli, struct err *err)
{
	if (cli->opt.script && (cli->opt.json || cli->count > 1))
		return err_set(err, DIRCA_E_USAGE,
		    "--script prints a script: without --json and without a file");
	if (cli->opt.json && cli->count > 1 && output_is_standard(cli->args[1]))
		return err_set(err, DIRCA_E_USAGE,
		    "the BLOB and --json cannot both go to standard output: name a file");
	return cli->count == 1 || check_output(cli->args[1], err);
}

static bool
end_search(struct key_search *s, struct err *err)
{
	if (!s->session->cli->opt.script)
		return fetch_or_show(s, err);
	return s->total > 0 ? recovery_script_print(stdout, s, err) : nothing_found(s, err);
}

bool
cmd_getkey(struct work *w, struct err *err)
{
	OWNED(key_search_free) struct key_search s = {0};
	bool ok;

	if (!check_options(w->cli, err))
		return false;
	if (!find_keys(&w->session, w->cli->args[0], &s, err))
		return false;
	ok = end_search(&s, err);
	print_left_out(&s);
	if (key_search_is_incomplete(&s)) {
		w->status = CLI_INCOMPLETE;
		fprintf(stderr, "There may be more: %zu CAs did not answer.\n", s.unanswered.count);
	}
	return ok;
}
