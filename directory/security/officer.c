#include "officer.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "own.h"
#include "mem.h"

#define OFFICER_MASK  0x00010000u /* [MS-CSRA] 2.2.1.11 */
#define ACE_ALIGNMENT 4
#define SELF_RELATIVE 0x8000u
#define DACL_PRESENT  0x0004u

static const struct sid administrators = {.count = 2, .authority = 5, .subs = {32, 544}};

/* UTF-16LE up to its NUL, then at most the zeros that align the ACE. No bytes at all: every
 * template. */
static bool
decode_template(struct view data, char **out, struct err *err)
{
	size_t len = 0;

	*out = NULL;
	if (data.len == 0)
		return true;
	while (len + 1 < data.len && (data.ptr[len] != 0 || data.ptr[len + 1] != 0))
		len += 2;
	if (len + 1 >= data.len)
		return err_set(err, ERROR_INVALID_DATA, "the template name is not terminated");
	if (len == 0)
		return err_set(err, ERROR_INVALID_DATA, "the template name is empty");
	if (data.len - len - 2 >= ACE_ALIGNMENT)
		return err_set(err, ERROR_INVALID_DATA, "bytes follow the template name");
	for (size_t i = len; i < data.len; i++)
		if (data.ptr[i] != 0)
			return err_set(err, ERROR_INVALID_DATA, "bytes follow the template name");
	return utf16le_decode(view_of(data.ptr, len), out, err);
}

static bool
decode_rule(const struct ace *ace, struct officer_rule *rule, struct err *err)
{
	struct view data = ace->data;
	struct sid requester;
	uint32_t count;

	if (ace->type != ACE_ALLOW_CALLBACK && ace->type != ACE_DENY_CALLBACK)
		return err_set(err, ERROR_INVALID_DATA, "its type %u is not a callback type",
		    (unsigned)ace->type);
	if (ace->mask != OFFICER_MASK || (ace->flags & ACE_FLAG_INHERIT_ONLY) != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "its mask 0x%08x or flags 0x%02x are unknown", (unsigned)ace->mask,
		    (unsigned)ace->flags);
	rule->deny = ace->type == ACE_DENY_CALLBACK;
	rule->officer = ace->sid;
	if (!bytes_get_u32le(&data, &count) || count == 0)
		return err_set(err, ERROR_INVALID_DATA, "it names no requesters");
	for (uint32_t i = 0; i < count; i++) {
		if (!sid_get(&data, &requester))
			return err_set(err, ERROR_INVALID_DATA, "requester %u of %u is malformed",
			    (unsigned)i, (unsigned)count);
		sids_put(&rule->requesters, &requester);
	}
	return decode_template(data, &rule->template_cn, err);
}

bool
officer_rules_decode(const struct sd *sd, struct officer_rules *out, struct err *err)
{
	*out = (struct officer_rules){0};
	if (!sd->has_dacl) {
		out->unrestricted = (sd->control & DACL_PRESENT) != 0;
		return out->unrestricted || err_set(err, ERROR_INVALID_DATA,
						"officer rights: the descriptor has no DACL");
	}
	out->list = mem_zero(sd->count, sizeof *out->list);
	for (out->count = 0; out->count < sd->count;) {
		size_t i = out->count++;

		if (!decode_rule(&sd->aces[i], &out->list[i], err)) {
			officer_rules_free(out);
			return err_prefix(err, "officer rights: ACE %zu", i);
		}
	}
	return true;
}

