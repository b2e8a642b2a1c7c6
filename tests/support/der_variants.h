/*
 * A message of strict DER with one of its elements written otherwise, and all around it as it must
 * be then: each element in each way. What is read field by field is held by it against the
 * templates of OpenSSL, of which nothing but what they write themselves is taken. Header only.
 */
#ifndef SUPPORT_DER_VARIANTS_H
#define SUPPORT_DER_VARIANTS_H

#include "der.h"
#include "der_write.h"

enum der_variant {
	DER_AS_IT_IS,
	DER_LONG_LENGTH,
	DER_INDEFINITE,
	DER_OTHER_FORM, /* primitive for constructed, and the other way round */
	DER_OTHER_TAG,
	DER_PADDED, /* an octet of zero before the content */
	DER_EMPTY,
	DER_TWICE,
	DER_MISSING,
	DER_VARIANTS
};

static inline void
der_variant_put(struct der_out *o, uint8_t first, struct view content, enum der_variant way)
{
	const uint8_t zero[2] = {0}, head[6] = {first, 0x84, (uint8_t)(content.len >> 24),
					 (uint8_t)(content.len >> 16), (uint8_t)(content.len >> 8),
					 (uint8_t)content.len};
	const uint8_t open[2] = {first, 0x80};
	size_t at;

	switch (way) {
	case DER_LONG_LENGTH:
		der_put(o, view_of(head, sizeof head));
		der_put(o, content);
		break;
	case DER_INDEFINITE:
		der_put(o, view_of(open, sizeof open));
		der_put(o, content);
		der_put(o, view_of(zero, sizeof zero));
		break;
	case DER_PADDED:
		at = der_open(o, first);
		der_put(o, view_of(zero, 1));
		der_put(o, content);
		der_close(o, at);
		break;
	case DER_MISSING:
		break;
	case DER_TWICE:
		der_put_element(o, first, content);
		der_put_element(o, first, content);
		break;
	default:
		der_put_element(o,
		    way == DER_OTHER_FORM  ? first ^ 0x20
		    : way == DER_OTHER_TAG ? first ^ 0x01
					   : first,
		    way == DER_EMPTY ? view_of("", 0) : content);
	}
}

/* Writes `in` with element number *left as `way` says; *left is lower by as many as there were. */
static inline void
der_variant_emit(struct der_out *o, struct view in, long *left, enum der_variant way)
{
	while (in.len > 0) {
		struct der_out inner = {0};
		struct der_extent h;
		struct view content;
		uint8_t first = in.ptr[0];
		bool here = (*left)-- == 0;

		assert_true(der_extent(in, &h));
		content = view_of(in.ptr + h.header, h.content);
		in = view_of(content.ptr + content.len, in.len - h.header - h.content);
		if ((first & 0x20) != 0)
			der_variant_emit(&inner, content, left, way);
		else
			der_put(&inner, content);
		assert_false(inner.failed);
		der_variant_put(o, first, buf_view(&inner.buf), here ? way : DER_AS_IT_IS);
		der_out_free(&inner);
	}
}

/* Calls `check` with each; how many they were. */
static inline size_t
der_variants(struct view der, void (*check)(struct view variant))
{
	size_t count = 0;

	for (enum der_variant way = DER_LONG_LENGTH; way < DER_VARIANTS; way++) {
		for (long element = 0, left = -1; left < 0; element++) {
			struct der_out o = {0};

			left = element;
			der_variant_emit(&o, der, &left, way);
			assert_false(o.failed);
			if (left < 0)
				check(buf_view(&o.buf)), count++;
			der_out_free(&o);
		}
	}
	return count;
}

/* Is it what the structure is written as? */
static inline void
assert_is_encoding(const ASN1_ITEM *item, const void *value, struct view der)
{
	struct buf out;
	struct err err;

	assert_true(der_encode(item, value, "it", &out, &err));
	assert_true(view_eq(buf_view(&out), der));
	buf_free(&out);
}

#endif
