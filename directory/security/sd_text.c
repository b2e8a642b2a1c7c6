#include "sd_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_rights.h"
#include "sd_priv.h"
#include "sid_alias.h"
#include "mem.h"

struct right {
	uint32_t mask;
	const char *name;
};

/* Combinations first: a name is used if all its bits are there. */
static const struct right ds_rights[] = {
    {0x000f01ff, "Full Control"},
    {0x000f00ff, "Full Control without extended rights"},
    {SD_GENERIC_ALL, "generic all"},
    {SD_GENERIC_READ, "generic read"},
    {SD_GENERIC_WRITE, "generic write"},
    {SD_GENERIC_EXECUTE, "generic execute"},
    {0x00020094, "Read"},
    {SD_RIGHT_CREATE_CHILD, "create children"},
    {SD_RIGHT_DELETE_CHILD, "delete children"},
    {SD_RIGHT_LIST, "list children"},
    {SD_RIGHT_SELF, "validated write"},
    {SD_RIGHT_READ_PROP, "read property"},
    {SD_RIGHT_WRITE_PROP, "write property"},
    {SD_RIGHT_DELETE_TREE, "delete tree"},
    {SD_RIGHT_LIST_OBJECT, "list object"},
    {SD_RIGHT_CONTROL_ACCESS, "extended right"},
    {SD_RIGHT_DELETE, "delete"},
    {SD_RIGHT_READ_CONTROL, "read permissions"},
    {SD_RIGHT_WRITE_DACL, "change permissions"},
    {SD_RIGHT_WRITE_OWNER, "change owner"},
};

/* *separator is written before every name but the first. */
static void
put_name(FILE *f, const char **separator, const char *name)
{
	fprintf(f, "%s%s", *separator, name);
	*separator = ", ";
}

/* The name if all its bits are there, which are taken out of *mask. */
static void
put_bits(FILE *f, const char **separator, uint32_t *mask, uint32_t bits, const char *name)
{
	if ((*mask & bits) != bits)
		return;
	put_name(f, separator, name);
	*mask &= ~bits;
}

static void
put_mask(FILE *f, const char **separator, uint32_t mask, enum sd_rights rights)
{
	char rest[16];

	for (size_t i = 0; rights == SD_RIGHTS_CA && i < ca_right_count; i++)
		put_bits(f, separator, &mask, ca_rights[i].mask, ca_rights[i].name);
	for (size_t i = 0; rights == SD_RIGHTS_DS && i < COUNT_OF(ds_rights); i++)
		put_bits(f, separator, &mask, ds_rights[i].mask, ds_rights[i].name);
	if (mask == 0)
		return;
	snprintf(rest, sizeof rest, "0x%" PRIx32, mask);
	put_name(f, separator, rest);
}

static void
put_object_rights(FILE *f, const char **separator, const struct ace *ace, enum sd_rights rights)
{
	uint32_t mask = ace->mask;
	char guid[37];

	if (ace->has_object && (mask & SD_RIGHT_CONTROL_ACCESS) != 0) {
		const char *known = memcmp(ace->object, GUID_RIGHT_ENROLL, GUID_LEN) == 0 ? "Enroll"
				    : memcmp(ace->object, GUID_RIGHT_AUTOENROLL, GUID_LEN) == 0
					? "AutoEnroll"
					: NULL;

		if (known != NULL) {
			/* Property rights next to it name the same GUID and mean nothing. */
			put_name(f, separator, known);
			mask &=
			    ~(SD_RIGHT_CONTROL_ACCESS | SD_RIGHT_READ_PROP | SD_RIGHT_WRITE_PROP);
			put_mask(f, separator, mask, rights);
			return;
		}
	} else if (!ace->has_object && rights == SD_RIGHTS_DS &&
		   (mask & 0x000f01ff) != 0x000f01ff && (mask & SD_RIGHT_CONTROL_ACCESS) != 0) {
		put_name(f, separator, "all extended rights");
		mask &= ~SD_RIGHT_CONTROL_ACCESS;
	}
	put_mask(f, separator, mask, rights);
	if (ace->has_object) {
		guid_to_text(ace->object, guid);
		fprintf(f, " (%s)", guid);
	}
}

static const char *
verb_of(const struct ace *ace)
{
	if (ace_is_allow(ace->type))
		return "allow";
	return ace_is_deny(ace->type) ? "deny" : "no access rule, type";
}

static void
put_trustee(FILE *f, const struct sid *sid, const char *name)
{
	char text[SID_TEXT_MAX];

	if (name == NULL)
		name = sid_well_known_name(sid);
	sid_to_text(sid, text);
	fprintf(f, " to %s", text);
	if (name != NULL)
		fprintf(f, " (%s)", name);
}

static void
put_text(FILE *f, const struct ace *ace, enum sd_rights rights, const char *trustee)
{
	const char *separator = "";

	if (!ace_is_known(ace->type)) {
		fprintf(f, "an ACE of the unknown type %u, which could deny", (unsigned)ace->type);
		return;
	}
	fprintf(f, "%s ", verb_of(ace));
	if (!ace_is_allow(ace->type) && !ace_is_deny(ace->type))
		fprintf(f, "%u: ", (unsigned)ace->type);
	put_object_rights(f, &separator, ace, rights);
	if (*separator == '\0')
		fputs("nothing", f);
	put_trustee(f, &ace->sid, trustee);
	if (ace_is_callback(ace->type))
		fputs(", under a condition", f);
	if ((ace->flags & ACE_FLAG_INHERIT_ONLY) != 0)
		fputs(", for objects below only", f);
	if ((ace->flags & ACE_FLAG_INHERITED) != 0)
		fputs(", inherited", f);
}

bool
sd_ace_text_of(const struct ace *ace, enum sd_rights rights, const char *trustee, char **out)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	*out = NULL;
	if (f == NULL)
		return false;
	put_text(f, ace, rights, trustee);
	failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(text);
		return false;
	}
	*out = text;
	return true;
}

bool
sd_ace_text(const struct ace *ace, enum sd_rights rights, char **out)
{
	return sd_ace_text_of(ace, rights, NULL, out);
}
