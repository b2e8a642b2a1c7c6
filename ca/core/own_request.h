/*
 * Nobody decides about himself: whether what a certificate manager decides about is the manager's
 * own. The SID says who somebody is where both sides have one, else name or DN. Every refusal is
 * DIRCA_E_OWN_REQUEST; allow_own_requests of dircad.conf, which is root's, turns all of them off.
 */
#ifndef CORE_OWN_REQUEST_H
#define CORE_OWN_REQUEST_H

#include "ca.h"

/* The request was made for the officer, or by the officer as an enrollment agent, or its
 * certificate holds the officer's UPN, or was imported without an owner and has one of the
 * officer's names. */
bool own_check_row(const struct ca *ca, const struct principal *officer,
    const struct store_request *row, struct err *err);
/* Is the officer whoever was written down under this SID and name? NULL: not written down. For what
 * he may do as that one: without a SID the name is compared as it is spelled, but for ASCII case.
 */
bool own_is_recorded_as(const struct principal *officer, const char *sid_text, const char *name);
/* `person` is whom a request was made by or for, as the directory knows them now. */
bool own_check_person(const struct ca *ca, const struct principal *officer,
    const struct principal *person, struct err *err);
/* Names that the requester chose and that would be certified: subject, values of the extensions
 * subjectAltName and 25.2. Empty views: there is none. */
struct own_names {
	struct view subject, san, sid;
};
bool own_check_names(const struct ca *ca, const struct principal *officer,
    const struct own_names *names, struct err *err);

#endif
