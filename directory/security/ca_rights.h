/*
 * The CA's own rights, dircaCASecurity ([MS-CSRA] 3.1.1.7): names of the bits, and
 * changes to the descriptor. Pure.
 */
#ifndef SECURITY_CA_RIGHTS_H
#define SECURITY_CA_RIGHTS_H

#include "sd.h"

#define CA_RIGHT_ADMIN    0x001u
#define CA_RIGHT_OFFICER  0x002u
#define CA_RIGHT_AUDITOR  0x004u
#define CA_RIGHT_OPERATOR 0x008u
#define CA_RIGHT_READ     0x100u
#define CA_RIGHT_ENROLL   0x200u

struct ca_right {
	uint32_t mask;
	const char *word; /* for command lines: "officer" */
	const char *name; /* as Windows shows it: "Issue and Manage Certificates" */
};
extern const struct ca_right ca_rights[];
extern const size_t ca_right_count;

const char *ca_right_name(uint32_t right);
/* By word or name, without case; 0 if there is none. */
uint32_t ca_right_by_text(const char *text);

/* What a CA has whose service object holds no descriptor: authenticated users enroll, nobody
 * manages. sd_free(). */
bool ca_rights_initial(struct sd *out, struct err *err);

/* Who has which role. */
struct ca_roles {
	struct sids admins, officers, auditors;
};
void ca_roles_free(struct ca_roles *roles);
/* Enroll for Authenticated Users ([MS-CSRA] 3.1.1.10), and what the roles give: each can read. Who
 * is not said to be certificate manager, the administrators are (paper, "Configuring Certificate
 * Managers"). sd_free(). */
bool ca_rights_of_roles(const struct ca_roles *roles, struct sd *out, struct err *err);

/* Gives the rights to the trustee, or denies them, in one explicit ACE of it. *changed_out false:
 * it had them already. A NULL DACL is refused. Data of other ACEs stays where it points. */
bool ca_rights_grant(struct sd *sd, const struct sid *trustee, uint32_t mask, bool deny,
    bool *changed_out, struct err *err);
/* Takes the rights out of the trustee's explicit grants, or denials; ACEs left without a right go.
 */
void ca_rights_revoke(
    struct sd *sd, const struct sid *trustee, uint32_t mask, bool deny, bool *changed_out);
/* E_INVALIDARG if the trustee itself holds one of the rights after that: by an inherited ACE, say,
 * which is not changed here. */
bool ca_rights_check_revoked(
    const struct sd *sd, const struct sid *trustee, uint32_t mask, struct err *err);

/* Who can use the right, as far as a descriptor tells without knowing groups (sd_effective.h).
 *. sids_free(). */
bool ca_rights_holders(const struct sd *sd, uint32_t right, struct sids *out, struct err *err);
/* CERTSRV_E_NO_CAADMIN_DEFINED if nobody would be left with Manage CA. */
bool ca_rights_check(const struct sd *sd, struct err *err);

#endif
