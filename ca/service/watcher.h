/*
 * The thread that follows the directory's changes and has the housekeeper read it again. It has a
 * connection of its own, and makes it anew, with back-off and on the next URI, when it breaks.
 */
#ifndef SERVICE_WATCHER_H
#define SERVICE_WATCHER_H

#include "housekeeper.h"

struct watcher;
bool watcher_start(
    struct ca *ca, struct housekeeper *housekeeper, struct watcher **out, struct err *err);
/* Before housekeeper_stop. */
void watcher_stop(struct watcher **w);

#endif
