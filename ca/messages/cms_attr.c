#include "cms_attr.h"

#include <openssl/objects.h>

#include "der.h"

bool
cms_object_set(ASN1_OBJECT **field, const char *dotted, struct err *err)
{
	ASN1_OBJECT *o = OBJ_txt2obj(dotted, 1);

	if (o == NULL)
		return err_openssl(err, E_INVALIDARG, "'%s' is not an object identifier", dotted);
	ASN1_OBJECT_free(*field);
	*field = o;
	return true;
}

bool
cms_attr_push(
    STACK_OF(CMSW_ATTRIBUTE) * list, const char *dotted, struct view values, struct err *err)
{
	OWNED(own_cmsw_attribute) CMSW_ATTRIBUTE *a = CMSW_ATTRIBUTE_new();

	if (a == NULL)
		return err_nomem(err);
	ASN1_STRING_free(a->values);
	a->values = NULL;
	if (!cms_object_set(&a->type, dotted, err) || !der_set_wrap(values, &a->values, err))
		return false;
	if (sk_CMSW_ATTRIBUTE_push(list, a) <= 0)
		return err_nomem(err);
	a = NULL;
	return true;
}

bool
cms_attr_push_item(STACK_OF(CMSW_ATTRIBUTE) * list, const char *dotted, const ASN1_ITEM *item,
    const void *value, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	return value != NULL ? der_encode(item, value, dotted, &der, err) &&
				   cms_attr_push(list, dotted, buf_view(&der), err)
			     : err_nomem(err);
}

bool
cms_attr_push_octets(
    STACK_OF(CMSW_ATTRIBUTE) * list, const char *dotted, struct view octets, struct err *err)
{
	OWNED(own_asn1_string) ASN1_STRING *s = der_string_new(V_ASN1_OCTET_STRING, octets);

	return cms_attr_push_item(list, dotted, ASN1_ITEM_rptr(ASN1_OCTET_STRING), s, err);
}
