/*
 * Memory in small pieces. An allocation that fails ends the process (mem_exhausted): the supervisor
 * starts it again, and nothing that was acknowledged is lost. So these never return NULL, and
 * callers have no path for it. What has a size that others choose is limited first, and allocated
 * by buf_alloc, which can refuse.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Says so on stderr and aborts. */
void mem_exhausted(void) __attribute__((noreturn));

/* `count` * `size` octets of zero; free(). */
void *mem_zero(size_t count, size_t size);
/* A copy; free(). NULL of NULL. */
char *mem_text(const char *text);
/* `len` octets of it and a NUL; free(). */
char *mem_text_n(const void *text, size_t len);
/* The array with room for one more at list[count]; what is there is undefined. free(). */
void *mem_grow(void *list, size_t count, size_t size);
/* As mem_grow, for a list that can grow long: moves only when `count` is a power of two. For lists
 * that nothing else has made or shortened the memory of. */
void *mem_grow_long(void *list, size_t count, size_t size);

#endif
