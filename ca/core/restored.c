/* Database or vault from an older copy: seen by what the rest remembers. */
#include <stdio.h>
#include <stdlib.h>

#include "adopt.h"
#include "ca_priv.h"
#include "log.h"
#include "own.h"
#include "text.h"

#define SETTING_RECORDS "Recorded\\journal"

static void
tell(struct ca *ca, char *sentence)
{
	log_error("restored from an older copy", LOG_STR("reason", sentence));
	pthread_mutex_lock(&ca->state->lock);
	texts_take(&ca->state->restored, sentence);
	pthread_mutex_unlock(&ca->state->lock);
}

/* The database. */
static void
tell_older(struct ca *ca, const char *where, int64_t number, int64_t known)
{
	tell(
	    ca, text_printf(
		    "%s CRL %lld, and the database knows CRLs up to %lld: what was revoked since "
		    "the copy was made must be revoked again; `dirca audit compare` names what was "
		    "issued",
		    where, (long long)number, (long long)known));
}

static void
raise_crl(struct ca *ca, int64_t number)
{
	if (number > ca->state->foreign_crl)
		ca->state->foreign_crl = number;
}

void
found_newer_crl(struct ca *ca, size_t issuer, int64_t number, int64_t known)
{
	/* Two different ones may have one number. */
	raise_crl(ca, number == known ? number + 1 : number);
	ca->state->crl_wanted[issuer] = true;
	atomic_store(&ca->state->wants_maintenance, true);
	tell_older(ca, "the directory has", number, known);
}

bool
ca_wants_maintenance(struct ca *ca)
{
	return atomic_exchange(&ca->state->wants_maintenance, false);
}

/* One more may have been signed by a process that died before it was stored. */
static bool
check_database(struct ca *ca, struct err *err)
{
	int64_t signed_number = (int64_t)ca->info.newest_crl, last;

	if (!store_last_crl_number(ca->store, &last, err))
		return false;
	raise_crl(ca, signed_number);
	for (size_t i = 0; signed_number > last && i < ca->info.issuers.count; i++)
		ca->state->crl_wanted[i] = true;
	if (signed_number > last + 1)
		tell_older(ca, "the vault has signed", signed_number, last);
	return true;
}

static bool
check_vault(struct ca *ca, struct err *err)
{
	OWNED(own_memory) char *text = NULL;
	int64_t known;

	if (!store_get_setting(ca->store, SETTING_RECORDS, &text, err))
		return false;
	if (text != NULL && text_to_int(text, 0, INT64_MAX, &known) &&
	    known > (int64_t)ca->info.journal_records)
		tell(ca, text_printf(
			     "the vault's journal has %lld records, and had %lld when the database "
			     "last looked: exchange keys made since the copy are gone, and what "
			     "was signed is no longer written down",
			     (long long)ca->info.journal_records, (long long)known));
	return true;
}

static bool
store_records(struct store_tx *tx, void *arg, struct err *err)
{
	const uint64_t *records = arg;
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)*records);
	return store_set_setting(tx, SETTING_RECORDS, text, err);
}

struct adopted_check {
	struct ca *ca;
	int64_t missing;
	char first[64];
};

static bool
check_adopted_one(void *arg, const char *serial, bool held, struct err *err)
{
	struct adopted_check *c = arg;
	struct store_status status;
	enum store_find found = store_status_by_serial(c->ca->store, serial, &status, err);

	if (found == STORE_FOUND && (held || status.revoked))
		return true;
	if (c->missing++ == 0)
		snprintf(c->first, sizeof c->first, "%s", serial);
	return found != STORE_FAILED;
}

/* The first CRL of a CA that was taken over names what was revoked before, one by one, or the CA
 * does not start: nobody would see for how long its revoked certificates were good again. A hold
 * may have been taken back since. */
static bool
check_adopted(struct ca *ca, struct err *err)
{
	struct adopted_check check = {.ca = ca};
	struct ca_adopted before;
	int64_t last;

	if (!ca_adopted_read(ca->config, &before, err) ||
	    !store_last_crl_number(ca->store, &last, err))
		return false;
	raise_crl(ca, before.crl_number);
	if (last > 0 || before.revoked == 0)
		return true;
	return ca_adopted_revoked(ca->config, check_adopted_one, &check, err) &&
	       (check.missing == 0 ||
		   err_set(err, DIRCA_E_CONFIG,
		       "the last CRLs of before the CA was taken over name %lld certificates, of "
		       "which %lld are not revoked in the database (serial number %s ...): `dirca "
		       "import adcs` them first",
		       (long long)before.revoked, (long long)check.missing, check.first));
}

bool
remember_journal(struct ca *ca, struct vault *v, struct err *err)
{
	OWNED(vault_info_free) struct vault_info info = {0};

	return vault_get_info(v, &info, err) &&
	       store_do(ca->store, store_records, &info.journal_records, err);
}

bool
check_restored(struct ca *ca, struct err *err)
{
	return check_database(ca, err) && check_adopted(ca, err) && check_vault(ca, err) &&
	       store_do(ca->store, store_records, &ca->info.journal_records, err);
}
