/* A directory as the source of templates, rights and people; work on a connection of the pool. */
#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

/* Connections beyond one for each worker: housekeeping and authentication. */
#define SPARE_CONNECTIONS 2

static bool
open_directory(struct ca *ca, struct err *err)
{
	struct ca_state *s = ca->state;

	if (!config_directory(ca->config, &s->directory_config, err))
		return false;
	s->directory_config.preferred = &s->preferred_uri;
	return dir_pool_open(&s->directory_config, (size_t)ca->config->workers + SPARE_CONNECTIONS,
	    &ca->directory, err);
}

bool
ca_directory_do(struct ca *ca, ca_directory_work *work, void *arg, struct err *err)
{
	struct dir_conn *c = NULL;
	bool ok = false, again = true;

	/* What opens a directory says that there is none. */
	if (ca->directory == NULL)
		return config_directory(ca->config, &ca->state->directory_config, err);
	/* A kept connection may have been closed by the server meanwhile. */
	for (int tries = 0; !ok && again && tries < 2; tries++) {
		if (!dir_pool_take(ca->directory, &c, err))
			return false;
		ok = work(c, arg, err);
		again = !ok && dir_conn_is_broken(c);
		dir_pool_give(ca->directory, &c);
	}
	return ok;
}

/* ---- the view's part ---- */

/* Says which server the CA works with and how, once and after each change. */
static void
log_server(struct ca_state *s, const struct dir_conn *c)
{
	const struct dir_root *root = dir_conn_root(c);
	char *server = text_printf("%s %s %s %s %s", dir_conn_uri(c), root->vendor,
	    dir_groups_name(root->groups), dir_descriptors_name(root->descriptors),
	    dir_watching_name(root->watching));

	if (s->server != NULL && strcmp(server, s->server) == 0) {
		free(server);
		return;
	}
	free(s->server);
	s->server = server;
	log_info("directory", LOG_STR("uri", dir_conn_uri(c)), LOG_STR("vendor", root->vendor),
	    LOG_STR("groups", dir_groups_name(root->groups)),
	    LOG_STR("descriptors", dir_descriptors_name(root->descriptors)),
	    LOG_STR("watching", dir_watching_name(root->watching)));
}

struct load {
	struct ca_state *state;
	struct pki_snapshot **out;
};

static bool
load_snapshot(struct dir_conn *c, void *arg, struct err *err)
{
	const struct load *l = arg;

	if (!pki_snapshot_load(c, l->out, err))
		return false;
	log_server(l->state, c);
	return true;
}

static bool
read_directory(struct ca *ca, struct ca_view *v, struct err *err)
{
	struct load load = {ca->state, &v->pki};

	v->places_known = true;
	return ca_directory_do(ca, load_snapshot, &load, err);
}

/* ---- people ---- */

struct search {
	const struct ca_wanted *wanted;
	struct principal *out;
	enum dir_find found;
};

static bool
find_wanted(struct dir_conn *c, void *arg, struct err *err)
{
	struct search *s = arg;
	const struct ca_wanted *w = s->wanted;

	if (w->token != NULL)
		s->found = principal_find(c, w->token, s->out, err);
	else if (w->account != NULL)
		s->found = principal_find_token_account(c, w->account, s->out, err);
	else if (w->identity != NULL)
		s->found = principal_find_identity(c, w->identity, s->out, err);
	else
		s->found = principal_find_recorded(c, w->record, s->out, err);
	return s->found != DIR_FIND_FAILED;
}

static enum dir_find
find_in_directory(struct ca *ca, const struct ca_wanted *w, struct principal *out, struct err *err)
{
	struct search s = {.wanted = w, .out = out};

	return ca_directory_do(ca, find_wanted, &s, err) ? s.found : DIR_FIND_FAILED;
}

const struct ca_source ca_source_directory = {
    "directory", open_directory, read_directory, find_in_directory};
