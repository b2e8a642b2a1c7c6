/* Words of commands that people are told to type, as a shell takes them. Each free(). */
#ifndef BASE_COMMAND_H
#define BASE_COMMAND_H

/* One word, whatever is in it: within single quotes nothing means anything but their end. */
char *command_quoted(const char *text);
/* The same, without quotes where none are needed. */
char *command_word(const char *text);
/* A file's name, which is never taken for an option. */
char *command_file(const char *name);

#endif
