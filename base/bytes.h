/*
 * Bounds-checked reading of binary formats that are not ASN.1 (security descriptors, FILETIME, key
 * blobs), and the matching little-endian writers. A reader is a cursor over a view: each get moves
 * it on success and leaves it on failure.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "buf.h"

/* Each returns false, cursor unmoved, when fewer bytes are left than asked for. */
bool bytes_get_u8(struct view *cursor, uint8_t *out);
bool bytes_get_u16le(struct view *cursor, uint16_t *out);
bool bytes_get_u32le(struct view *cursor, uint32_t *out);
bool bytes_get_u64le(struct view *cursor, uint64_t *out);
bool bytes_get(struct view *cursor, size_t len, struct view *out);

bool bytes_put_u8(struct buf *b, uint8_t v, struct err *err);
bool bytes_put_u16le(struct buf *b, uint16_t v, struct err *err);
bool bytes_put_u32le(struct buf *b, uint32_t v, struct err *err);
bool bytes_put_u64le(struct buf *b, uint64_t v, struct err *err);

/* to[i] = from[len-1-i]; the areas do not overlap. */
void bytes_reverse(uint8_t *to, const uint8_t *from, size_t len);

#endif
