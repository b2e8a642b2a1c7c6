/* One program at a time that has the state folder for itself. */
#ifndef HOME_STATE_LOCK_H
#define HOME_STATE_LOCK_H

#include "config.h"

/* Two services on one state folder would each make what the other does not know. Given up when
 * *fd_out is closed, or the process ends, however it does. DIRCA_E_CONFIG: dircad runs. */
bool state_lock(const struct config *config, int *fd_out, struct err *err);

#endif
