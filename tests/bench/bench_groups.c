/*
 * Who somebody is, on a warm connection to a directory: the time of principal_find with all groups,
 * beside that of as many bare searches (an entry read by its DN, no attributes) one after another,
 * as groups are found level by level where nothing is foreseen (ahead.h); and how often it waits.
 *
 *   bench_groups --user NAME [--rounds N]     LDAPI_URI: the directory, as its administrator
 *   bench_groups --user NAME --sids           prints the SIDs instead
 *   ... --as DN --password-file FILE          LDAPS_URI, LDAP_CA_FILE: by that account, under the
 *                                             access rules that it has, as the CA does
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ahead.h"
#include "domains.h"
#include "file.h"
#include "groups_priv.h"
#include "principal.h"

static int
give_up(const struct err *err)
{
	fprintf(stderr, "bench_groups: %s\n", err->msg);
	return 1;
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static bool
find(struct dir_conn *c, const char *user, struct principal *p, struct err *err)
{
	switch (principal_find(c, user, p, err)) {
	case DIR_FOUND:
		return true;
	case DIR_NOT_FOUND:
		return err_set(err, ERROR_FILE_NOT_FOUND, "there is no %s", user);
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}

/* One search for the name, one for what stands for the principal, and one a level with as many
 * filters as it needs; each in every place where principals may be. */
static bool
count_searches(struct dir_conn *c, const struct principal *p, size_t *searches_out,
    size_t *levels_out, struct err *err)
{
	const struct group_subject s = {.dn = p->dn, .sid = &p->sid};
	struct group_walk w;
	size_t from = 0;
	bool ok = group_walk_run(c, &s, &w, err);

	*searches_out = 2;
	*levels_out = w.levels;
	for (size_t i = 0; ok && i < w.levels; i++) {
		*searches_out += (w.level_end[i] - from + GROUP_FILTER_MEMBERS_MAX - 1) /
				 GROUP_FILTER_MEMBERS_MAX;
		from = w.level_end[i];
	}
	*searches_out *= dir_domains(c)->bases.count;
	group_walk_free(&w);
	return ok;
}

static bool
bare(struct dir_conn *c, const char *dn, size_t searches, struct err *err)
{
	for (size_t i = 0; i < searches; i++) {
		struct dir_entries found;

		if (!dir_search(c,
			&(struct dir_query){.base = dn,
			    .filter = "(objectClass=*)",
			    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
			&found, err))
			return false;
		dir_entries_free(&found);
	}
	return true;
}

/* One round of both, so that both meet the same neighbours on the machine. */
static bool
measure(struct dir_conn *c, const char *user, const char *dn, size_t searches, double *whole,
    double *floor, struct err *err)
{
	struct principal p;
	double start = now_ms();

	if (!find(c, user, &p, err))
		return false;
	*whole = now_ms() - start;
	principal_free(&p);
	start = now_ms();
	if (!bare(c, dn, searches, err))
		return false;
	*floor = now_ms() - start;
	return true;
}

static bool
run(struct dir_conn *c, const char *user, size_t rounds, struct err *err)
{
	double *whole = calloc(rounds, sizeof *whole), *floor = calloc(rounds, sizeof *floor);
	size_t searches, levels, groups, waits;
	struct principal p;
	bool ok = false;

	if (whole == NULL || floor == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!find(c, user, &p, err))
		goto out;
	groups = p.sids.count;
	waits = dir_conn_waits(c);
	principal_free(&p);
	if (!find(c, user, &p, err))
		goto out;
	waits = dir_conn_waits(c) - waits;
	ok = count_searches(c, &p, &searches, &levels, err);
	for (size_t i = 0; ok && i < rounds; i++)
		ok = measure(c, user, p.dn, searches, &whole[i], &floor[i], err);
	principal_free(&p);
	if (!ok)
		goto out;
	qsort(whole, rounds, sizeof *whole, by_value);
	qsort(floor, rounds, sizeof *floor, by_value);
	printf(
	    "sids %zu levels %zu searches %zu waits %zu p50_ms %.2f p99_ms %.2f bare_p50_ms %.2f "
	    "bare_p99_ms %.2f ratio %.2f\n",
	    groups, levels, searches, waits, whole[rounds / 2], whole[rounds * 99 / 100],
	    floor[rounds / 2], floor[rounds * 99 / 100], whole[rounds / 2] / floor[rounds / 2]);
out:
	free(whole);
	free(floor);
	return ok;
}

static bool
print_sids(struct dir_conn *c, const char *user, struct err *err)
{
	struct principal p;
	char text[SID_TEXT_MAX];

	if (!find(c, user, &p, err))
		return false;
	for (size_t i = 0; i < p.sids.count; i++) {
		sid_to_text(&p.sids.list[i], text);
		puts(text);
	}
	principal_free(&p);
	return true;
}

struct options {
	const char *user, *as, *password_file;
	size_t rounds;
	bool sids;
};

static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"user", required_argument, NULL, 'u'},
	    {"rounds", required_argument, NULL, 'r'}, {"sids", no_argument, NULL, 's'},
	    {"as", required_argument, NULL, 'a'}, {"password-file", required_argument, NULL, 'p'},
	    {NULL, 0, NULL, 0}};
	int option;

	*o = (struct options){.rounds = 200};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'u':
			o->user = optarg;
			break;
		case 'r':
			o->rounds = strtoul(optarg, NULL, 10);
			break;
		case 's':
			o->sids = true;
			break;
		case 'a':
			o->as = optarg;
			break;
		case 'p':
			o->password_file = optarg;
			break;
		default:
			return false;
		}
	}
	return o->user != NULL && o->rounds > 0 && (o->as == NULL) == (o->password_file == NULL);
}

int
main(int argc, char **argv)
{
	struct dir_config config = {.uris = getenv("LDAPI_URI"), .auth = DIR_AUTH_EXTERNAL};
	struct secret password = {0};
	struct dir_conn *c;
	struct options o;
	struct err err;
	bool ok;

	signal(SIGPIPE, SIG_IGN);
	if (!read_options(argc, argv, &o))
		return 2;
	if (!secret_heap_init(65536, true, &err))
		return give_up(&err);
	if (o.as != NULL) {
		if (!file_read_secret(o.password_file, 256, &password, &err))
			return give_up(&err);
		config = (struct dir_config){.uris = getenv("LDAPS_URI"),
		    .auth = DIR_AUTH_SIMPLE,
		    .bind_dn = o.as,
		    .password = &password,
		    .tls_ca_file = getenv("LDAP_CA_FILE")};
	}
	if (!dir_connect(&config, &c, &err))
		return give_up(&err);
	ok = o.sids ? print_sids(c, o.user, &err) : run(c, o.user, o.rounds, &err);
	dir_disconnect(&c);
	secret_free(&password);
	return ok ? 0 : give_up(&err);
}
