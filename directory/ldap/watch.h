/*
 * Tells that something under one entry of the configuration changed, on a connection of its own.
 * How is chosen by what the server offers (conn.h): syncrepl refreshAndPersist, change
 * notification, and where neither is to be had, polling. Whatever tells first, a comparison of
 * change numbers of all entries decides, and is made from time to time besides: it catches what the
 * server did not tell (Samba tells late), and finds a server that hangs. One thread at a time.
 */
#ifndef LDAP_WATCH_H
#define LDAP_WATCH_H

#include "conn.h"

struct dir_watch;
enum dir_watch_event {
	DIR_WATCH_NOTHING, /* time is over, or `wake_fd` is readable */
	DIR_WATCH_CHANGED, /* one answer for any number of changes */
	DIR_WATCH_BROKEN   /* err says why: close, open again, and read everything again */
};

/* Connects, and watches "<rdns>,<configurationNamingContext>" from its return on: what changed
 * before must be read after it. `poll_s` (at least 1) counts where polling is the only way.
 * `config` is borrowed. */
bool dir_watch_open(const struct dir_config *config, const char *rdns, int poll_s,
    struct dir_watch **out, struct err *err);
void dir_watch_close(struct dir_watch **w);
/* Waits. `wake_fd` may be -1. */
enum dir_watch_event dir_watch_wait(
    struct dir_watch *w, int timeout_ms, int wake_fd, struct err *err);
/* The way in use, and why it is not the best one of the rootDSE; NULL if it is. */
enum dir_watching dir_watch_how(const struct dir_watch *w);
const char *dir_watch_why(const struct dir_watch *w);
const char *dir_watch_uri(const struct dir_watch *w);

#endif
