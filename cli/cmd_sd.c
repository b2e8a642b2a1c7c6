/* dirca sd show, dirca sd check: a security descriptor in words, and what is to be said of it. */
#include <inttypes.h>
#include <stdlib.h>

#include "ca_rights.h"
#include "descriptor.h"
#include "print.h"
#include "sd_effective.h"
#include "sd_review.h"
#include "text.h"

/* ---- sd show ---- */

static json_t *
json_ace(const struct descriptor *d, size_t at, const struct ace *ace)
{
	char *text = descriptor_ace_text(d, ace), mask[16];
	json_t *out;

	snprintf(mask, sizeof mask, "0x%08" PRIx32, ace->mask);
	out = json_pack("{s:i, s:s?, s:o, s:s, s:i, s:b, s:b}", "entry", (int)at, "text", text,
	    "trustee", ace->sid.count > 0 ? descriptor_json_sid(d, &ace->sid) : json_null(), "mask",
	    mask, "type", (int)ace->type, "inherited",
	    (int)((ace->flags & ACE_FLAG_INHERITED) != 0), "inherit_only",
	    (int)((ace->flags & ACE_FLAG_INHERIT_ONLY) != 0));
	free(text);
	return out;
}

/* null for a list that is not there. */
static json_t *
json_acl(const struct descriptor *d, bool present, const struct ace *aces, size_t count)
{
	json_t *list;

	if (!present)
		return json_null();
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_ace(d, i, &aces[i]));
	return list;
}

static json_t *
describe(const struct descriptor *d)
{
	const struct sd *sd = &d->sd;
	char *sddl = sd_to_sddl(sd);
	json_t *out = json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:s?}", "object", d->name, "owner",
	    sd->has_owner ? descriptor_json_sid(d, &sd->owner) : json_null(), "group",
	    sd->has_group ? descriptor_json_sid(d, &sd->group) : json_null(), "protected",
	    (int)sd_is_protected(sd), "dacl", json_acl(d, sd->has_dacl, sd->aces, sd->count),
	    "sacl", json_acl(d, sd->has_sacl, sd->sacl, sd->sacl_count), "sddl", sddl);

	free(sddl);
	return out;
}

static void
print_sid(const char *head, const json_t *sid)
{
	const char *name = json_string_value(json_object_get(sid, "name"));

	if (!json_is_object(sid))
		printf("%s: none\n", head);
	else
		printf("%s: %s%s%s%s\n", head, json_text(sid, "sid"), name != NULL ? " (" : "",
		    name != NULL ? name : "", name != NULL ? ")" : "");
}

static void
print_acl(const char *head, const json_t *list)
{
	size_t i;
	json_t *one;

	printf("%s%s\n", head, json_array_size(list) == 0 ? " no entries" : "");
	json_array_foreach(list, i, one) printf("  %2zu  %s\n", i, json_text(one, "text"));
}

static void
print_description(const json_t *o)
{
	const json_t *dacl = json_object_get(o, "dacl"), *sacl = json_object_get(o, "sacl");

	puts(json_text(o, "object"));
	print_sid("Owner", json_object_get(o, "owner"));
	print_sid("Group", json_object_get(o, "group"));
	if (!json_is_array(dacl))
		puts("DACL: none, everybody has every right");
	else
		print_acl(json_is_true(json_object_get(o, "protected"))
			      ? "DACL, protected from inheritance:"
			      : "DACL:",
		    dacl);
	if (json_is_array(sacl))
		print_acl("SACL:", sacl);
	printf("SDDL: %s\n", json_text(o, "sddl"));
}

