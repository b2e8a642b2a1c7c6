/* dirca revoke, unrevoke. */
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
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
		if (w->cli->opt.json)
			print_json_next(answer, (size_t)i);
		else
			printf("Request %lld: %s\n",
			    (long long)json_integer_value(json_object_get(answer, "request_id")),
			    done);
	}
	if (w->cli->opt.json)
		print_json_end((size_t)w->cli->count);
	else
		puts(CRL_SAYS_SO);
	return true;
}

static bool
revoke_one(struct work *w, long long id, const void *reason, json_t **answer_out, struct err *err)
{
	OWNED(own_memory) char *what = text_printf("%lld", id);

	return post(w, "request_id", what, reason, answer_out, err);
}

static bool
revoke_many(struct work *w, const char *reason, struct err *err)
{
	OWNED(batch_free)
	struct batch b = {.act_name = "Revoke",
	    .noun = "certificate",
	    .remark = reason,
	    .done = "revoked",
	    .disposition = "issued",
	    .act = revoke_one,
	    .arg = reason};
	bool ok = batch_find(w, &b, err) && batch_run(w, &b, err);

	if (b.at > b.refused && !w->cli->opt.json)
		puts(CRL_SAYS_SO);
	return ok;
}

bool
cmd_revoke(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	const char *reason = opt->reason != NULL ? opt->reason : "unspecified";

	if (w->cli->count == 0)
		return revoke_many(w, reason, err);
	if (opt->where.count > 0 || opt->from_stdin)
		return err_set(err, DIRCA_E_USAGE,
		    "name certificates, say with --where which they are, or give ids of requests "
		    "on standard input (--stdin)");
	return work_open(w, NEEDS_CA, err) && revoke_each(w, reason, "revoked", err);
}

bool
cmd_unrevoke(struct work *w, struct err *err)
{
	return revoke_each(w, "removeFromCRL", "no longer on hold", err);
}
