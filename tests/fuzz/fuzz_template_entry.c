/* Input: LDIF of entries. What decodes as a template keeps the promises of tmpl.h, decodes to the
 * same again from a copy of the entry, and yields plans that keep those of issue.h; what decodes as
 * an enterprise OID keeps those of enterprise_oid.h. */
#include <stdint.h>
#include <stdlib.h>

#include "../support/ldif.h"
#include "../support/sd_equal.h"
#include "enterprise_oid.h"
#include "flags.h"
#include "issue.h"
#include "supersede.h"
#include "target.h"
#include "tmpl_priv.h"
#include "tmpl_edit.h"

#define NOW INT64_C(1800000000)

static bool
text_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
list_equal(const struct texts *a, const struct texts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i], b->list[i]) != 0)
			return false;
	return true;
}

static bool
tmpl_equal(const struct tmpl *a, const struct tmpl *b)
{
	return text_equal(a->dn, b->dn) && text_equal(a->cn, b->cn) && text_equal(a->oid, b->oid) &&
	       a->flags == b->flags && a->enrollment_flag == b->enrollment_flag &&
	       a->name_flag == b->name_flag && a->private_key_flag == b->private_key_flag &&
	       a->schema_version == b->schema_version && a->major == b->major &&
	       a->minor == b->minor && a->validity == b->validity && a->overlap == b->overlap &&
	       a->max_depth == b->max_depth && list_equal(&a->eku, &b->eku) &&
	       list_equal(&a->critical, &b->critical) &&
	       list_equal(&a->ra_application_policies, &b->ra_application_policies) &&
	       text_equal(a->symmetric_algorithm, b->symmetric_algorithm) &&
	       a->has_sd == b->has_sd && sd_equal(&a->sd, &b->sd);
}

static void
check_template(const struct tmpl *t)
{
	struct sids nobody = {NULL, 0};
	enum tmpl_cipher cipher;
	struct tmpl_key_rule key;
	struct err err;

	for (enum tmpl_word w = 0; w < TMPL_WORDS; w++) {
		char *names = tmpl_flag_names(w, tmpl_word_value(t, w));

		require(names != NULL && (*names == '\0') == (tmpl_word_value(t, w) == 0));
		free(names);
	}
	require(tmpl_key_rule(t, &key, &err) || err.code == CERTSRV_E_UNSUPPORTED_CERT_TYPE);
	require(tmpl_transport_cipher(t, &cipher, &err) || err.code == NTE_BAD_ALGID);
	require(t->cn != NULL && t->validity > 0 && t->overlap >= 0 && t->max_depth >= -1);
	require(t->schema_version >= 1 && t->schema_version <= 4);
	require(t->min_key_size >= 0 && t->ra_signatures >= 0);
	require(t->schema_version > 1 || !tmpl_requires_key_archival(t));
	require(!tmpl_check_enroll(t, &nobody, "nobody", &err) || (t->has_sd && !t->sd.has_dacl));
}

static void
check_plan(const struct tmpl *t, bool archived_key)
{
	static char dn[] = "CN=user1,DC=nwtraders,DC=com", cn[] = "user1",
		    upn[] = "user1@nwtraders.com", *mails[] = {upn}, dns[] = "host1";
	const struct principal who = {.dn = dn,
	    .cn = cn,
	    .downlevel = cn,
	    .upn = upn,
	    .mails = {mails, 1},
	    .dns_name = dns,
	    .is_machine = (t->flags & CT_FLAG_MACHINE_TYPE) != 0,
	    .has_guid = true};
	const struct issue_request request = {.key_algorithm = "RSA",
	    .key_bits = 4096,
	    .has_subject = true,
	    .has_archived_key = archived_key};
	const struct issue_limits limits = {
	    .now = NOW, .clock_skew = 600, .ca_not_after = NOW + 100000000};
	struct issue_plan p;
	struct err err;

	if (!issue_plan_make(t, &who, &request, &limits, &p, &err)) {
		require(err.code != ERR_OK && err.code != DIRCA_E_INTERNAL);
		return;
	}
	require(p.archive == archived_key && p.archive == tmpl_requires_key_archival(t));
	require(p.not_before < p.not_after && p.not_after <= limits.ca_not_after);
	require(p.not_after - p.not_before <= t->validity);
	require(!p.is_ca || (p.basic_constraints && p.basic_constraints_critical));
	require(p.template_info == (t->schema_version >= 2) &&
		(!p.template_info || p.template_oid != NULL));
	require(tmpl_signatures_needed(t) == 0);
	require(p.pend == tmpl_pends(t));
	issue_plan_free(&p);
}

