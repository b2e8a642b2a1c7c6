/*
 * What makes a template an escalation: certificates with which somebody can pass for somebody else.
 * Pure predicates, shared by the CA, which refuses what is certain, and by lint.
 */
#ifndef TEMPLATES_ESCALATION_H
#define TEMPLATES_ESCALATION_H

#include "tmpl.h"

/* Certificates of the template can be used to log on: client authentication, PKINIT, smart card
 * logon or any purpose, by application policies where there are some, else by extended key usage;
 * without either, any purpose. */
bool tmpl_authenticates(const struct tmpl *t);
/* Any purpose is among its purposes, or it names none. */
bool tmpl_is_any_purpose(const struct tmpl *t);
/* Its purposes hold this OID itself. */
bool tmpl_has_purpose(const struct tmpl *t, const char *oid);
/* Neither a certificate manager nor a registration authority looks at a request. */
bool tmpl_is_unattended(const struct tmpl *t);
/* Whoever enrolls chooses the name under which the certificate logs on, and nobody looks at it
 * (known as ESC1). CA certificates, whose names are chosen by their nature, do not count. */
bool tmpl_is_certain_escalation(const struct tmpl *t);

#define OID_ANY_PURPOSE               "2.5.29.37.0"
#define OID_SERVER_AUTHENTICATION     "1.3.6.1.5.5.7.3.1"
#define OID_CLIENT_AUTHENTICATION     "1.3.6.1.5.5.7.3.2"
#define OID_CERTIFICATE_REQUEST_AGENT "1.3.6.1.4.1.311.20.2.1"
#define OID_KEY_RECOVERY_AGENT        "1.3.6.1.4.1.311.21.6"

#endif
