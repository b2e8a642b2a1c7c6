#include "sd_effective.h"

#include <stdlib.h>
#include <string.h>

#include "sd_priv.h"
#include "mem.h"

const struct sd_question SD_ASKS_WRITE_DACL = {
    .mask = SD_RIGHT_WRITE_DACL, .mapping = &SD_MAPPING_DS};
const struct sd_question SD_ASKS_WRITE_OWNER = {
    .mask = SD_RIGHT_WRITE_OWNER, .mapping = &SD_MAPPING_DS};
const struct sd_question SD_ASKS_ENROLL = {
    .mask = SD_RIGHT_CONTROL_ACCESS, .object = GUID_RIGHT_ENROLL, .mapping = &SD_MAPPING_DS};
const struct sd_question SD_ASKS_AUTOENROLL = {
    .mask = SD_RIGHT_CONTROL_ACCESS, .object = GUID_RIGHT_AUTOENROLL, .mapping = &SD_MAPPING_DS};

static struct sd_verdict
ask(const struct sd *sd, const struct sid *sid, bool as_everyone, const struct sd_question *q)
{
	struct sid list[] = {*sid, SID_EVERYONE};
	const struct sids sids = {list, as_everyone ? 2 : 1};
	const struct sd_node tree[] = {
	    {NULL, 0}, {q->property_set != NULL ? q->property_set : q->object, 1}, {q->object, 2}};
	const struct sd_request request = {.mask = q->mask,
	    .tree = q->object != NULL ? tree : NULL,
	    .tree_count = q->property_set != NULL ? 3 : 2,
	    .mapping = q->mapping};

	return sd_check(sd, &sids, &request);
}

static bool
is_listed(const struct sd_trustees *t, const struct sid *sid)
{
	for (size_t i = 0; i < t->count; i++)
		if (sid_eq(&t->list[i].sid, sid))
			return true;
	return false;
}

bool
sd_trustee_holds(
    const struct sd *sd, const struct sid *sid, const struct sd_question *question, int *ace_out)
{
	struct sd_verdict own = ask(sd, sid, false, question);

	*ace_out = own.ace;
	return own.allowed && ask(sd, sid, true, question).allowed;
}

static void
add_if_holds(const struct sd *sd, const struct sid *sid, const struct sd_question *q,
    struct sd_trustees *out)
{
	int ace;

	if (!is_listed(out, sid) && sd_trustee_holds(sd, sid, q, &ace))
		out->list[out->count++] = (struct sd_trustee){*sid, ace};
}

bool
sd_effective_trustees(const struct sd *sd, const struct sd_question *question,
    struct sd_trustees *out, struct err *err)
{
	(void)err;
	*out = (struct sd_trustees){.list = mem_zero(sd->count + 1, sizeof *out->list)};
	if (!sd->has_dacl) {
		out->list[out->count++] = (struct sd_trustee){SID_EVERYONE, SD_NULL_DACL};
		return true;
	}
	for (size_t i = 0; i < sd->count; i++)
		if (ace_is_allow(sd->aces[i].type))
			add_if_holds(sd, &sd->aces[i].sid, question, out);
	if (sd->has_owner)
		add_if_holds(sd, &sd->owner, question, out);
	return true;
}

bool
sd_effective_writers(const struct sd *sd, const uint8_t attribute[GUID_LEN],
    const uint8_t *property_set, struct sd_trustees *out, struct err *err)
{
	const struct sd_question question = {.mask = SD_RIGHT_WRITE_PROP,
	    .object = attribute,
	    .property_set = property_set,
	    .mapping = &SD_MAPPING_DS};

	return sd_effective_trustees(sd, &question, out, err);
}

void
sd_trustees_free(struct sd_trustees *t)
{
	free(t->list);
	*t = (struct sd_trustees){0};
}