/* What is taken over or copied can be read by the CA, and has nothing of its old home. */
static void
check_made(bool made, struct dir_entry *e, const struct err *why)
{
	struct tmpl t;
	struct err err;

	if (!made) {
		require(why->code == ERROR_INVALID_DATA || why->code == E_INVALIDARG);
		return;
	}
	require(tmpl_decode(e, &t, &err));
	require(!t.has_sd || dir_entry_attr(e, "nTSecurityDescriptor") != NULL);
	require(dir_entry_attr(e, "objectGUID") == NULL);
	tmpl_free(&t);
	dir_entry_free(e);
}

static void
check_editing(const struct dir_entry *e)
{
	struct dir_entry made;
	struct err err = {0};
	bool ok;

	for (size_t i = 0; i < tmpl_field_count; i++) {
		char *text = tmpl_field_get(&tmpl_fields[i], e, &err);

		require(text != NULL || err.code == ERROR_INVALID_DATA || err.code == E_INVALIDARG);
		free(text);
	}
	ok = tmpl_take_over(e, NULL, true, &made, &err);
	check_made(ok, &made, &err);
	ok = tmpl_duplicate(e, "Copy", "1.2.3.4", NULL, 0, &made, &err);
	check_made(ok, &made, &err);
}

static void
check_entry(const struct dir_entry *e)
{
	struct dir_entry copy;
	struct tmpl t, again;
	struct err err;

	if (!tmpl_decode(e, &t, &err)) {
		require(err.code != DIRCA_E_INTERNAL);
		return;
	}
	check_template(&t);
	check_plan(&t, false);
	check_plan(&t, true);
	check_editing(e);
	require(dir_entry_copy(e, &copy, &err));
	require(tmpl_decode(&copy, &again, &err));
	require(tmpl_equal(&t, &again));
	tmpl_free(&again);
	dir_entry_free(&copy);
	tmpl_free(&t);
}

static void
check_oids(const struct dir_entries *es)
{
	struct texts broken = {0};
	struct enterprise_oids o;
	struct err err;

	require(enterprise_oids_load(es, &o, &broken, &err));
	require(o.count <= es->count);
	for (size_t i = 0; i < o.count; i++) {
		require(oid_is_valid(o.list[i].oid));
		require(enterprise_oids_find(&o, o.list[i].oid) == &o.list[i]);
	}
	enterprise_oids_free(&o);
	texts_free(&broken);
}

static void
check_supersedence(const struct tmpl *list, size_t count)
{
	struct tmpl_supersede_finding *faults;
	struct err err;
	size_t n, most = 0;

	for (size_t i = 0; i < count; i++) {
		const struct tmpl *t = tmpl_superseding(list, count, list[i].cn);

		require(t == NULL || (t != &list[i] && tmpl_supersedes(t, list[i].cn)));
		most += list[i].supersedes.count;
	}
	require(tmpl_supersede_faults(list, count, &faults, &n, &err));
	require(n <= most);
	free(faults);
}

/* Templates of one input together. */
static void
check_forest(const struct dir_entries *es)
{
	struct tmpl *list = calloc(es->count + 1, sizeof *list);
	struct err err;
	size_t count = 0;

	require(list != NULL);
	for (size_t i = 0; i < es->count; i++)
		count += tmpl_decode(&es->list[i], &list[count], &err) ? 1 : 0;
	check_supersedence(list, count);
	for (size_t i = 0; i < count; i++)
		tmpl_free(&list[i]);
	free(list);
}

int
target(const uint8_t *data, size_t size)
{
	struct dir_entries es;
	struct err err;

	if (!ldif_entries(view_of(data, size), &es, &err))
		return 0;
	for (size_t i = 0; i < es.count; i++)
		check_entry(&es.list[i]);
	check_forest(&es);
	check_oids(&es);
	dir_entries_free(&es);
	return 0;
}
