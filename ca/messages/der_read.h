/*
 * Elements of strict DER (X.690 10.1), where they lie: definite and shortest lengths. What is in an
 * element is not looked at.
 */
#ifndef MESSAGES_DER_READ_H
#define MESSAGES_DER_READ_H

#include "buf.h"

/* First octets of elements. */
enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OBJECT = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8_STRING = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0_PRIMITIVE = 0x80,
	DER_CONTEXT_0 = 0xA0,
	DER_CONTEXT_1 = 0xA1,
	DER_CONTEXT_2 = 0xA2,
	DER_CONTEXT_3 = 0xA3
};

/* Of the element at the start of `from`, whose tag number is below 31 and which ends in it. */
struct der_extent {
	size_t header, content; /* octets */
};
bool der_extent(struct view from, struct der_extent *out);
/* Takes the next element, which begins with `first`, no tag number from 31 on: its content; or the
 * content of an INTEGER over zero, without the octet that only tells its sign. False if it is
 * another, and `cursor` as it was. */
bool der_take(struct view *cursor, uint8_t first, struct view *content_out);
bool der_take_number(struct view *cursor, struct view *octets_out);
/* The whole of the next element; if it begins so; if it is a time. */
bool der_take_any(struct view *cursor, struct view *whole);
bool der_take_whole(struct view *cursor, uint8_t first, struct view *whole);
bool der_take_time(struct view *cursor, struct view *whole);
/* When that is. False where it is not written as RFC 5280 4.1.2.5 wants it: to the second, with the
 * Z, and as a GeneralizedTime from 2050 on. */
bool der_time(struct view whole, int64_t *when_out);
/* Of the content of a GeneralizedTime of any year, so written (RFC 5280 4.1.2.5.2). */
bool der_long_time(struct view content, int64_t *when_out);
/* Is it the content of an OBJECT IDENTIFIER (X.690 8.19.2)? */
bool der_is_oid(struct view content);

#endif
