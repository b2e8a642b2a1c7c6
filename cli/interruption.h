/*
 * Work of many units that is told to end (Ctrl-C, SIGTERM, SIGHUP): the unit at work is finished,
 * what was done is said, and the program then ends by the signal, so that a shell sees it. The same
 * signal once more ends it at once. What was ignored before (nohup) stays so.
 */
#ifndef CLI_INTERRUPTION_H
#define CLI_INTERRUPTION_H

#include <stdbool.h>

void interruption_begin(void);
/* Who read standard output is gone: as a signal that came, or, outside of such work, the end of the
 * program, by SIGPIPE and without a word. */
void interruption_of_pipe(void);
bool interruption_came(void);
/* As it was before; does not return where a signal came. */
void interruption_end(void);

#endif
