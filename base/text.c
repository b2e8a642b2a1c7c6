#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wctype.h>
#include <openssl/evp.h>

#include "mem.h"
#include "own.h"
#include "utf8.h"

#define LINE 64 /* base64 */

int
text_hex_digit(char c)
{
	/* One more than the value. No branches: what digit comes next nobody can foresee. */
	static const uint8_t digits[256] = {['0'] = 1,
	    ['1'] = 2,
	    ['2'] = 3,
	    ['3'] = 4,
	    ['4'] = 5,
	    ['5'] = 6,
	    ['6'] = 7,
	    ['7'] = 8,
	    ['8'] = 9,
	    ['9'] = 10,
	    ['a'] = 11,
	    ['b'] = 12,
	    ['c'] = 13,
	    ['d'] = 14,
	    ['e'] = 15,
	    ['f'] = 16,
	    ['A'] = 11,
	    ['B'] = 12,
	    ['C'] = 13,
	    ['D'] = 14,
	    ['E'] = 15,
	    ['F'] = 16};

	return digits[(unsigned char)c] - 1;
}

char *
hex_encode(struct view bytes, char sep)
{
	static const char digits[] = "0123456789abcdef";
	size_t step = sep == '\0' ? 2 : 3;
	char *s = mem_zero(bytes.len * step + 1, 1), *p = s;

	for (size_t i = 0; i < bytes.len; i++) {
		if (i > 0 && sep != '\0')
			*p++ = sep;
		*p++ = digits[bytes.ptr[i] >> 4];
		*p++ = digits[bytes.ptr[i] & 15];
	}
	return s;
}

static bool
not_hex(struct err *err)
{
	return err_set(err, ERROR_INVALID_DATA, "not a hexadecimal string of whole bytes");
}

size_t
hex_octets(const char *digits, uint8_t *out, size_t size)
{
	size_t count = strlen(digits), odd = count % 2;

	if (count / 2 + odd > size)
		return 0;
	memset(out, 0, count / 2 + odd);
	for (size_t i = 0; i < count; i++) {
		int v = text_hex_digit(digits[i]);
		size_t at = i + odd;

		if (v < 0)
			return 0;
		out[at / 2] |= (uint8_t)(at % 2 == 0 ? v << 4 : v);
	}
	return count / 2 + odd;
}

bool
hex_decode(const char *text, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf b = {0};
	int high = -1;

	*out = (struct buf){0};
	if (!buf_alloc(strlen(text) / 2 + 1, &b, err))
		return false;
	b.len = 0;
	for (; *text != '\0'; text++) {
		int v = text_hex_digit(*text);

		if (v < 0 && strchr(" \t:", *text) != NULL && high < 0)
			continue;
		if (v < 0)
			return not_hex(err);
		if (high < 0) {
			high = v;
		} else {
			b.ptr[b.len++] = (uint8_t)(high << 4 | v);
			high = -1;
		}
	}
	if (high >= 0 || b.len == 0)
		return not_hex(err);
	*out = buf_give(&b);
	return true;
}

bool
text_to_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long v;

	/* strtoll would take blanks and a plus sign too. */
	if (*text != '-' && !isdigit((unsigned char)*text))
		return false;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool
text_eq_nocase(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

char *
text_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	return s;
}

void
text_list_add(char **list, const char *separator, const char *item)
{
	char *longer = text_printf("%s%s%s", *list, **list != '\0' ? separator : "", item);

	free(*list);
	*list = longer;
}

bool
text_is_utf8(struct view v)
{
	uint32_t cp;

	for (size_t n = utf8_ascii(v); n < v.len;) {
		size_t more = utf8_next(view_of(v.ptr + n, v.len - n), &cp);

		if (more == 0)
			return false;
		n += more;
	}
	return true;
}

bool
text_is_visible_ascii(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text <= 0x20 || *text >= 0x7f)
			return false;
	return true;
}

