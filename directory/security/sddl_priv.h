/*
 * SDDL, shared by its writer (sddl.c) and its reader (sddl_read.c): the words of [MS-DTYP] 2.5.1.1.
 * Three things differ from the published grammar, so that every descriptor that decodes can be
 * printed and read again byte for byte: a number ("0x14") stands for an ACE type, flags or rights
 * without letters; a seventh field ";#hex" holds the bytes behind the SID of callback ACEs and
 * resource attributes, which are written and read in no other form, and the body of unknown ACEs;
 * "NO_ACCESS_CONTROL", as Windows writes it, is a list that is present and NULL.
 */
#ifndef SECURITY_SDDL_PRIV_H
#define SECURITY_SDDL_PRIV_H

#include "sd.h"

#define SDDL_NULL_ACL "NO_ACCESS_CONTROL"

struct sddl_word {
	const char *name;
	uint32_t value;
};

struct sddl_words {
	const struct sddl_word *list;
	size_t count;
};

extern const struct sddl_words SDDL_TYPES;
extern const struct sddl_words SDDL_FLAGS;
extern const struct sddl_words SDDL_RIGHTS;       /* single bits, read and written */
extern const struct sddl_words SDDL_LABEL_RIGHTS; /* of mandatory labels */
extern const struct sddl_words SDDL_RIGHT_GROUPS; /* several bits: read, never written */

/* The name of the word of that value; NULL if there is none. */
const char *sddl_word_of(const struct sddl_words *words, uint32_t value);

#endif
