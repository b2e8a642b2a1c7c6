/* dirca sd show, dirca sd check: a security descriptor in words, and what is to be said of it. */
#include <inttypes.h>
#include <stdlib.h>

#include "ca_rights.h"
#include "descriptor.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "sd_effective.h"
#include "sd_review.h"
#include "text.h"
#include "verbs.h"

/* ---- sd show ---- */

static json_t *
json_ace(const struct descriptor *d, size_t at, const struct ace *ace)
{
	OWNED(own_memory) char *text = descriptor_ace_text(d, ace);
	char mask[16];

	snprintf(mask, sizeof mask, "0x%08" PRIx32, ace->mask);
	return json_pack("{s:i, s:s?, s:o, s:s, s:i, s:b, s:b}", "entry", (int)at, "text", text,
	    "trustee", ace->sid.count > 0 ? descriptor_json_sid(d, &ace->sid) : json_null(), "mask",
	    mask, "type", (int)ace->type, "inherited",
	    (int)((ace->flags & ACE_FLAG_INHERITED) != 0), "inherit_only",
	    (int)((ace->flags & ACE_FLAG_INHERIT_ONLY) != 0));
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
json_descriptor(const struct descriptor *d)
{
	const struct sd *sd = &d->sd;
	OWNED(own_memory) char *sddl = sd_to_sddl(sd);

	return json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:s?}", "object", d->name, "owner",
	    sd->has_owner ? descriptor_json_sid(d, &sd->owner) : json_null(), "group",
	    sd->has_group ? descriptor_json_sid(d, &sd->group) : json_null(), "protected",
	    (int)sd_is_protected(sd), "dacl", json_acl(d, sd->has_dacl, sd->aces, sd->count),
	    "sacl", json_acl(d, sd->has_sacl, sd->sacl, sd->sacl_count), "sddl", sddl);
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

bool
cmd_sd_show(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(descriptor_close) struct descriptor d = {0};
	OWNED(own_json) json_t *about = NULL;

	if (cli->count > 0 && cli->opt.sddl != NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "an object or --sddl, not both; `dirca sd check` "
		    "compares them");
	if (!descriptor_open(w, &d, err))
		return false;
	about = json_descriptor(&d);
	if (cli->opt.json)
		print_json(own_give(&about));
	else
		print_description(about);
	return true;
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

static bool
add_grant(const struct descriptor *d, const struct asked *asked, json_t *list, struct err *err)
{
	OWNED(sd_trustees_free) struct sd_trustees found = {0};
	json_t *who;

	if (!sd_effective_trustees(&d->sd, &asked->question, &found, err))
		return false;
	who = json_array();
	for (size_t k = 0; k < found.count; k++)
		json_array_append_new(who, descriptor_json_sid(d, &found.list[k].sid));
	json_array_append_new(list, json_pack("{s:s, s:o}", "right", asked->name, "trustees", who));
	return true;
}

/* [{"right", "trustees"}] */
static bool
json_grants(const struct descriptor *d, json_t *list, struct err *err)
{
	bool of_ca = d->rights == SD_RIGHTS_CA;

	for (size_t i = 0; i < (of_ca ? ca_right_count : COUNT_OF(questions)); i++) {
		const struct asked of_right = {
		    ca_rights[of_ca ? i : 0].name, {.mask = ca_rights[of_ca ? i : 0].mask}};

		if (!add_grant(d, of_ca ? &of_right : &questions[i], list, err))
			return false;
	}
	return true;
}

/* [{"entry", "what", "text"}] */
static void
json_findings(const struct descriptor *d, json_t *list)
{
	OWNED(sd_findings_free) struct sd_findings found = {0};

	sd_review(&d->sd, &found);
	for (size_t i = 0; i < found.count; i++) {
		int at = found.list[i].ace;
		OWNED(own_memory)
		char *text = at >= 0 ? descriptor_ace_text(d, &d->sd.aces[at]) : NULL;

		json_array_append_new(list,
		    json_pack("{s:o, s:s, s:s?}", "entry", at >= 0 ? json_integer(at) : json_null(),
			"what", found.list[i].what, "text", text));
	}
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
review_rights(const struct descriptor *d, bool json, size_t *count_out, struct err *err)
{
	OWNED(own_json) json_t *grants = json_array(), *findings = json_array();

	if (!json_grants(d, grants, err))
		return false;
	json_findings(d, findings);
	*count_out = json_array_size(findings);
	if (json) {
		print_json(json_pack(
		    "{s:s, s:O, s:O}", "object", d->name, "grants", grants, "findings", findings));
	} else {
		puts(d->name);
		print_grants(grants);
		print_findings(findings);
	}
	return true;
}

static char *
difference_text(const struct descriptor *d, const struct sd_difference *one)
{
	char sid[SID_TEXT_MAX];

	if (one->ace != NULL)
		return descriptor_ace_text(d, one->ace);
	if (one->sid == NULL)
		return mem_text(one->words);
	sid_to_text(one->sid, sid);
	OWNED(own_memory) char *name = descriptor_name_of(d, one->sid);
	return name != NULL ? text_printf("%s (%s)", sid, name) : mem_text(sid);
}

/* '-': only the object has it, '+': only the SDDL. */
static void
report_difference(const struct descriptor *d, const struct sd_difference *one, json_t *list)
{
	OWNED(own_memory) char *text = difference_text(d, one);

	if (list == NULL)
		printf("%c %s: %s\n", one->wanted ? '+' : '-', one->what, text);
	else
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s?}", "only_in", one->wanted ? "sddl" : "object",
			      "part", one->what, "text", text));
}

static bool
compare_rights(
    const struct descriptor *d, const struct cli_options *opt, size_t *count_out, struct err *err)
{
	OWNED(sd_differences_free) struct sd_differences found = {0};
	OWNED(sd_free) struct sd wanted = {0};
	OWNED(own_json) json_t *list = opt->json ? json_array() : NULL;

	if (!descriptor_from_sddl(d, opt->sddl, &wanted, err))
		return false;
	sd_compare(&d->sd, &wanted, &found);
	*count_out = found.count;
	for (size_t i = 0; i < found.count; i++)
		report_difference(d, &found.list[i], list);
	if (list != NULL)
		print_json(json_pack("{s:s, s:O}", "object", d->name, "differences", list));
	else
		printf("%zu difference%s.\n", found.count, found.count == 1 ? "" : "s");
	return true;
}

bool
cmd_sd_check(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(descriptor_close) struct descriptor d = {0};
	size_t count = 0;

	if (!descriptor_open(w, &d, err) ||
	    !(cli->count > 0 && cli->opt.sddl != NULL
		    ? compare_rights(&d, &cli->opt, &count, err)
		    : review_rights(&d, cli->opt.json, &count, err)))
		return false;
	if (count > 0)
		w->status = CLI_FINDINGS;
	return true;
}
