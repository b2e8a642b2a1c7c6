#include "batches.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "mem.h"
#include "own.h"
#include "settings.h"
#include "text.h"

/* The word behind `name` in "uid=0 login=user1 sudo=-", as an account: without its domain. */
static char *
account_in(const char *given_by, const char *name)
{
	const char *at = strstr(given_by, name);
	OWNED(own_memory) char *word = NULL;
	const char *slash;

	if (at == NULL)
		return mem_text("");
	at += strlen(name);
	word = mem_text_n(at, strcspn(at, " "));
	slash = strrchr(word, '\\');
	at = slash != NULL ? slash + 1 : word;
	return mem_text_n(at, strcspn(at, "@"));
}

bool
recover_batch_is_by(const char *given_by, const char *downlevel)
{
	OWNED(own_memory) char *login = account_in(given_by, "login=");
	OWNED(own_memory) char *sudo = account_in(given_by, "sudo=");
	const char *slash = strrchr(downlevel, '\\');
	const char *account = slash != NULL ? slash + 1 : downlevel;

	return *account != '\0' && (text_eq_fold(login, account) || text_eq_fold(sudo, account));
}

/* ---- reading ---- */

static bool
read_batch(
    struct ca *ca, const char *id_hex, struct buf *id, struct store_batch *out, struct err *err)
{
	enum store_find found;

	if (!hex_decode(id_hex, id, err))
		return false;
	found = store_get_batch(ca->store, buf_view(id), out, err);
	return found == STORE_FOUND ||
	       (found == STORE_NOT_FOUND &&
		   err_set(err, CRYPT_E_NOT_FOUND, "no batch %s was given out", id_hex));
}

bool
recover_batch_list(
    struct ca *ca, const char *after_hex, int limit, struct store_batches *out, struct err *err)
{
	OWNED(store_batch_free) struct store_batch after = {0};
	OWNED(buf_free) struct buf id = {0};

	return (after_hex == NULL || read_batch(ca, after_hex, &id, &after, err)) &&
	       store_list_batches(ca->store, after_hex != NULL ? &after : NULL, limit, out, err);
}

/* ---- approving ---- */

struct approving {
	const struct batch_approval *in;
	const struct store_batch *batch;
	struct view id;
};

static bool
check_approver(
    struct ca *ca, const struct batch_approval *in, const struct store_batch *b, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);

	if (!ca_check_right(view, in->by, CA_RIGHT_ADMIN, err))
		return false;
	if (in->from_root)
		return err_set(err, E_ACCESSDENIED,
		    "root gave the batch out: who approves it signs in with an account of his own, "
		    "and not as root by the Unix socket");
	if (b != NULL && b->given_by != NULL && recover_batch_is_by(b->given_by, in->by->downlevel))
		return err_set(err, DIRCA_E_OWN_REQUEST,
		    "%s gave the batch out (%s); another CA administrator has to approve it",
		    in->by->downlevel, b->given_by);
	return true;
}

static bool
write_approval(struct store_tx *tx, void *arg, struct err *err)
{
	const struct approving *a = arg;
	const struct store_batch *b = a->batch;
	OWNED(own_memory) char *from = hex_encode(view_of(b->from, sizeof b->from), '\0');
	OWNED(own_memory)
	char *detail = text_printf("keys=%lld from=%s%s%s to=%s given_by=(%s)", (long long)b->keys,
	    from, b->with != NULL ? " with=" : "", b->with != NULL ? b->with : "",
	    b->to != NULL ? b->to : "-", b->given_by != NULL ? b->given_by : "-");
	const struct ca_audit record = {.when = a->in->now,
	    .event = AUDIT_BATCH_APPROVED,
	    .actor = a->in->by->downlevel,
	    .object = a->in->id_hex,
	    .detail = detail};
	bool done;

	if (!store_approve_batch(tx, a->id, a->in->by->downlevel, a->in->now, &done, err))
		return false;
	return done ? ca_audit(tx, &record, err)
		    : err_set(err, CERTSRV_E_BAD_REQUESTSTATUS, "batch %s was approved already",
			  a->in->id_hex);
}

static bool
approve(struct ca *ca, const struct batch_approval *in, struct store_batch *out, struct err *err)
{
	OWNED(buf_free) struct buf id = {0};
	struct approving a = {.in = in, .batch = out};

	if (!check_approver(ca, in, NULL, err) || !read_batch(ca, in->id_hex, &id, out, err) ||
	    !check_approver(ca, in, out, err))
		return false;
	a.id = buf_view(&id);
	if (!store_do(ca->store, write_approval, &a, err))
		return false;
	store_batch_free(out);
	return store_get_batch(ca->store, a.id, out, err) == STORE_FOUND;
}

bool
recover_batch_approve(
    struct ca *ca, const struct batch_approval *in, struct store_batch *out, struct err *err)
{
	const struct ca_audit refusal = {.when = in->now,
	    .event = AUDIT_BATCH_APPROVED,
	    .actor = in->by->downlevel,
	    .object = strspn(in->id_hex, "0123456789abcdefABCDEF") == 2 * STORE_BATCH_ID
			  ? in->id_hex
			  : NULL};

	*out = (struct store_batch){0};
	if (approve(ca, in, out, err))
		return true;
	store_batch_free(out);
	ca_audit_refusal(ca, &refusal, err);
	return false;
}

/* ---- before it is taken back ---- */

bool
recover_batch_check(
    struct store *store, struct view id, int64_t keys, const char *to, struct err *err)
{
	OWNED(store_batch_free) struct store_batch b = {0};
	OWNED(own_memory) char *name = hex_encode(id, '\0');
	struct settings settings;

	if (!settings_load(store, &settings, err))
		return false;
	if (settings.num[SETTING_RECOVERY_BATCHES] == 0)
		return true;
	switch (store_get_batch(store, id, &b, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return err_set(err, E_ACCESSDENIED,
		    "batch %s is not known here, so that nobody approved it", name);
	case STORE_FOUND:
		break;
	}
	if (b.approved_when == 0)
		return err_set(err, E_ACCESSDENIED,
		    "the batch waits for a CA administrator (%s), who decides by `dirca archive "
		    "approve %s`",
		    setting_name(SETTING_RECOVERY_BATCHES), name);
	return (b.keys == keys && b.to != NULL && strcmp(b.to, to) == 0) ||
	       err_set(
		   err, E_ACCESSDENIED, "batch %s is another than the one that was approved", name);
}
