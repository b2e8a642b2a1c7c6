/*
 * Ownership by scope: what a function must free is freed when its block is left, wherever that is.
 *
 *	OWNED(buf_free) struct buf der = {0};
 *	OWNED(own_memory) char *path = config_path(config, "ca.crt");
 *
 * The name in brackets is a function that takes a pointer to the variable, and does nothing for a
 * zeroed one. An owned variable is initialised where it is declared. It is given away by buf_give,
 * own_give, or by copying and zeroing it.
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OWNED(free_function) __attribute__((cleanup(free_function)))

/* Makes `name` out of a function that takes the pointer itself: OWN_POINTER(own_pkey, EVP_PKEY,
 * EVP_PKEY_free) for OWNED(own_pkey) EVP_PKEY *key = NULL. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type takes none */
#define OWN_POINTER(name, type, free_function) \
	static inline void name(type **p)      \
	{                                      \
		free_function(*p);             \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

/* Anything of malloc's. */
static inline void
own_memory(void *variable)
{
	free(*(void **)variable);
}

static inline void
own_file(FILE **file)
{
	if (*file != NULL)
		fclose(*file);
}

/* A descriptor; -1: none. */
static inline void
own_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The pointer, which the variable then does not hold any more: *out = own_give(&path). */
static inline void *
own_give(void *variable)
{
	void **p = variable, *given = *p;

	*p = NULL;
	return given;
}

#endif
