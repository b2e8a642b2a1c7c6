/*
 * The list of KRAs that keys are sealed to (kra_policy.h), as verbs on the CA's machine change it:
 * each change recorded before it is made.
 */
#ifndef CLI_KRA_ENABLED_H
#define CLI_KRA_ENABLED_H

#include "signed_kras.h"
#include "texts.h"
#include "trust.h"
#include "work.h"

/* Who may have issued KRA certificates of this CA. trust_issuers_free. */
bool kra_issuers_read(const struct config *config, struct trust_issuers *out, struct err *err);
/* Is it as long as a SHA-1 or SHA-256, as lists show them? Then it is nothing else: whoever chooses
 * a name or a serial number does not pass for another's hash. */
bool kra_is_hash(const char *what);
/* Is it that one: its SHA-1, SHA-256, serial number, common name, UPN or whole subject? */
bool kra_is_called(const struct pkix_cert *cert, const char *what);
/* The one of the list that is called so; NULL: none is. Of several TYPE_E_AMBIGUOUSNAME says what
 * they are, and the hash of each. */
bool kra_called(const struct pkix_cert *list, size_t count, const char *what, const char *they_are,
    char *(*hash_of)(const struct pkix_cert *), const struct pkix_cert **out, struct err *err);
/* As kra_validate. One whose issuer root did not take is refused with the command that takes it,
 * where the directory has that CA. */
bool kra_validate_here(struct work *w, const struct pkix_cert *kra,
    const struct trust_issuers *issuers, struct err *err);
/* Says to how many of how many agents each key is sealed now; nothing before there is a list. */
bool kra_say_state(const struct work *w, struct err *err);
/* What the CA's vault signed of KRAs, for root to see. signed_kras_close. */
bool kra_signed_read(const struct config *config, struct signed_kras *out, struct err *err);
/* Into the KRA store, if it is not there, with a record of it before. Says what it did. */
bool kra_put(const struct work *w, const struct pkix_cert *kra, struct err *err);
/* Enables one of the KRA store, if it is not. The first has each key sealed to one agent, or to
 * kra_minimum of dircad.conf. Says what it did. */
bool kra_enable(const struct work *w, const struct pkix_cert *kra, struct err *err);
/* What is to be removed is no longer enabled. One that is not in the store passes. */
bool kra_forget(const struct work *w, const char *sha1_hex, struct err *err);
/* May these (SHA-1; NULL-terminated) leave? Says what hangs on them, and asks if there are keys
 * that nobody else opens who lives. */
bool kra_may_leave(
    const struct work *w, const char *const *hashes, const char *question, struct err *err);
/* The SHA-1 of each, which is named as for `kra disable`, or by it. */
bool kra_hashes(
    const struct work *w, const struct cli_list *names, struct texts *out, struct err *err);

#endif
