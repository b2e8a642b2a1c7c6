/*
 * What is wrong with a CA's key recovery agents, and what the directory says of them against what
 * the CA does, by the answer of /dirca/v1/ca.
 */
#ifndef CLI_DOCTOR_KRAS_H
#define CLI_DOCTOR_KRAS_H

#include <jansson.h>

typedef void doctor_find(void *arg, const char *text, const char *cure);
/* Calls `find` where all agents of a key must open it together, for each agent in use that is not
 * published, and each published one that the KRA store does not have. */
void doctor_kras(const json_t *status, doctor_find *find, void *arg);

#endif