enum cli_exit
cmd_sd_show(struct cli *cli)
{
	struct descriptor d = {0};
	enum cli_exit status = CLI_OK;
	json_t *about = NULL;
	struct err err;

	if (cli->count > 0 && cli->opt.sddl != NULL) {
		err_set(&err, DIRCA_E_USAGE,
		    "an object or --sddl, not both; `dirca sd check` "
		    "compares them");
		return cli_fail(cli, &err);
	}
	if (!descriptor_open(cli, &d, &err)) {
		status = cli_fail(cli, &err);
	} else {
		about = describe(&d);
		if (cli->opt.json)
			print_json(json_incref(about));
		else
			print_description(about);
	}
	json_decref(about);
	descriptor_close(&d);
	return status;
}

/* ---- sd check ---- */

struct asked {
	const char *name;
	struct sd_question question;
};

static const struct asked questions[] = {
    {"read", {.mask = SD_RIGHT_READ_PROP, .mapping = &SD_MAPPING_DS}},
    {"write", {.mask = SD_RIGHT_WRITE_PROP, .mapping = &SD_MAPPING_DS}},
    {"create children", {.mask = SD_RIGHT_CREATE_CHILD, .mapping = &SD_MAPPING_DS}},
    {"delete", {.mask = SD_RIGHT_DELETE, .mapping = &SD_MAPPING_DS}},
    {"change permissions", {.mask = SD_RIGHT_WRITE_DACL, .mapping = &SD_MAPPING_DS}},
    {"change owner", {.mask = SD_RIGHT_WRITE_OWNER, .mapping = &SD_MAPPING_DS}},
    {"enroll",
	{.mask = SD_RIGHT_CONTROL_ACCESS, .object = GUID_RIGHT_ENROLL, .mapping = &SD_MAPPING_DS}},
    {"autoenroll", {.mask = SD_RIGHT_CONTROL_ACCESS,
		       .object = GUID_RIGHT_AUTOENROLL,
		       .mapping = &SD_MAPPING_DS}},
};
#define QUESTION_COUNT (sizeof questions / sizeof questions[0])

static bool
add_grant(const struct descriptor *d, const struct asked *asked, json_t *list, struct err *err)
{
	struct sd_trustees found;
	json_t *who;

	if (!sd_effective_trustees(&d->sd, &asked->question, &found, err))
		return false;
	who = json_array();
	for (size_t k = 0; k < found.count; k++)
		json_array_append_new(who, descriptor_json_sid(d, &found.list[k].sid));
	sd_trustees_free(&found);
	json_array_append_new(list, json_pack("{s:s, s:o}", "right", asked->name, "trustees", who));
	return true;
}

/* [{"right", "trustees"}]; NULL on no memory. */
static json_t *
json_grants(const struct descriptor *d, struct err *err)
{
	bool of_ca = d->rights == SD_RIGHTS_CA, ok = true;
	json_t *list = json_array();

	for (size_t i = 0; ok && i < (of_ca ? ca_right_count : QUESTION_COUNT); i++) {
		const struct asked of_right = {
		    ca_rights[of_ca ? i : 0].name, {.mask = ca_rights[of_ca ? i : 0].mask}};

		ok = add_grant(d, of_ca ? &of_right : &questions[i], list, err);
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

/* [{"entry", "what", "text"}]; NULL on no memory. */
static json_t *
json_findings(const struct descriptor *d, struct err *err)
{
	json_t *list = json_array();
	struct sd_findings found;

	if (!sd_review(&d->sd, &found, err)) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < found.count; i++) {
		int at = found.list[i].ace;
		char *text = at >= 0 ? descriptor_ace_text(d, &d->sd.aces[at]) : NULL;

		json_array_append_new(list,
		    json_pack("{s:o, s:s, s:s?}", "entry", at >= 0 ? json_integer(at) : json_null(),
			"what", found.list[i].what, "text", text));
		free(text);
	}
	sd_findings_free(&found);
	return list;
}

static void
print_grants(const json_t *list)
{
	size_t i, k;
	json_t *one, *who;

	json_array_foreach(list, i, one)
	{
		const json_t *trustees = json_object_get(one, "trustees");

		printf("%s:%s", json_text(one, "right"),
		    json_array_size(trustees) == 0 ? " nobody" : "");
		json_array_foreach(trustees, k, who)
		{
			const char *name = json_string_value(json_object_get(who, "name"));

			printf("%s%s", k > 0 ? ", " : " ",
			    name != NULL ? name : json_text(who, "sid"));
		}
		putchar('\n');
	}
}

static void
print_findings(const json_t *list)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const json_t *entry = json_object_get(one, "entry");

		if (json_is_integer(entry))
			printf("entry %d, %s: %s\n", (int)json_integer_value(entry),
			    json_text(one, "text"), json_text(one, "what"));
		else
			puts(json_text(one, "what"));
	}
	printf("%zu finding%s.\n", i, i == 1 ? "" : "s");
}

