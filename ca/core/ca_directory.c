/* Work on the directory, on a connection of the pool. */
#include "ca_priv.h"

bool
ca_directory_do(struct ca *ca, ca_directory_work *work, void *arg, struct err *err)
{
	struct dir_conn *c = NULL;
	bool ok = false, again = true;

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

/* Whom to find, by one of three. */
struct wanted {
	const char *token;
	const struct identity *identity;
	const struct principal_record *record;
	struct principal *out;
	enum dir_find found;
};

static bool
find_wanted(struct dir_conn *c, void *arg, struct err *err)
{
	struct wanted *w = arg;

	if (w->token != NULL)
		w->found = principal_find(c, w->token, w->out, err);
	else if (w->identity != NULL)
		w->found = principal_find_identity(c, w->identity, w->out, err);
	else
		w->found = principal_find_recorded(c, w->record, w->out, err);
	return w->found != DIR_FIND_FAILED;
}

static enum dir_find
find(struct ca *ca, struct wanted *w, struct err *err)
{
	*w->out = (struct principal){0};
	return ca_directory_do(ca, find_wanted, w, err) ? w->found : DIR_FIND_FAILED;
}

enum dir_find
ca_find(struct ca *ca, const char *token, struct principal *out, struct err *err)
{
	return find(ca, &(struct wanted){.token = token, .out = out}, err);
}

enum dir_find
ca_find_identity(struct ca *ca, const struct identity *id, struct principal *out, struct err *err)
{
	return find(ca, &(struct wanted){.identity = id, .out = out}, err);
}

enum dir_find
ca_find_recorded(
    struct ca *ca, const struct principal_record *r, struct principal *out, struct err *err)
{
	return find(ca, &(struct wanted){.record = r, .out = out}, err);
}
