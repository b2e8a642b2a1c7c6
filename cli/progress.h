/* One line on the terminal that says how far work of many units is: written over by the next, and
 * gone at the end. Nowhere else is anything said. Numbers and own words only: no filter
 * (screen.h), which lets no return through, is between it and the terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

void progress_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Before anything else is printed. */
void progress_clear(void);

#endif
