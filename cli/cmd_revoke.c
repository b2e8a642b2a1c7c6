/* dirca revoke, unrevoke. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "own_json.h"
#include "request_list.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define CRL_SAYS_SO "The next CRL says so; a CA administrator publishes one now by `dirca crl`."

#define ID_DIGITS 9 /* a serial number has more: it holds 64 random bits at least */

static bool
post(struct work *w, const char *member, const char *what, const char *reason, json_t **answer_out,
    struct err *err)
{
	OWNED(own_json) json_t *body = json_pack("{s:s, s:s}", member, what, "reason", reason);

	if (body == NULL)
		return err_set(err, E_INVALIDARG, "a reason or serial number is not UTF-8");
	return http_client_json(w->ca, "POST", "/dirca/v1/revocations", body, answer_out, err);
}

/* One after the other; the first refusal ends it, and what was said is done. */
static bool
revoke_each(struct work *w, const char *reason, const char *done, struct err *err)
{
	for (int i = 0; i < w->cli->count; i++) {
		const char *what = w->cli->args[i];
		bool is_id =
		    strlen(what) <= ID_DIGITS && strspn(what, "0123456789") == strlen(what);
		OWNED(own_json) json_t *answer = NULL;

		if (!post(w, is_id ? "request_id" : "serial_number", what, reason, &answer, err))
			return err_prefix(err, "%s", what);
		printf("Request %lld: %s\n",
		    (long long)json_integer_value(json_object_get(answer, "request_id")), done);
	}
	puts(CRL_SAYS_SO);
	return true;
}

/* What --where found, and what became of it. */
struct batch {
	const char *reason;
	long long *ids;
	size_t count, revoked, refused;
	char **refusals; /* a sentence each */
};

static void
batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->refused; i++)
		free(b->refusals[i]);
	free(b->refusals);
	free(b->ids);
}

static bool
take_id(const json_t *row, void *arg, struct err *err)
{
	struct batch *b = arg;

	(void)err;
	b->ids = mem_grow_long(b->ids, b->count, sizeof *b->ids);
	b->ids[b->count++] = (long long)json_integer_value(json_object_get(row, "request_id"));
	return true;
}

static bool
find_issued(struct work *w, struct batch *b, struct err *err)
{
	OWNED(request_filter_free) struct request_filter filter = {0};
	struct request_list l = {.path = "/dirca/v1/requests?",
	    .filter = &filter,
	    .left = INT64_MAX,
	    .each = take_id,
	    .arg = b};

	if (!request_filter_parse("issued", &w->cli->opt.where, &filter, err) ||
	    !work_open(w, NEEDS_CA, err) || !request_list_walk(w, &l, err))
		return false;
	return b->count > 0 || err_set(err, CRYPT_E_NOT_FOUND, "no issued certificate matches");
}

/* Else the next one would be answered likewise: the caller, the reason or the way to the CA. */
static bool
is_of_one_certificate(enum err_code code)
{
	static const enum err_code codes[] = {CERTSRV_E_RESTRICTEDOFFICER,
	    CERTSRV_E_BAD_REQUESTSTATUS, CERTSRV_E_NO_REQUEST, DIRCA_E_OWN_REQUEST};

	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static bool
revoke_one(struct work *w, struct batch *b, long long id, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;
	char what[24];

	snprintf(what, sizeof what, "%lld", id);
	if (post(w, "request_id", what, b->reason, &answer, err)) {
		b->revoked++;
		return true;
	}
	if (!is_of_one_certificate(err->code))
		return err_prefix(
		    err, "%zu of %zu are revoked; request %s", b->revoked, b->count, what);
	b->refusals = mem_grow_long(b->refusals, b->refused, sizeof *b->refusals);
	b->refusals[b->refused++] =
	    text_printf("Request %s: %s (%s)", what, err->msg, err_name(err->code));
	return true;
}

static bool
revoke_batch(struct work *w, struct batch *b, struct err *err)
{
	bool shown = isatty(STDERR_FILENO) == 1, ok = true;

	for (size_t i = 0; ok && i < b->count; i++) {
		ok = revoke_one(w, b, b->ids[i], err);
		/* Numbers only, so that they need no filter, which lets no return through. */
		if (shown)
			dprintf(STDERR_FILENO, "\r%zu of %zu%s", i + 1, b->count,
			    !ok || i + 1 == b->count ? "\n" : "");
	}
	return ok;
}

static void
say_outcome(struct work *w, const struct batch *b)
{
	printf("%zu revoked, %zu refused.\n", b->revoked, b->refused);
	puts(CRL_SAYS_SO);
	for (size_t i = 0; i < b->refused; i++)
		fprintf(stderr, "%s\n", b->refusals[i]);
	if (b->refused > 0)
		w->status = CLI_FAILED;
}

static bool
revoke_where(struct work *w, const char *reason, struct err *err)
{
	OWNED(batch_free) struct batch b = {.reason = reason};
	OWNED(own_memory) char *question = NULL;

	if (!find_issued(w, &b, err))
		return false;
	question =
	    text_printf("Revoke %zu certificate%s (%s)?", b.count, b.count == 1 ? "" : "s", reason);
	if (w->cli->opt.yes)
		puts(question);
	else if (!cli_confirm(question, err))
		return false;
	if (!revoke_batch(w, &b, err))
		return false;
	say_outcome(w, &b);
	return true;
}

bool
cmd_revoke(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	const char *reason = opt->reason != NULL ? opt->reason : "unspecified";

	if ((w->cli->count > 0) == (opt->where.count > 0))
		return err_set(
		    err, DIRCA_E_USAGE, "name certificates, or say with --where which they are");
	if (opt->where.count > 0)
		return revoke_where(w, reason, err);
	return work_open(w, NEEDS_CA, err) && revoke_each(w, reason, "revoked", err);
}

bool
cmd_unrevoke(struct work *w, struct err *err)
{
	return revoke_each(w, "removeFromCRL", "no longer on hold", err);
}
