#include "batch_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "file.h"
#include "given.h"
#include "interruption.h"
#include "mem.h"
#include "own.h"
#include "progress.h"
#include "trusted_cas.h"

#define FILE_MOST (512 * 1024 * 1024)
/* Root may have changed its mind about an agent since. */
#define ORDER_DAYS 30
#define DAY        INT64_C(86400)

void
batch_file_close(struct batch_file *b)
{
	kra_keys_close(&b->keys);
	buf_free(&b->file);
}

static bool
verify_order(struct batch_file *b, const struct cli *cli, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs trusted = {0};
	OWNED(own_memory) const struct pkix_cert **cas = NULL;
	size_t count = 0;

	if (!trusted_cas_all(cli, &b->keys.certificates, &trusted, err))
		return false;
	cas = mem_zero(trusted.count, sizeof(*cas));
	/* His own certificate lies beside his key, too. */
	for (size_t i = 0; i < trusted.count; i++)
		if (pkix_cert_is_ca(&trusted.list[i]))
			cas[count++] = &trusted.list[i];
	return rewrap_order_verify(b->message, cas, count, &b->order, err) ||
	       err_prefix(err,
		   "nothing shows that the batch is of a CA that you trust; its certificate is "
		   "given with --ca");
}

/* The clock of a machine without a network may be off by some hours. */
static bool
check_time(const struct rewrap_order *o, struct err *err)
{
	int64_t now = clock_now();
	char when[CLOCK_LOCAL_LEN];

	clock_local_format(o->when, when);
	return (o->when < now + DAY && o->when > now - ORDER_DAYS * DAY) ||
	       err_set(err, CERT_E_EXPIRED,
		   "the batch was signed on %s, which is more than %d days ago or to come by this "
		   "machine's clock: have it given out anew",
		   when, ORDER_DAYS);
}

bool
batch_file_open(const struct cli *cli, struct batch_file *out, struct err *err)
{
	if (!file_read(cli->args[0], FILE_MOST, &out->file, err) ||
	    !kra_keys_open(&cli->opt, &out->keys, err))
		return false;
	if (!rewrap_file_split(buf_view(&out->file), &out->message, &out->entries, err) ||
	    !verify_order(out, cli, err))
		return err->code == ERROR_INVALID_DATA || err->code == CRYPT_E_INVALID_MSG_TYPE
			   ? given_failed(cli->args[0], buf_view(&out->file), GIVEN_BATCH, err)
			   : false;
	return rewrap_order_covers(&out->order, out->entries, err) && check_time(&out->order, err);
}

/* ---- its keys ---- */

static bool
take_entry(
    const struct batch_file *b, struct view der, batch_each *each, void *arg, struct err *err)
{
	OWNED(rewrap_entry_free) struct rewrap_entry e = {0};

	if (!rewrap_entry_decode(der, &e, err))
		return false;
	if (!rewrap_order_has(&b->order, &e))
		return err_set(err, ERROR_INVALID_DATA, "a key of the batch is for other agents");
	return each(arg, &e, err);
}

bool
batch_file_walk(const struct batch_file *b, batch_each *each, void *arg, struct err *err)
{
	struct view rest = b->entries, der;
	long long done = 0;
	bool ok = true;

	while (ok && rest.len > 0 && !interruption_came()) {
		ok = rewrap_entry_next(&rest, &der, err) && take_entry(b, der, each, arg, err);
		if (ok)
			progress_say("%lld of %lld keys", ++done, (long long)b->order.keys);
	}
	progress_clear();
	return ok;
}

bool
batch_blob(const struct rewrap_entry *e, struct recovery_blob *out, struct err *err)
{
	*out = (struct recovery_blob){0};
	if (cms_sealed_decode(e->key, &out->archived, err) &&
	    pkix_cert_decode(e->certificate, &out->certificate, err))
		return true;
	recovery_free(out);
	return false;
}

void
batch_complain(const struct rewrap_entry *e, const struct err *why)
{
	progress_clear();
	fprintf(stderr, "request %lld: %s (%s)\n", (long long)e->request_id, why->msg,
	    err_name(why->code));
}