bool
text_from_view(struct view v, char **out, struct err *err)
{
	*out = NULL;
	for (size_t i = 0; i < v.len; i++)
		if (v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
			return err_set(err, ERROR_INVALID_DATA, "text holds a control character");
	if (!text_is_utf8(v))
		return err_set(err, ERROR_INVALID_DATA, "text is not UTF-8");
	*out = mem_text_n(v.ptr, v.len);
	return true;
}

static bool
put_unit(struct buf *b, uint32_t unit, struct err *err)
{
	uint8_t raw[2] = {(uint8_t)unit, (uint8_t)(unit >> 8)};

	return buf_append(b, view_of(raw, 2), err);
}

bool
utf16le_encode(const char *utf8, struct buf *out, struct err *err)
{
	struct view v = view_str(utf8);
	OWNED(buf_free) struct buf b = {0};
	uint32_t cp;

	*out = (struct buf){0};
	while (v.len > 0) {
		size_t n = utf8_next(v, &cp);

		if (n == 0)
			return err_set(err, ERROR_INVALID_DATA, "text is not UTF-8");
		if (cp >= 0x10000 ? !put_unit(&b, 0xd800 + ((cp - 0x10000) >> 10), err) ||
					!put_unit(&b, 0xdc00 + ((cp - 0x10000) & 0x3ff), err)
				  : !put_unit(&b, cp, err))
			return false;
		v.ptr += n;
		v.len -= n;
	}
	*out = buf_give(&b);
	return true;
}

static locale_t fold_locale;

static void
fold_locale_open(void)
{
	fold_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* The sign of Kelvin has the small letter of K, and is no K: only the capital that a small letter
 * has counts. */
static uint32_t
fold_letter(uint32_t cp)
{
	uint32_t small;

	if (cp < 0x80)
		return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
	if (fold_locale == (locale_t)0)
		return cp;
	small = (uint32_t)towlower_l((wint_t)cp, fold_locale);
	return (uint32_t)towupper_l((wint_t)small, fold_locale) == cp ? small : cp;
}

char *
text_fold(const char *text)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct view v = view_str(text);
	/* A small letter may take more bytes than its capital, never more than four. */
	char *folded = mem_zero(4 * v.len + 1, 1);
	size_t used = 0, n;
	uint32_t cp;

	pthread_once(&once, fold_locale_open);
	for (; v.len > 0; v.ptr += n, v.len -= n) {
		if ((n = utf8_next(v, &cp)) == 0) {
			folded[used++] = (char)*v.ptr;
			n = 1;
		} else {
			used += utf8_put(fold_letter(cp), folded + used);
		}
	}
	folded[used] = '\0';
	return folded;
}

bool
text_eq_fold(const char *a, const char *b)
{
	OWNED(own_memory) char *one = text_fold(a), *other = text_fold(b);

	return strcmp(one, other) == 0;
}

bool
utf16le_decode(struct view utf16, char **out, struct err *err)
{
	size_t units = utf16.len / 2, used = 0;
	char *s;

	*out = NULL;
	if (utf16.len % 2 != 0)
		return err_set(err, ERROR_INVALID_DATA, "UTF-16 text has an odd number of bytes");
	s = mem_zero(units * 3 + 1, 1);
	for (size_t i = 0; i < units; i++) {
		uint32_t u = (uint32_t)utf16.ptr[2 * i] | (uint32_t)utf16.ptr[2 * i + 1] << 8;

		if (u >= 0xd800 && u < 0xdc00 && i + 1 < units) {
			uint32_t low =
			    (uint32_t)utf16.ptr[2 * i + 2] | (uint32_t)utf16.ptr[2 * i + 3] << 8;

			if (low >= 0xdc00 && low < 0xe000) {
				used += utf8_put(
				    0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00), s + used);
				i++;
				continue;
			}
		}
		if (u == 0 || (u >= 0xd800 && u < 0xe000)) {
			free(s);
			return err_set(err, ERROR_INVALID_DATA, "UTF-16 text is malformed");
		}
		used += utf8_put(u, s + used);
	}
	s[used] = '\0';
	*out = s;
	return true;
}

/* Where each byte of the text form lies on the wire: the first three groups are little-endian. */
static const uint8_t guid_order[GUID_LEN] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

void
guid_to_text(const uint8_t guid[GUID_LEN], char out[37])
{
	char *p = out;

	for (size_t i = 0; i < GUID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		snprintf(p, 3, "%02x", guid[guid_order[i]]);
		p += 2;
	}
}

