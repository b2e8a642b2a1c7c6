/* dirca ca rights: who may manage, audit and use the CA. */
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "own_json.h"
#include "print.h"
#include "verbs.h"
#include "work.h"

/* Rights that an entry gives or denies, by name; a bit without a name as a number. */
static json_t *
json_rights(uint32_t mask)
{
	json_t *list = json_array();
	char number[16];

	for (size_t i = 0; i < ca_right_count; i++)
		if ((mask & ca_rights[i].mask) != 0) {
			json_array_append_new(list, json_string(ca_rights[i].name));
			mask &= ~ca_rights[i].mask;
		}
	if (mask != 0) {
		snprintf(number, sizeof number, "0x%x", (unsigned)mask);
		json_array_append_new(list, json_string(number));
	}
	return list;
}

static const char *
effect_of(const struct ace *ace)
{
	switch (ace->type) {
	case ACE_ALLOW:
		return "allow";
	case ACE_DENY:
		return "deny";
	default:
		return "other";
	}
}

static json_t *
json_entries(struct authority *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->security.count; i++) {
		const struct ace *ace = &a->security.aces[i];

		json_array_append_new(
		    list, json_pack("{s:i, s:s, s:o, s:o, s:b}", "entry", (int)i, "effect",
			      effect_of(ace), "trustee", authority_json_sid(a, &ace->sid), "rights",
			      json_rights(ace->mask), "inherited",
			      (int)((ace->flags & ACE_FLAG_INHERITED) != 0)));
	}
	return list;
}

static void
print_entries(const struct authority *a, const json_t *list)
{
	size_t i, k;
	json_t *e, *right;

	printf("Rights on the CA, %s\n", a->service->dn);
	if (!a->has_security)
		puts("  dircaCASecurity is absent or hidden from this account. A CA without it "
		     "gives:");
	json_array_foreach(list, i, e)
	{
		const json_t *who = json_object_get(e, "trustee");

		printf("  %2zu  %-5s  %s (%s)%s:", i, json_text(e, "effect"),
		    json_text(who, "name"), json_text(who, "sid"),
		    json_is_true(json_object_get(e, "inherited")) ? ", inherited" : "");
		json_array_foreach(json_object_get(e, "rights"), k, right)
		    printf("%s %s", k > 0 ? "," : "", json_string_value(right));
		putchar('\n');
	}
}

static void
show(struct authority *a)
{
	OWNED(own_json) json_t *list = json_entries(a);

	if (a->session->cli->opt.json)
		print_json(json_pack("{s:s, s:b, s:O}", "dn", a->service->dn, "present",
		    (int)a->has_security, "entries", list));
	else
		print_entries(a, list);
}

static bool
rights_of_words(const struct cli *cli, uint32_t *mask_out, struct err *err)
{
	*mask_out = 0;
	for (int i = 2; i < cli->count; i++) {
		uint32_t right = ca_right_by_text(cli->args[i]);

		if (right == 0)
			return err_set(err, DIRCA_E_USAGE,
			    "there is no right '%s'; admin, officer, auditor, operator, read and "
			    "enroll are",
			    cli->args[i]);
		*mask_out |= right;
	}
	return true;
}

static bool
write_security(struct authority *a, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};

	if (!sd_encode(&a->security, &raw, err) ||
	    !authority_write(a, "dircaCASecurity", a->raw_security, buf_view(&raw), err))
		return false;
	a->has_security = true;
	return true;
}

/* ca rights grant|revoke TRUSTEE RIGHT... */
static bool
change(struct authority *a, const struct cli *cli, struct err *err)
{
	bool grant = strcmp(cli->args[0], "grant") == 0, changed, deny = cli->opt.deny;
	struct sid trustee;
	uint32_t mask;

	if (cli->count < 3 || (!grant && strcmp(cli->args[0], "revoke") != 0))
		return err_set(
		    err, DIRCA_E_USAGE, "dirca ca rights [grant|revoke TRUSTEE RIGHT...]");
	if (!rights_of_words(cli, &mask, err) || !authority_trustee(a, cli->args[1], &trustee, err))
		return false;
	if (grant && !ca_rights_grant(&a->security, &trustee, mask, deny, &changed, err))
		return false;
	if (!grant) {
		ca_rights_revoke(&a->security, &trustee, mask, deny, &changed);
		if (!deny && !ca_rights_check_revoked(&a->security, &trustee, mask, err))
			return false;
	}
	if (!changed) {
		fprintf(stderr, "dirca ca rights: %s; nothing is changed\n",
		    grant ? "that is so already" : "no entry of its own gives that to the trustee");
		return true;
	}
	return ca_rights_check(&a->security, err) && write_security(a, err);
}

bool
cmd_ca_rights(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(authority_close) struct authority a = {0};

	if (!authority_open(&w->session, &a, err) || (cli->count > 0 && !change(&a, cli, err)))
		return false;
	show(&a);
	if (cli->count > 0 && cli->opt.dry_run)
		fprintf(stderr, "dirca ca rights: dry run, nothing is written\n");
	return true;
}
