/*
 * The parts of settings that only this room needs: ca_set_setting checks a change together with the
 * values that stay.
 */
#ifndef CORE_SETTINGS_PRIV_H
#define CORE_SETTINGS_PRIV_H

#include "ca.h"

/* Finds a setting by its name, without case. */
bool setting_find(const char *name, enum setting *out);
/* Value of a known setting as the number that struct settings holds; E_INVALIDARG names the range.
 */
bool setting_parse(enum setting s, const char *value, int64_t *out, struct err *err);
void settings_default(struct settings *out);
/* Checks the values against each other and derives the cipher. */
bool settings_finish(struct settings *s, struct err *err);

#endif
