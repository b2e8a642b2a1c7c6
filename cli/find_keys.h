/*
 * The archived keys that a search token names, on every CA of the directory: all are asked side by
 * side, each for so long at most, and those that gave no answer are remembered.
 */
#ifndef CLI_FIND_KEYS_H
#define CLI_FIND_KEYS_H

#include <jansson.h>

#include "http_client.h"
#include "session.h"
#include "texts.h"

struct found_keys {
	const struct pki_service *service; /* NULL: the CA behind --socket */
	json_t *candidates;                /* array, of those that were wanted */
	json_t *agents;                    /* array: who can open them, as far as known */
	long long hidden;                  /* by officer restrictions */
	struct err refusal;                /* why, for the first of the hidden ones */
	long long revoked;                 /* left out for want of --include-revoked */
	long long others;                  /* left out by --since and --template */
	struct http_client *http;          /* signed in, of the only CA; NULL: there is none */
};

struct key_search {
	struct session *session;
	const char *token;
	char *template;          /* of --template, as rows have it; NULL: any */
	struct found_keys *list; /* of the CAs that answered */
	size_t count;
	size_t total;            /* candidates */
	bool exact;              /* one is what the token says, wherever else one looks */
	struct texts unanswered; /* CAs without an answer: what they are called, and why */
	struct err failure;      /* of the first of them; ERR_OK: all answered */
};

/* Asks; the words of progress and of failure are on stderr. False: nothing was learnt. */
bool find_keys(struct session *session, const char *token, struct key_search *out, struct err *err);
void key_search_free(struct key_search *s);

const char *found_host(const struct found_keys *f);
const char *found_name(const struct key_search *s, const struct found_keys *f);
/* What is known of an agent by the hash of his certificate, as the CA has it; NULL: nothing. */
const json_t *found_agent(const struct found_keys *f, const char *hash);
/* Could there be more than was found? */
bool key_search_is_incomplete(const struct key_search *s);

#endif
