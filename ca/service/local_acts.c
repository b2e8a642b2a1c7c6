#include "local_acts_priv.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "journal_compare.h"
#include "kra_upgrade.h"
#include "local_audit.h"
#include "own.h"
#include "service.h"
#include "text.h"

static void
print_differences(const char *heading, const struct journal_differences *d)
{
	char when[21];

	if (d->count == 0)
		return;
	printf("%s: %zu\n", heading, d->count);
	for (size_t i = 0; i < d->count; i++) {
		const struct journal_difference *x = &d->list[i];

		clock_format(x->when, when);
		printf("  %s  %s %s", when, journal_kind_name(x->kind), x->number);
		if (x->request_id != 0)
			printf(" (request %lld)", (long long)x->request_id);
		putchar('\n');
	}
}

static void
print_comparison(const struct journal_comparison *c)
{
	char since[21];

	clock_format(c->begun, since);
	printf("Journal since %s: %lld certificates, %lld exchange certificates, %lld CRLs, %lld "
	       "responses, %lld recovery BLOBs, %lld by dirca ca init\n",
	    since, (long long)c->records[JOURNAL_CERTIFICATE],
	    (long long)c->records[JOURNAL_EXCHANGE], (long long)c->records[JOURNAL_CRL],
	    (long long)c->records[JOURNAL_RESPONSE], (long long)c->records[JOURNAL_RECOVERY],
	    (long long)c->records[JOURNAL_INIT]);
	print_differences("Signed, never stored", &c->signed_only);
	print_differences("Stored, not in the journal", &c->stored_only);
	print_differences(
	    "Stored, not in the journal, perhaps lost when the machine stopped", &c->perhaps_lost);
	if (c->records[JOURNAL_RECOVERY] > c->retrievals)
		printf("Recovery BLOBs signed: %lld, retrievals in the audit trail: %lld\n",
		    (long long)c->records[JOURNAL_RECOVERY], (long long)c->retrievals);
	if (c->before > 0)
		printf("From before the journal, not compared: %lld\n", (long long)c->before);
	if (c->in_progress > 0)
		printf("Signed within the last seconds, not stored yet: %lld\n",
		    (long long)c->in_progress);
	if (journal_agrees(c))
		puts("The journal and the database agree.");
}

static json_t *
json_differences(const struct journal_differences *d)
{
	json_t *list = json_array();
	char when[21];

	for (size_t i = 0; i < d->count; i++) {
		const struct journal_difference *x = &d->list[i];

		clock_format(x->when, when);
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:I}", "kind", journal_kind_name(x->kind), "number",
			x->number, "when", when, "request_id", (json_int_t)x->request_id));
	}
	return list;
}

static json_t *
json_comparison(const struct journal_comparison *c)
{
	char since[21];

	clock_format(c->begun, since);
	return json_pack("{s:b, s:s, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:I, s:o, s:o, s:o, s:I, "
			 "s:I, s:I}",
	    "agree", (int)journal_agrees(c), "since", since, "signed", "certificates",
	    (json_int_t)c->records[JOURNAL_CERTIFICATE], "exchange_certificates",
	    (json_int_t)c->records[JOURNAL_EXCHANGE], "crls", (json_int_t)c->records[JOURNAL_CRL],
	    "responses", (json_int_t)c->records[JOURNAL_RESPONSE], "recovery_blobs",
	    (json_int_t)c->records[JOURNAL_RECOVERY], "ca_init",
	    (json_int_t)c->records[JOURNAL_INIT], "matched", (json_int_t)c->matched, "signed_only",
	    json_differences(&c->signed_only), "stored_only", json_differences(&c->stored_only),
	    "perhaps_lost", json_differences(&c->perhaps_lost), "before_journal",
	    (json_int_t)c->before, "in_progress", (json_int_t)c->in_progress, "retrievals",
	    (json_int_t)c->retrievals);
}

bool
act_open_store(const struct config *config, const char *path, struct store **out, struct err *err)
{
	OWNED(own_memory) char *own = config_path(config, "dirca.db");

	return service_become(config->user, err) && store_open(path != NULL ? path : own, out, err);
}

int
act_failed(const struct err *err, int status)
{
	err_print("dircad", err);
	return status;
}

void
act_print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(value);
}

/* The journal is opened as root, and the database as the front, which it belongs to. */
static bool
compare(const struct config *config, struct journal_comparison *out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "vault/" JOURNAL_FILE);
	OWNED(own_file) FILE *journal = fopen(path, "re");

	if (journal == NULL)
		return err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		    "%s: cannot open the vault's journal", path);
	return service_become(config->user, err) &&
	       journal_compare(config, journal, clock_now(), out, err);
}

int
act_compare(const struct config *config, bool json)
{
	struct journal_comparison c = {0};
	struct err err;
	bool agrees;

	if (!compare(config, &c, &err))
		return act_failed(&err, err.code == DIRCA_E_JOURNAL ? ACT_FINDINGS : 1);
	if (json)
		act_print_json(json_comparison(&c));
	else
		print_comparison(&c);
	agrees = journal_agrees(&c);
	journal_comparison_free(&c);
	if (agrees)
		return 0;
	err_set(&err, DIRCA_E_JOURNAL, "the vault's journal of signatures and the database differ");
	return act_failed(&err, ACT_FINDINGS);
}

int
act_create_database(const struct config *config)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	OWNED(store_close) struct store *store = NULL;
	struct err err;

	return service_become(config->user, &err) && store_create(path, &store, &err)
		   ? 0
		   : act_failed(&err, 1);
}

int
act_kra_upgrade(const struct config *config)
{
	struct err err;

	return kra_upgrade(config, &err) ? 0 : act_failed(&err, 1);
}

int
act_record(const struct config *config, char *const *args, int count)
{
	struct local_act act = {.who = getuid()};
	struct err failure, err;
	int64_t code;

	if (count != 3 && count != 5)
		return 2;
	act.verb = args[0];
	act.object = args[1];
	act.change = args[2];
	if (count == 5) {
		if (!text_to_int(args[3], 0, UINT32_MAX, &code))
			return 2;
		err_set(&failure, (enum err_code)code, "%s", args[4]);
		act.failure = &failure;
	}
	/* The database is the front's, and so may be what lies beside it under its names. */
	return service_become(config->user, &err) && local_audit(config, &act, &err)
		   ? 0
		   : act_failed(&err, 1);
}
