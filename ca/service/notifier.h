/*
 * Tells people and programs outside of events (docs/EVENTS.md): a thread takes what was raised
 * (notices.h) and runs the program, sends the mail that dircad.conf names. It holds nobody up; what
 * cannot be told is logged and counted.
 */
#ifndef SERVICE_NOTIFIER_H
#define SERVICE_NOTIFIER_H

#include "ca.h"

struct notifier;
/* DIRCA_E_CONFIG: event_hook_on or event_mail_on names what is no event, or there is a bad address.
 */
bool notifier_start(struct ca *ca, struct notifier **out, struct err *err);
void notifier_stop(struct notifier **n);

#endif
