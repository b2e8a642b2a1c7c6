/* What a thread of the front does whose socket to the vault is of no more use. */
#ifndef SERVICE_VAULT_LOST_H
#define SERVICE_VAULT_LOST_H

#include "vault.h"

/* Nothing mends one socket: the first that is lost has the front end in good order, and the
 * supervisor starts both again. */
void vault_lost(const struct vault *v);

#endif
