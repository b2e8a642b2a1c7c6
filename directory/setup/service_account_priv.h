/*
 * What the kinds of servers share when they are told what dircad's account may do. Inside of this
 * folder only.
 */
#ifndef SETUP_SERVICE_ACCOUNT_PRIV_H
#define SETUP_SERVICE_ACCOUNT_PRIV_H

#include "service_account.h"
#include "setup_priv.h"

/* What dircad reads of people, groups and domains, and this schema has. free() */
char *service_account_reads(const struct dir_entry *subschema, const char *between);
/* What it searches by. */
void service_account_searches(const struct dir_entry *subschema, struct texts *out);

/* The container of the domains' names, without which those of another domain stay unknown. free()
 */
char *service_account_partitions(const struct dir_conn *c);

/* Whether an access rule is about that attribute. */
typedef bool service_account_covers(const void *rule, const char *attr);
/* Warns of a rule that lets people write, if it is about an attribute that they must not. */
void service_account_warn(const char *where, const char *text, service_account_covers *covers,
    const void *rule, struct texts *out);

/* 389 Directory Server, as an account that sees cn=config. */
bool service_account_389(
    struct dir_conn *c, const char *dn, struct service_account *out, struct err *err);
/* Until the server has filled the indexes that the changes made. */
bool service_account_389_wait(struct dir_conn *c, const struct ldif *changes, struct err *err);

/* Active Directory and Samba AD. */
bool service_account_ad(
    struct dir_conn *c, const char *dn, struct service_account *out, struct err *err);

#endif
