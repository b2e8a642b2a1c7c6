#include "sid_alias.h"

#include <string.h>

#include "text.h"
#include "mem.h"

enum scope { ABSOLUTE, BUILTIN, DOMAIN, FOREST };

static const struct known {
	char alias[3]; /* "" if SDDL has none */
	enum scope scope;
	uint32_t rid; /* of BUILTIN, DOMAIN and FOREST */
	struct sid sid;
	const char *name;
} known[] = {
    {"WD", ABSOLUTE, 0, {1, 1, {0}}, "Everyone"},
    {"CO", ABSOLUTE, 0, {1, 3, {0}}, "CREATOR OWNER"},
    {"CG", ABSOLUTE, 0, {1, 3, {1}}, "CREATOR GROUP"},
    {"OW", ABSOLUTE, 0, {1, 3, {4}}, "OWNER RIGHTS"},
    {"NU", ABSOLUTE, 0, {1, 5, {2}}, "NETWORK"},
    {"IU", ABSOLUTE, 0, {1, 5, {4}}, "INTERACTIVE"},
    {"SU", ABSOLUTE, 0, {1, 5, {6}}, "SERVICE"},
    {"AN", ABSOLUTE, 0, {1, 5, {7}}, "Anonymous"},
    {"ED", ABSOLUTE, 0, {1, 5, {9}}, "Enterprise Domain Controllers"},
    {"PS", ABSOLUTE, 0, {1, 5, {10}}, "SELF"},
    {"AU", ABSOLUTE, 0, {1, 5, {11}}, "Authenticated Users"},
    {"RC", ABSOLUTE, 0, {1, 5, {12}}, "RESTRICTED"},
    {"", ABSOLUTE, 0, {1, 5, {15}}, "This Organization"},
    {"SY", ABSOLUTE, 0, {1, 5, {18}}, "SYSTEM"},
    {"LS", ABSOLUTE, 0, {1, 5, {19}}, "LOCAL SERVICE"},
    {"NS", ABSOLUTE, 0, {1, 5, {20}}, "NETWORK SERVICE"},
    {"WR", ABSOLUTE, 0, {1, 5, {33}}, "WRITE RESTRICTED"},
    {"UD", ABSOLUTE, 0, {6, 5, {84, 0, 0, 0, 0, 0}}, "user-mode drivers"},
    {"AC", ABSOLUTE, 0, {2, 15, {2, 1}}, "ALL APPLICATION PACKAGES"},
    {"LW", ABSOLUTE, 0, {1, 16, {4096}}, "low integrity"},
    {"ME", ABSOLUTE, 0, {1, 16, {8192}}, "medium integrity"},
    {"MP", ABSOLUTE, 0, {1, 16, {8448}}, "medium plus integrity"},
    {"HI", ABSOLUTE, 0, {1, 16, {12288}}, "high integrity"},
    {"SI", ABSOLUTE, 0, {1, 16, {16384}}, "system integrity"},
    {"AS", ABSOLUTE, 0, {1, 18, {1}}, "authentication authority asserted identity"},
    {"SS", ABSOLUTE, 0, {1, 18, {2}}, "service asserted identity"},
    {"BA", BUILTIN, 544, {0}, "BUILTIN\\Administrators"},
    {"BU", BUILTIN, 545, {0}, "BUILTIN\\Users"},
    {"BG", BUILTIN, 546, {0}, "BUILTIN\\Guests"},
    {"PU", BUILTIN, 547, {0}, "BUILTIN\\Power Users"},
    {"AO", BUILTIN, 548, {0}, "BUILTIN\\Account Operators"},
    {"SO", BUILTIN, 549, {0}, "BUILTIN\\Server Operators"},
    {"PO", BUILTIN, 550, {0}, "BUILTIN\\Print Operators"},
    {"BO", BUILTIN, 551, {0}, "BUILTIN\\Backup Operators"},
    {"RE", BUILTIN, 552, {0}, "BUILTIN\\Replicator"},
    {"RU", BUILTIN, 554, {0}, "BUILTIN\\Pre-Windows 2000 Compatible Access"},
    {"RD", BUILTIN, 555, {0}, "BUILTIN\\Remote Desktop Users"},
    {"NO", BUILTIN, 556, {0}, "BUILTIN\\Network Configuration Operators"},
    {"MU", BUILTIN, 558, {0}, "BUILTIN\\Performance Monitor Users"},
    {"LU", BUILTIN, 559, {0}, "BUILTIN\\Performance Log Users"},
    {"", BUILTIN, 560, {0}, "BUILTIN\\Windows Authorization Access Group"},
    {"IS", BUILTIN, 568, {0}, "BUILTIN\\IIS_IUSRS"},
    {"CY", BUILTIN, 569, {0}, "BUILTIN\\Cryptographic Operators"},
    {"ER", BUILTIN, 573, {0}, "BUILTIN\\Event Log Readers"},
    {"CD", BUILTIN, 574, {0}, "BUILTIN\\Certificate Service DCOM Access"},
    {"RA", BUILTIN, 575, {0}, "BUILTIN\\RDS Remote Access Servers"},
    {"ES", BUILTIN, 576, {0}, "BUILTIN\\RDS Endpoint Servers"},
    {"MS", BUILTIN, 577, {0}, "BUILTIN\\RDS Management Servers"},
    {"HA", BUILTIN, 578, {0}, "BUILTIN\\Hyper-V Administrators"},
    {"AA", BUILTIN, 579, {0}, "BUILTIN\\Access Control Assistance Operators"},
    {"RM", BUILTIN, 580, {0}, "BUILTIN\\Remote Management Users"},
    {"LA", DOMAIN, 500, {0}, NULL},
    {"LG", DOMAIN, 501, {0}, NULL},
    {"DA", DOMAIN, 512, {0}, NULL},
    {"DU", DOMAIN, 513, {0}, NULL},
    {"DG", DOMAIN, 514, {0}, NULL},
    {"DC", DOMAIN, 515, {0}, NULL},
    {"DD", DOMAIN, 516, {0}, NULL},
    {"CA", DOMAIN, 517, {0}, NULL},
    {"PA", DOMAIN, 520, {0}, NULL},
    {"CN", DOMAIN, 522, {0}, NULL},
    {"AP", DOMAIN, 525, {0}, NULL},
    {"KA", DOMAIN, 526, {0}, NULL},
    {"RS", DOMAIN, 553, {0}, NULL},
    {"RO", FOREST, 498, {0}, NULL},
    {"SA", FOREST, 518, {0}, NULL},
    {"EA", FOREST, 519, {0}, NULL},
    {"EK", FOREST, 527, {0}, NULL},
};

