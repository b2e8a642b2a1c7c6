#include "mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
mem_exhausted(void)
{
	static const char text[] = "out of memory\n";
	/* Nothing can be done where stderr is not to be had either. */
	ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);

	(void)ignored;
	abort();
}

void *
mem_zero(size_t count, size_t size)
{
	void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

	if (p == NULL)
		mem_exhausted();
	return p;
}

char *
mem_text(const char *text)
{
	char *copy;

	if (text == NULL)
		return NULL;
	if ((copy = strdup(text)) == NULL)
		mem_exhausted();
	return copy;
}

char *
mem_text_n(const void *text, size_t len)
{
	char *copy = mem_zero(len + 1, 1);

	if (len > 0)
		memcpy(copy, text, len);
	return copy;
}

void *
mem_grow(void *list, size_t count, size_t size)
{
	void *grown = count < SIZE_MAX ? reallocarray(list, count + 1, size) : NULL;

	if (grown == NULL)
		mem_exhausted();
	return grown;
}

void *
mem_grow_long(void *list, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return list;
	return mem_grow(list, count > 0 ? 2 * count - 1 : 0, size);
}
