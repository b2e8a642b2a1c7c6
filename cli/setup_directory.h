/*
 * What `dirca setup` has done in the directory before the CA is made: schema and containers, SIDs
 * for the people of an ordinary tree, the rights of the service's account.
 */
#ifndef CLI_SETUP_DIRECTORY_H
#define CLI_SETUP_DIRECTORY_H

#include "work.h"

/* As the person of the session, if the caller named one. With --prepare, or if he says yes at the
 * terminal; otherwise the commands are shown where nothing can follow without them:
 * DIRCA_E_CONFIG. */
bool setup_directory(struct work *w, struct err *err);

#endif
