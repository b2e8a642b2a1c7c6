/*
 * Drills: which archived keys were given to a key recovery agent so that he proves that he opens
 * them, and which he proved. The database holds that what was proved stays so.
 */
#ifndef STORE_STORE_DRILLS_H
#define STORE_STORE_DRILLS_H

#include "store.h"

#define STORE_DRILL_ID   16
#define STORE_DRILL_HASH 32

struct store_drill {
	uint8_t id[STORE_DRILL_ID];
	uint8_t kra[20];       /* SHA-1 of the agent's certificate */
	int64_t opened_when;   /* what is proved was proved after it */
	int64_t reported_when; /* last; 0: never */
	int64_t keys, proved;
	const char *with; /* SHA-1 of those of the agents who give him their shares, with commas
			     between them; NULL: he opens the keys alone; only written */
};
struct store_drill_key {
	int64_t request_id;
	uint8_t sealed[STORE_DRILL_HASH]; /* SHA-256 of the archived key as it is sealed */
	bool proved;
};
struct store_drill_keys {
	struct store_drill_key *list; /* in order of `sealed` */
	size_t count;
};

/* ---- inside a unit of work ---- */
/* With its keys, of which none is proved; no two with one hash. */
bool store_add_drill(struct store_tx *tx, const struct store_drill *d,
    const struct store_drill_key *keys, struct err *err);
/* *done_out: false: it is not one of the drill, or was proved already. */
bool store_prove_drill_key(struct store_tx *tx, struct view drill, struct view sealed, int64_t now,
    bool *done_out, struct err *err);
/* That a report came. */
bool store_note_report(struct store_tx *tx, struct view drill, int64_t now, struct err *err);

/* ---- keys that an agent sealed to others ---- */
/* Inside a unit of work: lets the key of before that batch go, if the row still has `is`. */
bool store_settle_key(struct store_tx *tx, int64_t request_id, struct view batch, struct view is,
    bool *done_out, struct err *err);
/* Who sealed what the row has now (SHA-256): nobody, if the CA did itself, or if it was settled.
 * An agent without `kra` is of before it was noted: `could` are those who could open the key of
 * before, as a row has them. */
struct store_sealer {
	bool known;
	uint8_t kra[20];
	char *could;
};
struct store_sealers {
	struct store_sealer *list;
	size_t count;
};
void store_sealers_free(struct store_sealers *s);
bool store_list_sealers(struct store *s, int64_t request_id, struct view sealed,
    struct store_sealers *out, struct err *err);
/* Who proved that he opens it, in which drill, and with whose shares (as above; NULL: alone). */
struct store_prover {
	uint8_t drill[STORE_DRILL_ID], kra[20];
	char *with;
};
struct store_provers {
	struct store_prover *list;
	size_t count;
};
void store_provers_free(struct store_provers *p);
bool store_list_provers(struct store *s, int64_t request_id, struct view sealed,
    struct store_provers *out, struct err *err);

/* ---- reading ---- */
enum store_find store_get_drill(
    struct store *s, struct view id, struct store_drill *out, struct err *err);
bool store_list_drill_keys(
    struct store *s, struct view id, struct store_drill_keys *out, struct err *err);
void store_drill_keys_free(struct store_drill_keys *k);
/* All of them, oldest first. */
typedef void store_drill_each(const struct store_drill *d, void *arg);
bool store_walk_drills(struct store *s, store_drill_each *each, void *arg, struct err *err);

#endif