static const struct sid builtin = {.count = 1, .authority = 5, .subs = {32}};

static bool
sid_of_row(const struct known *row, const struct sddl_domains *domains, struct sid *out)
{
	const struct sid *base = &builtin;

	*out = row->sid;
	if (row->scope == ABSOLUTE)
		return true;
	if (row->scope == DOMAIN)
		base = domains->domain;
	if (row->scope == FOREST)
		base = domains->forest_root != NULL ? domains->forest_root : domains->domain;
	return base != NULL && sid_with_rid(base, row->rid, out);
}

const char *
sid_well_known_name(const struct sid *sid)
{
	const struct sddl_domains none = {NULL, NULL};
	struct sid one;

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (sid_of_row(&known[i], &none, &one) && sid_eq(&one, sid))
			return known[i].name;
	return NULL;
}

const char *
sid_by_well_known_name(const char *name, struct sid *out)
{
	const struct sddl_domains none = {NULL, NULL};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (known[i].name != NULL && text_eq_nocase(known[i].name, name) &&
		    sid_of_row(&known[i], &none, out))
			return known[i].name;
	return NULL;
}

const char *
sid_alias_of(const struct sid *sid, const struct sddl_domains *domains)
{
	struct sid one;

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (known[i].alias[0] != '\0' && sid_of_row(&known[i], domains, &one) &&
		    sid_eq(&one, sid))
			return known[i].alias;
	return NULL;
}

enum sid_alias_read
sid_of_alias(const char *text, const struct sddl_domains *domains, struct sid *out)
{
	*out = (struct sid){0};
	for (size_t i = 0; i < COUNT_OF(known) && text[0] != '\0'; i++)
		if (known[i].alias[0] == text[0] && known[i].alias[1] == text[1])
			return sid_of_row(&known[i], domains, out) ? SID_ALIAS_OK
								   : SID_ALIAS_NEEDS_DOMAIN;
	return SID_ALIAS_UNKNOWN;
}
