/*
 * Changes to certificate manager restrictions, for `dirca officer`. Pure; the rules are copied in.
 */
#ifndef SECURITY_OFFICER_EDIT_H
#define SECURITY_OFFICER_EDIT_H

#include "officer.h"

/* Restrictions that restrict nobody yet: each of these officers may act for everyone and every
 * template. What Windows begins with, so that nobody is locked out by turning restrictions on.
 * officer_rules_free(). */
bool officer_rules_begin(const struct sids *officers, struct officer_rules *out, struct err *err);

/* Adds a copy: denials behind the last denial, which is before every grant, grants at the end.
 * *at_out: its place, or the place of an equal rule that is there already (*added_out false). */
bool officer_rules_add(struct officer_rules *rules, const struct officer_rule *rule, size_t *at_out,
    bool *added_out, struct err *err);
void officer_rules_remove(struct officer_rules *rules, size_t at);
bool officer_rules_name(const struct officer_rules *rules, const struct sid *officer);

/* A rule that leaves nothing to decide to the rule at `at`, seen without group memberships: a
 * denial that covers a grant, or an earlier rule of the same kind that covers it. -1: none. */
int officer_rules_shadow(const struct officer_rules *rules, size_t at);

#endif
