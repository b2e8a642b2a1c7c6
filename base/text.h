/*
 * Text: hexadecimal, numbers, case-insensitive comparison, UTF-16LE, GUIDs, PEM-free base64.
 * Strings are UTF-8 with NUL. Returned strings are freed with free(), and never NULL for want
 * of memory (mem.h).
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "buf.h"

#define GUID_LEN 16

/* Lower-case hex. `sep` is put between bytes, '\0' for none ("01 23 fe" as in KeyRecoveryHashes).
 */
char *hex_encode(struct view bytes, char sep);
/* Reads hex digits in either case; blanks, ':' and tabs between digits are skipped. False if
 * anything else is there, the number of digits is odd or nothing is left. */
bool hex_decode(const char *text, struct buf *out, struct err *err);
/* The same of digits alone, into `size` octets that are there; an odd number of them has a zero
 * before it. How many octets; 0 if something else is there, nothing, or more than has room. */
size_t hex_octets(const char *digits, uint8_t *out, size_t size);

/* 0 to 15, or -1 for what is no hexadecimal digit. */
int text_hex_digit(char c);
/* Whole string as a decimal number within [min, max]. */
bool text_to_int(const char *text, int64_t min, int64_t max, int64_t *out);
/* ASCII case-insensitive. */
bool text_eq_nocase(const char *a, const char *b);
/* UTF-8 without case: capital letters of every script become small ones, nothing else changes. No
 * two letters that differ by more than case become one: neither the sign of Kelvin and k, nor the
 * dotted I and i. For names that give rights; for searches there is match.h. */
char *text_fold(const char *text);
/* Equal after text_fold. */
bool text_eq_fold(const char *a, const char *b);
/* printf into a new string. */
char *text_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Lengthens *list, a string that free() takes, by the item; the separator goes before it unless
 * *list is empty. */
void text_list_add(char **list, const char *separator, const char *item);
/* Copy of a view as a string; refuses an embedded NUL, control characters below 0x20 and invalid
 * UTF-8. */
bool text_from_view(struct view v, char **out, struct err *err);
bool text_is_utf8(struct view v);
/* The host of the first "scheme://host:port/..." in the text, without brackets; NULL if there is
 * none. free(). */
char *text_url_host(struct view url);
/* What an IA5String of a certificate may hold here: printable ASCII without blanks, not empty. */
bool text_is_visible_ascii(const char *text);
/* "host:port" or "[v6]:port" into its parts, in place; false: it is neither. */
bool text_split_address(char *text, char **host_out, char **port_out);

/* UTF-8 to UTF-16LE bytes without terminator, and back. Invalid input (unpaired surrogates,
 * embedded NUL) fails. */
bool utf16le_encode(const char *utf8, struct buf *out, struct err *err);
bool utf16le_decode(struct view utf16, char **out, struct err *err);

/* GUID: 16 mixed-endian bytes of the wire <-> "0e10c968-78fb-11d2-90d4-00c04f79dc55"
 * ([MS-DTYP] 2.3.4). */
void guid_to_text(const uint8_t guid[GUID_LEN], char out[37]);
bool guid_from_text(const char *text, uint8_t guid[GUID_LEN]);

char *base64_encode(struct view bytes);
/* The same in lines of 64 characters, each ended by a newline (RFC 2045 6.8). */
char *base64_encode_lines(struct view bytes);
/* White space is skipped; padding is demanded, unused bits are zero (RFC 4648). */
bool base64_decode(struct view text, struct buf *out, struct err *err);

#endif
