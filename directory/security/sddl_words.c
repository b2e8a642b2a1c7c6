#include "mem.h"
#include "sd_priv.h"
#include "sddl_priv.h"

#define WORDS(list)                  \
	{                            \
		list, COUNT_OF(list) \
	}

/* [MS-DTYP] 2.5.1.1 prints the values of XU and ZA exchanged; 2.4.4.1 has them right. The letters
 * of alarms, trust labels and access filters are those of the Windows headers. */
static const struct sddl_word types[] = {
    {"A", ACE_ALLOW},
    {"D", ACE_DENY},
    {"AU", ACE_AUDIT},
    {"AL", ACE_ALARM},
    {"OA", ACE_ALLOW_OBJECT},
    {"OD", ACE_DENY_OBJECT},
    {"OU", ACE_AUDIT_OBJECT},
    {"OL", ACE_ALARM_OBJECT},
    {"XA", ACE_ALLOW_CALLBACK},
    {"XD", ACE_DENY_CALLBACK},
    {"ZA", ACE_ALLOW_CALLBACK_OBJECT},
    {"XU", ACE_AUDIT_CALLBACK},
    {"ML", ACE_MANDATORY_LABEL},
    {"RA", ACE_RESOURCE_ATTRIBUTE},
    {"SP", ACE_SCOPED_POLICY},
    {"TL", ACE_TRUST_LABEL},
    {"FL", ACE_ACCESS_FILTER},
};
const struct sddl_words SDDL_TYPES = WORDS(types);

static const struct sddl_word flags[] = {{"OI", 0x01}, {"CI", 0x02}, {"NP", 0x04}, {"IO", 0x08},
    {"ID", 0x10}, {"SA", 0x40}, {"FA", 0x80}};
const struct sddl_words SDDL_FLAGS = WORDS(flags);

static const struct sddl_word rights[] = {{"CC", 0x00000001}, {"DC", 0x00000002},
    {"LC", 0x00000004}, {"SW", 0x00000008}, {"RP", 0x00000010}, {"WP", 0x00000020},
    {"DT", 0x00000040}, {"LO", 0x00000080}, {"CR", 0x00000100}, {"SD", 0x00010000},
    {"RC", 0x00020000}, {"WD", 0x00040000}, {"WO", 0x00080000}, {"GA", 0x10000000},
    {"GX", 0x20000000}, {"GW", 0x40000000}, {"GR", 0x80000000}};
const struct sddl_words SDDL_RIGHTS = WORDS(rights);

static const struct sddl_word label_rights[] = {{"NR", 0x2}, {"NW", 0x1}, {"NX", 0x4}};
const struct sddl_words SDDL_LABEL_RIGHTS = WORDS(label_rights);

static const struct sddl_word right_groups[] = {{"FA", 0x001f01ff}, {"FR", 0x00120089},
    {"FW", 0x00120116}, {"FX", 0x001200a0}, {"KA", 0x000f003f}, {"KR", 0x00020019},
    {"KW", 0x00020006}, {"KX", 0x00020019}};
const struct sddl_words SDDL_RIGHT_GROUPS = WORDS(right_groups);

const char *
sddl_word_of(const struct sddl_words *words, uint32_t value)
{
	for (size_t i = 0; i < words->count; i++)
		if (words->list[i].value == value)
			return words->list[i].name;
	return NULL;
}