static bool
review(const struct descriptor *d, bool json, size_t *count_out, struct err *err)
{
	json_t *grants = json_grants(d, err);
	json_t *findings = grants != NULL ? json_findings(d, err) : NULL;
	bool ok = findings != NULL;

	*count_out = json_array_size(findings);
	if (ok && json) {
		print_json(json_pack(
		    "{s:s, s:O, s:O}", "object", d->name, "grants", grants, "findings", findings));
	} else if (ok) {
		puts(d->name);
		print_grants(grants);
		print_findings(findings);
	}
	json_decref(grants);
	json_decref(findings);
	return ok;
}

static char *
difference_text(const struct descriptor *d, const struct sd_difference *one)
{
	char sid[SID_TEXT_MAX], *name, *text;

	if (one->ace != NULL)
		return descriptor_ace_text(d, one->ace);
	if (one->sid == NULL)
		return text_printf("%s", one->words);
	sid_to_text(one->sid, sid);
	name = descriptor_name_of(d, one->sid);
	text = name != NULL ? text_printf("%s (%s)", sid, name) : text_printf("%s", sid);
	free(name);
	return text;
}

/* '-': only the object has it, '+': only the SDDL. */
static void
report_difference(const struct descriptor *d, const struct sd_difference *one, json_t *list)
{
	char *text = difference_text(d, one);

	if (list == NULL)
		printf(
		    "%c %s: %s\n", one->wanted ? '+' : '-', one->what, text != NULL ? text : "?");
	else
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s?}", "only_in", one->wanted ? "sddl" : "object",
			      "part", one->what, "text", text));
	free(text);
}

static bool
compare(
    const struct descriptor *d, const struct cli_options *opt, size_t *count_out, struct err *err)
{
	struct sd_differences found = {0};
	struct sd wanted = {0};
	json_t *list = opt->json ? json_array() : NULL;
	bool ok = descriptor_from_sddl(d, opt->sddl, &wanted, err) &&
		  sd_compare(&d->sd, &wanted, &found, err);

	*count_out = found.count;
	for (size_t i = 0; i < found.count; i++)
		report_difference(d, &found.list[i], list);
	if (ok && list != NULL)
		print_json(json_pack("{s:s, s:O}", "object", d->name, "differences", list));
	else if (ok)
		printf("%zu difference%s.\n", found.count, found.count == 1 ? "" : "s");
	json_decref(list);
	sd_differences_free(&found);
	sd_free(&wanted);
	return ok;
}

enum cli_exit
cmd_sd_check(struct cli *cli)
{
	bool compares = cli->count > 0 && cli->opt.sddl != NULL;
	struct descriptor d = {0};
	enum cli_exit status;
	size_t count = 0;
	struct err err;

	if (!descriptor_open(cli, &d, &err) ||
	    !(compares ? compare(&d, &cli->opt, &count, &err)
		       : review(&d, cli->opt.json, &count, &err)))
		status = cli_fail(cli, &err);
	else
		status = count > 0 ? CLI_FINDINGS : CLI_OK;
	descriptor_close(&d);
	return status;
}
