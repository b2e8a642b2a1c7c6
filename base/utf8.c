#include "utf8.h"

size_t
utf8_next(struct view v, uint32_t *code_point_out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t cp = v.ptr[0];
	size_t n;

	if (cp < 0x80) {
		*code_point_out = cp;
		return 1;
	}
	if ((cp & 0xe0) == 0xc0) {
		n = 2;
		cp &= 0x1f;
	} else if ((cp & 0xf0) == 0xe0) {
		n = 3;
		cp &= 0x0f;
	} else if ((cp & 0xf8) == 0xf0) {
		n = 4;
		cp &= 0x07;
	} else {
		return 0;
	}
	if (v.len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((v.ptr[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (v.ptr[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*code_point_out = cp;
	return n;
}

size_t
utf8_ascii(struct view v)
{
	size_t n = 0;

	while (n < v.len && v.ptr[n] < 0x80)
		n++;
	return n;
}

size_t
utf8_put(uint32_t cp, char *out)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}
