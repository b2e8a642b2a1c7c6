/*
 * SDDL, shared by its writer (sddl.c), its reader (sddl_read.c) and what ACEs hold
 * (sddl_condition*.c, sddl_claim.c): the words of [MS-DTYP] 2.5.1.1. Three things go beyond the
 * published grammar, so that every descriptor that decodes can be printed and read again: a number
 * ("0x14") stands for an ACE type, flags or rights without letters; a seventh field "#hex" holds
 * data that is no condition or resource attribute and the body of unknown ACEs;
 * "NO_ACCESS_CONTROL", as Windows writes it, is a list that is present and NULL.
 */
#ifndef SECURITY_SDDL_PRIV_H
#define SECURITY_SDDL_PRIV_H

#include <stdio.h>

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

/* How SIDs are written: aliases NULL = unabbreviated. */
void sddl_put_sid(FILE *f, const struct sid *sid, const struct sddl_domains *aliases);

/* A place in the text that is read. */
struct sddl_reader {
	const char *at;
	const struct sddl_domains *domains;
};

/* Takes a SID or an alias from the front. */
bool sddl_get_sid(struct sddl_reader *r, struct sid *out, struct err *err);
/* Takes hex digits, two a byte, as many as there are. */
bool sddl_get_hex(struct sddl_reader *r, struct buf *out, struct err *err);

/* Conditional expressions ([MS-DTYP] 2.4.4.17) of callback ACEs. `put` writes "(...)" and returns
 * true only if reading that gives exactly the bytes of `data`; else it writes nothing. `get` takes
 * "(...)" and appends the bytes, padded to a multiple of four. */
bool sddl_put_condition(FILE *f, struct view data, const struct sddl_domains *aliases);
bool sddl_get_condition(struct sddl_reader *r, struct buf *out, struct err *err);

/* Resource attributes ([MS-DTYP] 2.4.10.1), under the same rules: ("name",TU,0x0,1,2). Values of
 * SIDs are only hexadecimal: the specification leaves open in which form they are stored. */
bool sddl_put_claim(FILE *f, struct view data);
bool sddl_get_claim(struct sddl_reader *r, struct buf *out, struct err *err);

/* Names of attributes and strings as UTF-16LE without terminator, and numbers, in both. */
bool sddl_put_name(FILE *f, struct view utf16, bool prefixed);
bool sddl_get_name(struct sddl_reader *r, struct buf *utf16, struct err *err);
bool sddl_put_string(FILE *f, struct view utf16);
bool sddl_get_string(struct sddl_reader *r, struct buf *utf16, struct err *err);

struct sddl_number {
	uint64_t value; /* two's complement */
	uint8_t sign, base;
};

bool sddl_get_number(
    struct sddl_reader *r, bool is_signed, struct sddl_number *out, struct err *err);

/* Token codes of 2.4.4.17.5 to 2.4.4.17.8. */
enum {
	TOKEN_INT8 = 0x01,
	TOKEN_INT64 = 0x04,
	TOKEN_STRING = 0x10,
	TOKEN_OCTETS = 0x18,
	TOKEN_COMPOSITE = 0x50,
	TOKEN_SID = 0x51,
	TOKEN_EXISTS = 0x87,
	TOKEN_NOT_EXISTS = 0x8d,
	TOKEN_AND = 0xa0,
	TOKEN_OR = 0xa1,
	TOKEN_NOT = 0xa2,
	TOKEN_LOCAL = 0xf8,
	TOKEN_USER = 0xf9,
	TOKEN_RESOURCE = 0xfa,
	TOKEN_DEVICE = 0xfb
};

enum { SIGN_PLUS = 1, SIGN_MINUS = 2, SIGN_NONE = 3 };
enum { BASE_8 = 1, BASE_10 = 2, BASE_16 = 3 };

extern const char SDDL_CONDITION_SIGNATURE[4];      /* "artx" */
extern const struct sddl_words SDDL_ATTRIBUTES;     /* "@User." and so on; local ones have none */
extern const struct sddl_words SDDL_RELATIONS;      /* between two operands */
extern const struct sddl_words SDDL_SID_OPERATORS;  /* before SIDs */
extern const struct sddl_words SDDL_NAME_OPERATORS; /* before an attribute */
/* The name of the word of that value; NULL if there is none. */
const char *sddl_word_of(const struct sddl_words *words, uint32_t value);
/* Whether an attribute's name holds the character as it is; else it is written "%0041". */
bool sddl_is_name_char(unsigned c, bool prefixed);

#endif
