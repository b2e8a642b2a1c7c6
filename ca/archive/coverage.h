/*
 * Who can open archived keys, and what is lost when some of them leave: counted over the
 * combinations of agents that keys are sealed to. Pure: what keys there are is the database's, who
 * of the agents lives is told by who knows.
 */
#ifndef ARCHIVE_COVERAGE_H
#define ARCHIVE_COVERAGE_H

#include "buf.h"
#include "texts.h"

struct coverage_agent {
	uint8_t sha1[20]; /* of the certificate */
	bool lives;       /* who knows sets it, and, if he does, until when */
	int64_t until;
	bool leaves;    /* who asks sets it */
	char *subject;  /* of the certificate, where that is known */
	int64_t ends;   /* the same; 0: not known */
	int64_t keys;   /* that are sealed to it */
	int64_t alone;  /* to no more than it takes to open them: without it nobody does */
	int64_t last;   /* that nobody opens who lives, without it */
	int64_t single; /* that it opens without the share of another */
	uint8_t
	    key[32]; /* SHA-256 of its public key, which makes one agent of several certificates */
	bool key_known; /* who knows sets it */
	int64_t proved; /* he opened keys after that time, as a drill showed; 0: never; the same */
	struct {
		int64_t opened; /* 0: there was none */
		bool reported, whole;
	} drill; /* his newest; the same */
};

/* Keys that the same agents can open, in whatever order they were named. */
struct coverage_set {
	size_t *agents; /* indexes, each once, ascending */
	size_t count;
	size_t threshold;    /* of them open a key together; 1: each alone */
	struct texts hashes; /* as the rows have them */
	int64_t keys;
	size_t living, left; /* those that live; of them those that do not leave */
	int64_t until;       /* when too few of them are left; 0: too few live */
};
bool coverage_is_open(const struct coverage_set *s); /* do enough of them live? */

struct coverage {
	struct coverage_agent *agents;
	size_t agent_count;
	struct coverage_set *sets;
	size_t set_count;
	int64_t keys;
	int64_t uncovered; /* that too few open who live */
	int64_t lost;      /* sealed to one who leaves, and to too few who live and stay */
};
void coverage_free(struct coverage *c);
/* So many keys with these KeyRecoveryHashes. ERROR_INVALID_DATA: they are none. */
bool coverage_add(struct coverage *c, const char *hashes, int64_t keys, struct err *err);
/* NULL: no key is sealed to it. */
struct coverage_agent *coverage_find(const struct coverage *c, struct view sha1);
/* Counts, for what is known of the agents now; as often as that changes. */
void coverage_count(struct coverage *c);

/* What ends by that time: keys of which too few agents live longer than that. */
struct coverage_end {
	int64_t keys;
	size_t sets;
	int64_t first;                      /* when the first of these ends; 0: none */
	const struct coverage_agent *agent; /* who is the last of them */
};
struct coverage_end coverage_ends(const struct coverage *c, int64_t by);

/* Agents who live and have keys that they could show that they open, and have not since that time:
 * how many, and who of them is first; one with several certificates counts once. */
size_t coverage_unproved(
    const struct coverage *c, int64_t since, const struct coverage_agent **first_out);
/* Agents who live, and whose newest drill lacks keys: in his report, or since there is none and it
 * was opened before that time. As above. */
size_t coverage_incomplete(
    const struct coverage *c, int64_t before, const struct coverage_agent **first_out);

#endif
