/*
 * Attribute types of names and their keywords, for the printer and the parser of names. Not for
 * other rooms.
 */
#ifndef MESSAGES_PKIX_NAME_H
#define MESSAGES_PKIX_NAME_H

struct pkix_attr_type {
	const char *name; /* NULL ends the table; the first keyword of a type is the printed one */
	int nid;
};
extern const struct pkix_attr_type pkix_attr_types[];

#endif
