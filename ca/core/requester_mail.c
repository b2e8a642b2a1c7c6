#include "notices.h"

#include "own.h"

struct mail_of {
	const char *dn;
	char **out;
};

static bool
read_mail(struct dir_conn *c, void *arg, struct err *err)
{
	const struct mail_of *m = arg;
	OWNED(dir_entries_free) struct dir_entries found = {0};

	return dir_search(c,
		   &(struct dir_query){.base = m->dn,
		       .filter = "(objectClass=*)",
		       .attrs = (const char *const[]){"mail", NULL}},
		   &found, err) &&
	       (found.count == 0 ||
		   dir_entry_text(&found.list[0], "mail", m->out, err) != DIR_GET_FAILED);
}

bool
ca_requester_mail(struct ca *ca, int64_t request_id, char **out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(principal_free) struct principal p = {0};
	struct principal_record record;
	struct mail_of mail = {.out = out};

	*out = NULL;
	if (!ca_get_row(ca, request_id, &row, err))
		return false;
	record = ca_requester_of(&row);
	switch (ca_find_recorded(ca, &record, &p, err)) {
	case DIR_FOUND:
		mail.dn = p.dn;
		return ca_directory_do(ca, read_mail, &mail, err);
	case DIR_NOT_FOUND:
		return true;
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}