bool
guid_from_text(const char *text, uint8_t guid[GUID_LEN])
{
	for (size_t i = 0; i < GUID_LEN; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		if ((high = text_hex_digit(text[0])) < 0 || (low = text_hex_digit(text[1])) < 0)
			return false;
		guid[guid_order[i]] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return *text == '\0';
}

char *
base64_encode(struct view bytes)
{
	char *s;

	if (bytes.len > INT32_MAX / 2)
		mem_exhausted();
	s = mem_zero((bytes.len + 2) / 3 * 4 + 1, 1);
	EVP_EncodeBlock((unsigned char *)s, bytes.ptr, (int)bytes.len);
	return s;
}

char *
base64_encode_lines(struct view bytes)
{
	const size_t most = LINE / 4 * 3;
	char *s, *end;

	if (bytes.len > INT32_MAX / 2)
		mem_exhausted();
	end = s = mem_zero((bytes.len + most - 1) / most * (LINE + 1) + 1, 1);
	for (size_t at = 0; at < bytes.len; at += most) {
		size_t n = bytes.len - at < most ? bytes.len - at : most;

		end += EVP_EncodeBlock((unsigned char *)end, bytes.ptr + at, (int)n);
		*end++ = '\n';
	}
	*end = '\0';
	return s;
}

/* EVP_DecodeBlock takes '=' anywhere, junk at the end and unused bits that are not zero: only what
 * encodes back to the same text is base64. */
static bool
is_canonical(struct view packed, struct view bytes)
{
	OWNED(own_memory) char *again = base64_encode(bytes);
	bool same = view_eq(view_str(again), packed);

	OPENSSL_cleanse(again, strlen(again)); /* it may be a key */
	return same;
}

bool
base64_decode(struct view text, struct buf *out, struct err *err)
{
	OWNED(buf_free_wiped) struct buf packed = {0}, b = {0};
	size_t pad = 0;

	*out = (struct buf){0};
	if (text.len > INT32_MAX / 2)
		return err_set(err, DIRCA_E_TOO_LARGE, "base64 text is too large");
	if (!buf_alloc(text.len, &packed, err) || !buf_alloc(text.len / 4 * 3 + 3, &b, err))
		return false;
	packed.len = 0;
	for (size_t i = 0; i < text.len; i++)
		if (strchr(" \t\r\n", text.ptr[i]) == NULL || text.ptr[i] == '\0')
			packed.ptr[packed.len++] = text.ptr[i];
	while (pad < 2 && pad < packed.len && packed.ptr[packed.len - 1 - pad] == '=')
		pad++;
	b.len = packed.len / 4 * 3 - (packed.len >= 4 ? pad : 0);
	if (packed.len % 4 != 0 ||
	    (packed.len > 0 && EVP_DecodeBlock(b.ptr, packed.ptr, (int)packed.len) < 0) ||
	    !is_canonical(buf_view(&packed), buf_view(&b)))
		return err_set(err, ERROR_INVALID_DATA, "not base64");
	*out = buf_give(&b);
	return true;
}

char *
text_url_host(struct view url)
{
	static const char mark[] = "://";
	const char *at = url.len > 0 ? memmem(url.ptr, url.len, mark, strlen(mark)) : NULL;
	const char *end = (const char *)url.ptr + url.len, *host;
	const char *stops = ":/?# \t\r\n";

	if (at == NULL)
		return NULL;
	host = at + strlen(mark);
	if (host < end && *host == '[') {
		host++;
		stops = "]";
	}
	for (at = host; at < end && *at != '\0' && strchr(stops, *at) == NULL; at++)
		;
	return at > host ? mem_text_n(host, (size_t)(at - host)) : NULL;
}

bool
text_split_address(char *text, char **host_out, char **port_out)
{
	char *colon = strrchr(text, ':');

	if (colon == NULL || colon == text || colon[1] == '\0')
		return false;
	*colon = '\0';
	*port_out = colon + 1;
	*host_out = text;
	if (text[0] == '[') {
		if (colon[-1] != ']')
			return false;
		colon[-1] = '\0';
		*host_out = text + 1;
	}
	return true;
}
