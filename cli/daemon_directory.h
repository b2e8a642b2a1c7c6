/* The directory as verbs of root on the CA's machine reach it: as whom the session options name,
 * else as dircad does, by the lines of its configuration. */
#ifndef CLI_DAEMON_DIRECTORY_H
#define CLI_DAEMON_DIRECTORY_H

#include "conn.h"
#include "work.h"

struct daemon_directory {
	struct dir_conn *conn; /* borrowed: the session's, or the next */
	struct dir_conn *own;
	struct dir_config own_config;
};
/* DIRCA_E_STANDALONE: this CA has none, whoever asks. daemon_directory_close, also on failure. */
bool daemon_directory_open(struct work *w, struct daemon_directory *out, struct err *err);
void daemon_directory_close(struct daemon_directory *d);

#endif
