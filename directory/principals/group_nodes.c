/* The nodes of a walk: each DN once. */
#include <stdlib.h>
#include <string.h>

#include "groups_priv.h"
#include "text.h"
#include "mem.h"

/* FNV-1a over the DN without case. All DNs come from one server, which writes each in one way. */
static size_t
hash_dn(const char *dn)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *dn != '\0'; dn++) {
		uint8_t c = (uint8_t)*dn;

		h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * UINT64_C(1099511628211);
	}
	return (size_t)h;
}

/* The slot of the DN, or the free one where it belongs. */
static size_t *
find_slot(const struct group_walk *w, const char *dn)
{
	size_t i = hash_dn(dn) % w->slot_count;

	while (w->slots[i] != 0 && !text_eq_nocase(w->nodes[w->slots[i] - 1].dn, dn))
		i = (i + 1) % w->slot_count;
	return &w->slots[i];
}

static void
make_room(struct group_walk *w)
{
	size_t room = w->room == 0 ? 32 : 2 * w->room;
	struct group_node *nodes;

	if (w->count < w->room)
		return;
	nodes = mem_zero(room, sizeof *nodes);
	if (w->count > 0)
		memcpy(nodes, w->nodes, w->count * sizeof *nodes);
	free(w->nodes);
	free(w->slots);
	w->nodes = nodes;
	w->room = room;
	w->slots = mem_zero(2 * room, sizeof *w->slots);
	w->slot_count = 2 * room;
	for (size_t i = 0; i < w->count; i++)
		*find_slot(w, w->nodes[i].dn) = i + 1;
}

bool
group_walk_add(struct group_walk *w, const char *dn, enum group_node_kind kind,
    const struct sid *sid, struct err *err)
{
	struct group_node *n;
	size_t *slot;

	make_room(w);
	if (*(slot = find_slot(w, dn)) != 0)
		return true;
	if (w->count == GROUP_NODES_MAX)
		return err_set(err, DIRCA_E_GROUPS_UNREADABLE,
		    "%s is in more than %d groups, which is too many to decide on", w->nodes[0].dn,
		    GROUP_NODES_MAX);
	n = &w->nodes[w->count];
	*n = (struct group_node){.dn = mem_text(dn), .kind = kind, .has_sid = sid != NULL};

	if (sid != NULL)
		n->sid = *sid;
	*slot = ++w->count;
	return true;
}

void
group_walk_free(struct group_walk *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->nodes[i].dn);
	free(w->nodes);
	free(w->slots);
	*w = (struct group_walk){0};
}
