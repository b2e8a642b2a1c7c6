/* What archived keys are sealed with, and which of them with less than root demands today. */
#include "local_acts_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "archive.h"
#include "mem.h"
#include "own.h"
#include "settings.h"
#include "store.h"
#include "text.h"

/* Ciphers; each without, then with a recipient by PKCS#1 v1.5. */
#define CIPHERS (CMS_AES_128_GCM + 1)

struct sealed {
	struct archive_floor floor;
	int64_t keys[CIPHERS][2], unreadable;
	int64_t together[KRA_COUNT_MAX + 1]; /* by how many open a key; [0] and [1]: each alone */
	int64_t *below;                      /* requests */
	size_t below_count;
};

static void
sealed_free(struct sealed *s)
{
	free(s->below);
}

static void
count_key(int64_t request, struct view archived, void *arg)
{
	struct sealed *s = arg;
	OWNED(cms_enveloped_free) struct cms_enveloped key = {0};
	struct err ignored;
	bool pkcs1 = false, reads = cms_sealed_decode(archived, &key, &ignored);

	for (size_t i = 0; i < key.count; i++)
		pkcs1 = pkcs1 || key.recipients[i].is_pkcs1;
	if (reads) {
		s->keys[key.cipher][pkcs1]++;
		if (key.threshold <= KRA_COUNT_MAX)
			s->together[key.threshold]++;
	} else
		s->unreadable++;
	if (reads && archive_floor_holds(&s->floor, &key))
		return;
	s->below = mem_grow(s->below, s->below_count, sizeof *s->below);
	s->below[s->below_count++] = request;
}

static bool
look(const struct config *config, struct sealed *s, struct err *err)
{
	OWNED(store_close) struct store *store = NULL;

	s->floor = archive_floor_of_root(config);
	return act_open_store(config, NULL, &store, err) &&
	       store_walk_archived(store, count_key, s, err);
}

static void
print_json(const struct sealed *s)
{
	json_t *sealed = json_array(), *below = json_array(), *together = json_array();

	for (size_t c = 0; c < CIPHERS; c++)
		for (int pkcs1 = 0; pkcs1 < 2; pkcs1++)
			if (s->keys[c][pkcs1] > 0)
				json_array_append_new(
				    sealed, json_pack("{s:s, s:b, s:I}", "cipher",
						cms_cipher_name((enum cms_cipher)c), "pkcs1", pkcs1,
						"keys", (json_int_t)s->keys[c][pkcs1]));
	for (size_t i = 0; i < s->below_count; i++)
		json_array_append_new(below, json_integer((json_int_t)s->below[i]));
	for (size_t k = 2; k <= KRA_COUNT_MAX; k++)
		if (s->together[k] > 0)
			json_array_append_new(
			    together, json_pack("{s:I, s:I}", "threshold", (json_int_t)k, "keys",
					  (json_int_t)s->together[k]));
	act_print_json(json_pack("{s:o, s:o, s:I, s:o}", "sealed", sealed, "together", together,
	    "unreadable", (json_int_t)s->unreadable, "below_floor", below));
}

static void
print_text(const struct sealed *s)
{
	for (size_t c = 0; c < CIPHERS; c++)
		for (int pkcs1 = 0; pkcs1 < 2; pkcs1++)
			if (s->keys[c][pkcs1] > 0)
				printf("%-14s%-18s%" PRId64 "\n",
				    cms_cipher_name((enum cms_cipher)c), pkcs1 ? "PKCS#1 v1.5" : "",
				    s->keys[c][pkcs1]);
	if (s->unreadable > 0)
		printf("%-32s%" PRId64 "\n", "unreadable", s->unreadable);
	for (size_t k = 2; k <= KRA_COUNT_MAX; k++)
		if (s->together[k] > 0)
			printf(
			    "of these, opened by %zu agents together, and by none alone: %" PRId64
			    "\n",
			    k, s->together[k]);
	printf(
	    "Below the floor (archive_floor = %s, archive_key_bits = %d, allow_3des = %s): %zu\n",
	    cms_reader_word(s->floor.reader), s->floor.aes_bits, s->floor.allow_3des ? "yes" : "no",
	    s->below_count);
	for (size_t i = 0; i < s->below_count; i++)
		printf("request %" PRId64 "\n", s->below[i]);
}

int
act_sealed(const struct config *config, bool json)
{
	OWNED(sealed_free) struct sealed s = {0};
	struct err err;

	if (!look(config, &s, &err))
		return act_failed(&err, 1);
	if (json)
		print_json(&s);
	else
		print_text(&s);
	return s.below_count > 0 ? ACT_FINDINGS : 0;
}
