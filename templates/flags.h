/*
 * What every bit of a template's four flag words means for a CA ([MS-CRTD] 2.4, 2.26 to 2.28,
 * [MS-WCCE] 3.2.2.6.2.1.4), as one table: docs/TEMPLATES.md shows it, tests/lint compares the two.
 */
#ifndef TEMPLATES_FLAGS_H
#define TEMPLATES_FLAGS_H

#include <stddef.h>
#include <stdint.h>

#include "tmpl.h"

enum tmpl_word { TMPL_FLAGS, TMPL_ENROLLMENT_FLAG, TMPL_NAME_FLAG, TMPL_PRIVATE_KEY_FLAG };
#define TMPL_WORDS 4

enum tmpl_flag_role {
	TMPL_FLAG_HONOURED, /* the CA does what it says */
	TMPL_FLAG_REFUSED,  /* the CA issues nothing for such a template */
	TMPL_FLAG_IGNORED,  /* it speaks to CAs, and this one does something else, more careful */
	TMPL_FLAG_CLIENT,   /* it speaks to clients */
	TMPL_FLAG_RESERVED  /* it speaks to nobody */
};

struct tmpl_flag {
	uint32_t mask; /* one bit; several for a number inside the word */
	const char *name;
	enum tmpl_flag_role role;
	const char *effect; /* what this CA does about it */
};

/* The LDAP attribute of a word, and its value in a template. */
const char *tmpl_word_attribute(enum tmpl_word word);
uint32_t tmpl_word_value(const struct tmpl *t, enum tmpl_word word);
/* The rows of a word by ascending mask; static. */
const struct tmpl_flag *tmpl_flags(enum tmpl_word word, size_t *count_out);
/* Bits of `value` that no row of the word has. */
uint32_t tmpl_flags_unknown(enum tmpl_word word, uint32_t value);
/* The names of the bits that are set, joined by " | ", numbers as "name=3", unknown bits last as
 * one "0x..."; "" for 0. free(). NULL: no memory. */
char *tmpl_flag_names(enum tmpl_word word, uint32_t value);

#endif
