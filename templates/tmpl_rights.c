#include "tmpl_rights.h"

#include <inttypes.h>
#include <string.h>

#include "sd_edit.h"
#include "text.h"

/* [MS-DTYP] 2.4.3 and [MS-ADTS] 5.1.3.2: what generic bits stand for in directory objects. */
#define MASK_READ  0x00020094u
#define MASK_WRITE 0x00020028u
#define MASK_FULL  0x000f00ffu
#define MASK_ALL   0x000f01ffu
/* Whoever may rewrite rights or owner may give himself the rest: revoking "write" takes that too.
 */
#define TAKE_WRITE 0x000c0028u

static const struct right {
	const char *word;
	unsigned bit;
	uint32_t mask; /* granted */
	uint32_t take; /* revoked */
	const uint8_t *object;
} rights_table[] = {
    {"full", TMPL_FULL, MASK_FULL, MASK_ALL, NULL},
    {"read", TMPL_READ, MASK_READ, MASK_READ, NULL},
    {"write", TMPL_WRITE, MASK_WRITE, TAKE_WRITE, NULL},
    {"enroll", TMPL_ENROLL, SD_RIGHT_CONTROL_ACCESS, SD_RIGHT_CONTROL_ACCESS, GUID_RIGHT_ENROLL},
    {"autoenroll", TMPL_AUTOENROLL, SD_RIGHT_CONTROL_ACCESS, SD_RIGHT_CONTROL_ACCESS,
	GUID_RIGHT_AUTOENROLL},
};
#define RIGHTS (sizeof rights_table / sizeof rights_table[0])

bool
tmpl_right_parse(const char *word, unsigned *right_out, struct err *err)
{
	for (size_t i = 0; i < RIGHTS; i++)
		if (text_eq_nocase(rights_table[i].word, word)) {
			*right_out = rights_table[i].bit;
			return true;
		}
	return err_set(err, E_INVALIDARG,
	    "\"%s\" is no right on a template: read, write, enroll, autoenroll or full", word);
}

static uint32_t
mapped(uint32_t mask)
{
	return sd_map_generic(&SD_MAPPING_DS, mask);
}

static bool
is_allow(const struct ace *ace)
{
	return ace->type == ACE_ALLOW || ace->type == ACE_ALLOW_OBJECT;
}

static bool
is_deny(const struct ace *ace)
{
	return ace->type == ACE_DENY || ace->type == ACE_DENY_OBJECT;
}

const char *
tmpl_ace_kind(const struct ace *ace)
{
	if (is_allow(ace))
		return "allow";
	return is_deny(ace) ? "deny" : NULL;
}

static bool
is_for(const struct ace *ace, const uint8_t *object)
{
	return ace->has_object && memcmp(ace->object, object, GUID_LEN) == 0;
}

/* ---- granting ---- */

static bool
has_already(const struct sd *sd, const struct sid *who, uint32_t mask, bool deny)
{
	size_t counts = deny ? sd_denials_end(sd) : sd->count;

	for (size_t i = 0; i < counts; i++) {
		const struct ace *a = &sd->aces[i];

		if (!a->has_object && (a->flags & ACE_FLAG_INHERIT_ONLY) == 0 &&
		    (deny ? is_deny(a) : is_allow(a)) && sid_eq(&a->sid, who) &&
		    (mapped(a->mask) & mask) == mask)
			return true;
	}
	return false;
}

static bool
grant_one(struct sd *sd, const struct sid *who, const struct right *r, bool deny, bool *changed_out,
    struct err *err)
{
	struct ace ace = {.mask = r->mask, .sid = *who, .has_object = r->object != NULL};
	bool added;

	if (r->object == NULL) {
		ace.type = deny ? ACE_DENY : ACE_ALLOW;
		if (has_already(sd, who, r->mask, deny))
			return true;
	} else {
		ace.type = deny ? ACE_DENY_OBJECT : ACE_ALLOW_OBJECT;
		memcpy(ace.object, r->object, GUID_LEN);
	}
	if (!sd_add_ace(sd, &ace, &added, err))
		return false;
	*changed_out = *changed_out || added;
	return true;
}

bool
tmpl_grant(struct sd *sd, const struct sid *who, unsigned rights, bool deny, bool *changed_out,
    struct err *err)
{
	*changed_out = false;
	if (!deny && (rights & (TMPL_ENROLL | TMPL_AUTOENROLL)) != 0)
		rights |= TMPL_READ;
	for (size_t i = 0; i < RIGHTS; i++)
		if ((rights & rights_table[i].bit) != 0 &&
		    !grant_one(sd, who, &rights_table[i], deny, changed_out, err))
			return false;
	return true;
}

/* ---- revoking ---- */

