/*
 * Names of the Internet as certificates hold them: hosts (RFC 5280 4.2.1.6, RFC 1034 3.5, RFC 1123
 * 2.1), mailboxes (RFC 5321 4.1.2) and URIs (RFC 3986 3). ASCII throughout: what is none goes by
 * its A-label (RFC 5280 7.2).
 */
#ifndef BASE_NET_NAME_H
#define BASE_NET_NAME_H

#include <stdbool.h>

/* NULL, or why the text is none, as the end of a sentence: "has an empty label". Underscores are
 * taken, as everybody does (RFC 2181 11); an address is no host, and a last dot belongs to no name
 * of a certificate. The first also takes "*" as the whole first label of several. */
const char *net_host_or_wildcard_why(const char *text);
const char *net_host_why(const char *text);
const char *net_mailbox_why(const char *text);
const char *net_uri_why(const char *text);

#endif
