/*
 * Making attributes: for signed and unsigned ones and for those that CMC carries. Private to cms*.c
 * and cmc*.c.
 */
#ifndef MESSAGES_CMS_ATTR_H
#define MESSAGES_CMS_ATTR_H

#include "buf.h"
#include "cms_asn1.h"

/* Puts the object identifier into a template field, freeing what was there. */
bool cms_object_set(ASN1_OBJECT **field, const char *dotted, struct err *err);
/* `values`: one or more whole values, DER. */
bool cms_attr_push(
    STACK_OF(CMSW_ATTRIBUTE) * list, const char *dotted, struct view values, struct err *err);
/* One value, encoded here; a NULL value is one that there was no memory for. */
bool cms_attr_push_item(STACK_OF(CMSW_ATTRIBUTE) * list, const char *dotted, const ASN1_ITEM *item,
    const void *value, struct err *err);
bool cms_attr_push_octets(
    STACK_OF(CMSW_ATTRIBUTE) * list, const char *dotted, struct view octets, struct err *err);

#endif
