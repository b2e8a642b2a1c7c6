/* Whence the CA knows templates, rights and people: chosen here, once. */
#include "ca_priv.h"

const struct ca_source *
ca_source_of(const struct config *config)
{
	return config->standalone ? &ca_source_local : &ca_source_directory;
}

static enum dir_find
find(struct ca *ca, const struct ca_wanted *w, struct principal *out, struct err *err)
{
	*out = (struct principal){0};
	return ca->source->find(ca, w, out, err);
}

enum dir_find
ca_find(struct ca *ca, const char *token, struct principal *out, struct err *err)
{
	return find(ca, &(struct ca_wanted){.token = token}, out, err);
}

enum dir_find
ca_find_account(struct ca *ca, const char *token, struct principal *out, struct err *err)
{
	return find(ca, &(struct ca_wanted){.account = token}, out, err);
}

enum dir_find
ca_find_identity(struct ca *ca, const struct identity *id, struct principal *out, struct err *err)
{
	return find(ca, &(struct ca_wanted){.identity = id}, out, err);
}

/* A certificate begins no later than it was asked for: whoever was made after that is another. */
struct principal_record
ca_requester_of(const struct store_request *row)
{
	return (struct principal_record){.sid = row->requester_sid,
	    .dn = row->requester_dn,
	    .name = row->requester_name,
	    .when = row->submitted_when != 0 ? row->submitted_when : row->not_before};
}

enum dir_find
ca_find_recorded(
    struct ca *ca, const struct principal_record *r, struct principal *out, struct err *err)
{
	return find(ca, &(struct ca_wanted){.record = r}, out, err);
}
