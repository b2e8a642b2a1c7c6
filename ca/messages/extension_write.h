/*
 * The extensions that differ from one certificate to the next, as they are written: octet for octet
 * what extension.h makes of the same.
 */
#ifndef MESSAGES_EXTENSION_WRITE_H
#define MESSAGES_EXTENSION_WRITE_H

#include "der_write.h"

/* `oid` is the content of its encoding. */
void ext_put(struct der_out *o, struct view oid, bool critical, struct view value);
void ext_put_ski(struct der_out *o, bool critical, struct view key_id);
void ext_put_san(struct der_out *o, bool critical, struct view value);
void ext_put_sid(struct der_out *o, bool critical, const char *sid_text);

/* Single names of a subjectAltName, inside of its SEQUENCE. ERROR_INVALID_DATA: not in ASCII. */
bool ext_put_email(struct der_out *o, const char *text, struct err *err);
bool ext_put_dns(struct der_out *o, const char *text, struct err *err);
void ext_put_upn(struct der_out *o, const char *upn);
void ext_put_guid(struct der_out *o, const uint8_t guid[16]);

#endif
