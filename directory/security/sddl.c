#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sd_priv.h"
#include "sddl_priv.h"
#include "sid_alias.h"

struct writer {
	FILE *f; /* in memory: its error state is asked once, at the end */
	const struct sddl_domains *aliases;
};

static void
put_words(FILE *f, const struct sddl_words *words, uint32_t value)
{
	uint32_t named = 0;

	for (size_t i = 0; i < words->count; i++)
		named |= words->list[i].value;
	if ((value & ~named) != 0) {
		fprintf(f, "0x%" PRIx32, value);
		return;
	}
	for (size_t i = 0; i < words->count; i++)
		if ((value & words->list[i].value) != 0)
			fputs(words->list[i].name, f);
}

static void
put_sid(struct writer *w, const struct sid *sid)
{
	const char *alias = w->aliases != NULL ? sid_alias_of(sid, w->aliases) : NULL;
	char text[SID_TEXT_MAX];

	sid_to_text(sid, text);
	fputs(alias != NULL ? alias : text, w->f);
}

static void
put_guid(FILE *f, bool present, const uint8_t guid[GUID_LEN])
{
	char text[37];

	if (!present)
		return;
	guid_to_text(guid, text);
	fputs(text, f);
}

static void
put_data(struct writer *w, const struct ace *ace)
{
	if (ace->data.len == 0)
		return;
	fputs(";#", w->f);
	for (size_t i = 0; i < ace->data.len; i++)
		fprintf(w->f, "%02x", ace->data.ptr[i]);
}

static void
put_ace(struct writer *w, const struct ace *ace)
{
	const char *type = sddl_word_of(&SDDL_TYPES, ace->type);
	bool label = ace->type == ACE_MANDATORY_LABEL;

	fputc('(', w->f);
	if (type != NULL)
		fputs(type, w->f);
	else
		fprintf(w->f, "0x%x", (unsigned)ace->type);
	fputc(';', w->f);
	put_words(w->f, &SDDL_FLAGS, ace->flags);
	fputc(';', w->f);
	if (ace_is_known(ace->type))
		put_words(w->f, label ? &SDDL_LABEL_RIGHTS : &SDDL_RIGHTS, ace->mask);
	fputc(';', w->f);
	put_guid(w->f, ace->has_object, ace->object);
	fputc(';', w->f);
	put_guid(w->f, ace->has_inherited_object, ace->inherited_object);
	fputc(';', w->f);
	if (ace_is_known(ace->type))
		put_sid(w, &ace->sid);
	put_data(w, ace);
	fputc(')', w->f);
}

static void
put_acl(struct writer *w, bool present, const struct ace *aces, size_t count)
{
	if (!present)
		fputs(SDDL_NULL_ACL, w->f);
	for (size_t i = 0; i < count; i++)
		put_ace(w, &aces[i]);
}

static void
put_flag(struct writer *w, uint16_t control, unsigned bit, const char *name)
{
	if ((control & bit) != 0)
		fputs(name, w->f);
}

static void
put_sd(struct writer *w, const struct sd *sd)
{
	if (sd->has_owner) {
		fputs("O:", w->f);
		put_sid(w, &sd->owner);
	}
	if (sd->has_group) {
		fputs("G:", w->f);
		put_sid(w, &sd->group);
	}
	if (sd->has_dacl || (sd->control & SD_CONTROL_DACL_PRESENT) != 0) {
		fputs("D:", w->f);
		put_flag(w, sd->control, SD_CONTROL_DACL_PROTECTED, "P");
		put_flag(w, sd->control, SD_CONTROL_DACL_INHERIT_REQ, "AR");
		put_flag(w, sd->control, SD_CONTROL_DACL_INHERITED, "AI");
		put_acl(w, sd->has_dacl, sd->aces, sd->count);
	}
	if (sd->has_sacl || (sd->control & SD_CONTROL_SACL_PRESENT) != 0) {
		fputs("S:", w->f);
		put_flag(w, sd->control, SD_CONTROL_SACL_PROTECTED, "P");
		put_flag(w, sd->control, SD_CONTROL_SACL_INHERIT_REQ, "AR");
		put_flag(w, sd->control, SD_CONTROL_SACL_INHERITED, "AI");
		put_acl(w, sd->has_sacl, sd->sacl, sd->sacl_count);
	}
}

char *
sd_to_sddl_aliases(const struct sd *sd, const struct sddl_domains *domains)
{
	char *text = NULL;
	size_t len;
	struct writer w = {open_memstream(&text, &len), domains};
	bool failed;

	if (w.f == NULL)
		return NULL;
	put_sd(&w, sd);
	failed = ferror(w.f) != 0;
	if (fclose(w.f) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

char *
sd_to_sddl(const struct sd *sd)
{
	return sd_to_sddl_aliases(sd, NULL);
}
