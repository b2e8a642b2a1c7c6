/*
 * What systemd is told (sd_notify(3)): one datagram of "NAME=value" lines. These lines are the
 * whole protocol, so that libsystemd would be a dependency for a sendto(2).
 */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

/* Nothing where $NOTIFY_SOCKET is not set; best effort. */
void notify(const char *lines);

#endif
