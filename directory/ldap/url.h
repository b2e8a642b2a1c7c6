/* URLs of the directory (RFC 4516). */
#ifndef LDAP_URL_H
#define LDAP_URL_H

#include "conn.h"

struct dir_url {
	char *host; /* "": none is named */
	char *dn;
	char *attr;   /* the first one, without options; NULL: none */
	char *filter; /* never NULL */
	enum dir_scope scope;
};
/* E_INVALIDARG if it is no LDAP URL, or has a scope or critical extension that is unknown. */
bool dir_url_parse(const char *text, struct dir_url *out, struct err *err);
void dir_url_free(struct dir_url *u);

#endif
