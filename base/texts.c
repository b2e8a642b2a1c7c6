#include "texts.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

void
texts_take(struct texts *t, char *text)
{
	t->list = mem_grow(t->list, t->count, sizeof *t->list);
	t->list[t->count++] = text;
}

void
texts_add(struct texts *t, const char *text)
{
	texts_take(t, mem_text(text));
}

bool
texts_has(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->list[i], text) == 0)
			return true;
	return false;
}

bool
texts_has_nocase(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->count; i++)
		if (text_eq_nocase(t->list[i], text))
			return true;
	return false;
}

void
texts_free(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->list[i]);
	free(t->list);
	*t = (struct texts){0};
}

void
pairs_take(struct pairs *p, char *name, char *value)
{
	p->list = mem_grow(p->list, p->count, sizeof *p->list);
	p->list[p->count++] = (struct pair){name, value};
}

const char *
pairs_find(const struct pairs *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (text_eq_nocase(p->list[i].name, name))
			return p->list[i].value;
	return NULL;
}

void
pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->list[i].name);
		free(p->list[i].value);
	}
	free(p->list);
	*p = (struct pairs){0};
}