struct revocation {
	const struct sid *who;
	unsigned rights;
	bool deny;
};

/* The ACE is explicit, of this trustee and of this kind. */
static bool
concerns(const struct ace *a, const struct revocation *v)
{
	return (a->flags & ACE_FLAG_INHERITED) == 0 && (v->deny ? is_deny(a) : is_allow(a)) &&
	       sid_eq(&a->sid, v->who);
}

/* What is left of its mask. */
static uint32_t
rest_of(const struct ace *a, unsigned rights)
{
	uint32_t left = mapped(a->mask);

	if ((rights & TMPL_FULL) != 0)
		return 0;
	for (size_t i = 0; i < RIGHTS; i++) {
		const struct right *r = &rights_table[i];

		if ((rights & r->bit) == 0)
			continue;
		if (r->object == NULL || !a->has_object)
			left &= ~r->take;
		else if (is_for(a, r->object))
			return 0; /* other bits mean nothing beside this GUID */
	}
	return left;
}

static bool
is_spent(const struct ace *a, const void *arg)
{
	const struct revocation *v = arg;

	return concerns(a, v) && rest_of(a, v->rights) == 0;
}

void
tmpl_revoke(struct sd *sd, const struct sid *who, unsigned rights, bool deny, bool *changed_out)
{
	const struct revocation v = {who, rights, deny};

	*changed_out = sd_remove_aces(sd, is_spent, &v) > 0;
	for (size_t i = 0; i < sd->count; i++) {
		struct ace *a = &sd->aces[i];
		uint32_t left;

		if (!concerns(a, &v) || (left = rest_of(a, rights)) == mapped(a->mask))
			continue;
		a->mask = left;
		*changed_out = true;
	}
}

/* ---- looking ---- */

/* A denial of writing that strikes the trustee, as far as the descriptor tells. */
static bool
is_denied_writing(const struct sd *sd, const struct sid *who)
{
	for (size_t i = 0; i < sd->count; i++) {
		const struct ace *a = &sd->aces[i];

		if (is_deny(a) && !a->has_object && (a->flags & ACE_FLAG_INHERIT_ONLY) == 0 &&
		    (mapped(a->mask) & SD_RIGHT_WRITE_PROP) != 0 &&
		    (sid_eq(&a->sid, who) || sid_eq(&a->sid, &SID_EVERYONE) ||
			sid_eq(&a->sid, &SID_AUTHENTICATED_USERS)))
			return true;
	}
	return false;
}

bool
tmpl_has_writer(const struct sd *sd)
{
	if (!sd->has_dacl)
		return true;
	for (size_t i = 0; i < sd->count; i++) {
		const struct ace *a = &sd->aces[i];

		if (is_allow(a) && !a->has_object && (a->flags & ACE_FLAG_INHERIT_ONLY) == 0 &&
		    (mapped(a->mask) & SD_RIGHT_WRITE_PROP) != 0 && !is_denied_writing(sd, &a->sid))
			return true;
	}
	return false;
}

bool
tmpl_enrollers(const struct sd *sd, struct sids *out, struct err *err)
{
	for (size_t i = 0; i < sd->count; i++) {
		struct sid who = sd->aces[i].sid;
		struct sids alone = {&who, 1};

		if (who.count > 0 &&
		    sd_check_extended_right(sd, &alone, GUID_RIGHT_ENROLL).allowed &&
		    !sids_add(out, &who, err))
			return false;
	}
	return true;
}

static void
put_word(FILE *to, bool *any, const char *word)
{
	fprintf(to, "%s%s", *any ? "," : "", word);
	*any = true;
}

void
tmpl_ace_words(const struct ace *ace, FILE *to)
{
	uint32_t left = mapped(ace->mask);
	bool any = false;

	if (ace->has_object) {
		for (size_t i = 0; i < RIGHTS; i++)
			if (rights_table[i].object != NULL && is_for(ace, rights_table[i].object) &&
			    (left & SD_RIGHT_CONTROL_ACCESS) != 0) {
				put_word(to, &any, rights_table[i].word);
				left = 0;
			}
	} else {
		for (size_t i = 0; i < RIGHTS; i++)
			if (rights_table[i].object == NULL &&
			    (left & rights_table[i].mask) == rights_table[i].mask) {
				put_word(to, &any, rights_table[i].word);
				left &= ~rights_table[i].mask;
			}
		if ((left & SD_RIGHT_CONTROL_ACCESS) != 0) {
			put_word(to, &any, "enroll,autoenroll");
			left &= ~SD_RIGHT_CONTROL_ACCESS;
		}
	}
	if (left != 0 || !any)
		fprintf(to, "%s0x%" PRIx32, any ? "," : "", left);
}
