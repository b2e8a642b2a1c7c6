/*
 * DER as it is written, octet by octet: no structure of OpenSSL is filled in and copied for it.
 * What fails (no memory, more than INT_MAX octets) fails all that follows, and is told at the end.
 */
#ifndef MESSAGES_DER_WRITE_H
#define MESSAGES_DER_WRITE_H

#include "der_read.h"

struct der_out {
	struct buf buf;
	bool failed;
};
/* What is encoded already, as it is. */
void der_put(struct der_out *o, struct view encoded);
void der_put_element(struct der_out *o, uint8_t first, struct view content);
/* An element around what is written until der_close gets what der_open gave. */
size_t der_open(struct der_out *o, uint8_t first);
void der_close(struct der_out *o, size_t at);
/* A number that is not negative, its octets from the highest on; BIT STRING of whole octets. */
void der_put_unsigned(struct der_out *o, struct view octets);
void der_put_number(struct der_out *o, uint64_t number);
void der_put_bits(struct der_out *o, struct view octets);
/* What was written; nothing and an error if something failed. */
bool der_done(struct der_out *o, struct buf *out, struct err *err);
void der_out_free(struct der_out *o);

#endif
