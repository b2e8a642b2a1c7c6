/*
 * Searches that are foreseen. Work that asks the directory one thing after another, because each
 * question follows from the answer before, mostly asks the same as the last time. So what it asked
 * then is remembered, by the name of the work, and sent at once when the work begins; dir_search
 * gives the answer to the question that is asked, if it is exactly the one that was foreseen at
 * that point, and asks as usual otherwise. Questions are remembered and never an answer: whatever
 * the work goes by was read after it began, by the search that it would have sent anyway. From the
 * first question that was not foreseen on, the other answers are thrown away unread. So is an
 * answer that is not a plain success: that question is asked again by itself, so that limits,
 * referrals and refusals are what they are without all this.
 *
 * What is lost is the order. One by one, each answer is younger than the one before; sent together,
 * all are read within one interval after dir_ahead_begin, in an order that is the server's (slapd
 * begins in ours). Each was true at some moment of it: what was taken away before the work began is
 * in none. But of two changes within the interval the second can be seen without the first: a group
 * leaves another and then a person enters it, an account leaves a group and then is enabled, and
 * the work meets a person of both. One by one the same happens to two changes upwards (a person
 * leaves a group, which then enters another). The interval is that of one request, and shorter than
 * one by one; nobody can lengthen it but the directory. Whoever may not be met halfway is changed
 * in two steps with a request's time between them.
 */
#ifndef LDAP_AHEAD_H
#define LDAP_AHEAD_H

#include "conn.h"

/* Until dir_ahead_end, what is searched on the connection is the work of this name. */
void dir_ahead_begin(struct dir_conn *c, const char *name);
/* `keep`: what was asked is what the next one of this name will ask; false: it is forgotten. */
void dir_ahead_end(struct dir_conn *c, bool keep);
/* How often this connection has waited for the server in searches, but for those by the clock; what
 * is sent together counts once. */
size_t dir_conn_waits(const struct dir_conn *c);

#endif
