/*
 * Connections shared by threads: taken for one piece of work, given back, reconnected with back-off
 * when broken.
 */
#ifndef LDAP_POOL_H
#define LDAP_POOL_H

#include "conn.h"

struct dir_pool;

/* No connection is made yet; `config` is borrowed for the pool's life. */
bool dir_pool_open(
    const struct dir_config *config, size_t most, struct dir_pool **out, struct err *err);
void dir_pool_close(struct dir_pool **pool);
/* Waits for a free connection, connecting if there is none. After a failure one thread tries again,
 * with back-off (half a second, doubled up to 5 s); the others meanwhile fail at once with
 * DIRCA_E_DIRECTORY_UNAVAILABLE, so that requests do not queue behind a dead or hung directory. */
bool dir_pool_take(struct dir_pool *pool, struct dir_conn **out, struct err *err);
/* Ends a back-off: the directory has just answered somebody else. */
void dir_pool_try_now(struct dir_pool *pool);
/* Broken connections are closed. NULL-safe; *conn becomes NULL. */
void dir_pool_give(struct dir_pool *pool, struct dir_conn **conn);
const struct dir_config *dir_pool_config(const struct dir_pool *pool);

#endif