static bool
encode_data(const struct officer_rule *rule, struct buf *out, struct err *err)
{
	static const uint8_t zeros[2 + ACE_ALIGNMENT];
	OWNED(buf_free) struct buf name = {0};
	size_t used;

	if (rule->requesters.count == 0 || rule->requesters.count > UINT16_MAX)
		return err_set(err, E_INVALIDARG,
		    "officer rights: a rule names between 1 and 65535 requesters");
	if (!bytes_put_u32le(out, (uint32_t)rule->requesters.count, err))
		return false;
	for (size_t i = 0; i < rule->requesters.count; i++)
		if (!sid_encode(&rule->requesters.list[i], out, err))
			return false;
	if (rule->template_cn == NULL)
		return true;
	if (*rule->template_cn == '\0')
		return err_set(err, E_INVALIDARG, "officer rights: an empty template name");
	if (!utf16le_encode(rule->template_cn, &name, err) ||
	    !buf_append(out, buf_view(&name), err) || !buf_append(out, view_of(zeros, 2), err))
		return false;
	used = out->len % ACE_ALIGNMENT;
	return used == 0 || buf_append(out, view_of(zeros, ACE_ALIGNMENT - used), err);
}

/* The data of each rule's ACE, which the ACE borrows. */
struct ace_datas {
	struct buf *list;
	size_t count;
};

static void
ace_datas_free(struct ace_datas *datas)
{
	for (size_t i = 0; i < datas->count; i++)
		buf_free(&datas->list[i]);
	free(datas->list);
}

bool
officer_rules_encode(const struct officer_rules *rules, struct buf *out, struct err *err)
{
	OWNED(ace_datas_free)
	struct ace_datas datas = {mem_zero(rules->count, sizeof *datas.list), rules->count};
	OWNED(own_memory) struct ace *aces = mem_zero(rules->count, sizeof *aces);
	const struct sd sd = {.control = SELF_RELATIVE | DACL_PRESENT,
	    .has_owner = true,
	    .has_group = true,
	    .has_dacl = !rules->unrestricted,
	    .owner = administrators,
	    .group = administrators,
	    .aces = aces,
	    .count = rules->count};

	*out = (struct buf){0};
	for (size_t i = 0; i < rules->count; i++) {
		const struct officer_rule *rule = &rules->list[i];

		if (!encode_data(rule, &datas.list[i], err))
			return false;
		aces[i] = (struct ace){.type = rule->deny ? ACE_DENY_CALLBACK : ACE_ALLOW_CALLBACK,
		    .mask = OFFICER_MASK,
		    .sid = rule->officer,
		    .data = buf_view(&datas.list[i])};
	}
	return sd_encode(&sd, out, err);
}

void
officer_rules_free(struct officer_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		sids_free(&rules->list[i].requesters);
		free(rules->list[i].template_cn);
	}
	free(rules->list);
	*rules = (struct officer_rules){0};
}

/* Does the rule speak of this requester? An unknown one counts as whatever makes the answer "no".
 */
static bool
covers_requester(const struct officer_rule *rule, const struct sids *requester)
{
	if (sids_contain(&rule->requesters, &SID_EVERYONE))
		return true;
	if (requester == NULL)
		return rule->deny;
	for (size_t i = 0; i < rule->requesters.count; i++)
		if (sids_contain(requester, &rule->requesters.list[i]))
			return true;
	return false;
}

static bool
covers_template(const struct officer_rule *rule, const char *template_cn)
{
	if (rule->template_cn == NULL)
		return true;
	if (template_cn == NULL)
		return rule->deny;
	return text_eq_nocase(rule->template_cn, template_cn);
}

static int
find_rule(const struct officer_rules *rules, bool deny, const struct sids *officer,
    const struct sids *requester, const char *template_cn)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct officer_rule *rule = &rules->list[i];

		if (rule->deny == deny && sids_contain(officer, &rule->officer) &&
		    covers_requester(rule, requester) && covers_template(rule, template_cn))
			return (int)i;
	}
	return -1;
}

bool
officer_may(const struct officer_rules *rules, const struct sids *officer,
    const struct sids *requester, const char *template_cn, int *rule_out)
{
	int denied, allowed;

	denied = find_rule(rules, true, officer, requester, template_cn);
	allowed = find_rule(rules, false, officer, requester, template_cn);
	if (rule_out != NULL)
		*rule_out = denied >= 0 ? denied : allowed;
	return rules->unrestricted || (denied < 0 && allowed >= 0);
}
