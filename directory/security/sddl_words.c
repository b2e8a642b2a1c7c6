#include <string.h>

#include "sd_priv.h"
#include "sddl_priv.h"

#define WORDS(list)                                  \
	{                                            \
		list, sizeof(list) / sizeof(list)[0] \
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

const char SDDL_CONDITION_SIGNATURE[4] = {'a', 'r', 't', 'x'};

static const struct sddl_word attributes[] = {
    {"@User.", TOKEN_USER}, {"@Resource.", TOKEN_RESOURCE}, {"@Device.", TOKEN_DEVICE}};
const struct sddl_words SDDL_ATTRIBUTES = WORDS(attributes);

/* A word stands before those that begin with it only if a letter may not follow it ("<=" before
 * "<"). */
static const struct sddl_word relations[] = {{"==", 0x80}, {"!=", 0x81}, {"<=", 0x83}, {"<", 0x82},
    {">=", 0x85}, {">", 0x84}, {"Contains", 0x86}, {"Any_of", 0x88}, {"Not_Contains", 0x8e},
    {"Not_Any_of", 0x8f}};
const struct sddl_words SDDL_RELATIONS = WORDS(relations);

static const struct sddl_word sid_operators[] = {{"Member_of", 0x89}, {"Device_Member_of", 0x8a},
    {"Member_of_Any", 0x8b}, {"Device_Member_of_Any", 0x8c}, {"Not_Member_of", 0x90},
    {"Not_Device_Member_of", 0x91}, {"Not_Member_of_Any", 0x92},
    {"Not_Device_Member_of_Any", 0x93}};
const struct sddl_words SDDL_SID_OPERATORS = WORDS(sid_operators);

static const struct sddl_word name_operators[] = {
    {"Exists", TOKEN_EXISTS}, {"Not_Exists", TOKEN_NOT_EXISTS}};
const struct sddl_words SDDL_NAME_OPERATORS = WORDS(name_operators);

const char *
sddl_word_of(const struct sddl_words *words, uint32_t value)
{
	for (size_t i = 0; i < words->count; i++)
		if (words->list[i].value == value)
			return words->list[i].name;
	return NULL;
}

bool
sddl_is_name_char(unsigned c, bool prefixed)
{
	if (c == 0 || c > 0x7e)
		return false;
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return strchr(prefixed ? "#$'*+-./:;?@[\\]^_`{}~" : ":./_", (int)c) != NULL;
}
