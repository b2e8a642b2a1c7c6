/*
 * Extensions that say where CRLs are, and those of CRLs (RFC 5280 4.2.1.13, 4.2.1.15, 5.2).
 */
#include "extension_priv.h"

#include "pkix.h"

#define OID_CRL_NUMBER    "2.5.29.20"
#define OID_DELTA         "2.5.29.27"
#define OID_ISSUING_POINT "2.5.29.28"
#define OID_CRL_POINTS    "2.5.29.31"
#define OID_FRESHEST_CRL  "2.5.29.46"
#define OID_NEXT_PUBLISH  "1.3.6.1.4.1.311.21.4"
#define OID_SELF_CDP      "1.3.6.1.4.1.311.21.14"

OWN_POINTER(own_point, DIST_POINT, DIST_POINT_free)
OWN_POINTER(own_point_name, DIST_POINT_NAME, DIST_POINT_NAME_free)
OWN_POINTER(own_issuing_point, ISSUING_DIST_POINT, ISSUING_DIST_POINT_free)

/* fullName of all of them; NULL with err. */
static DIST_POINT_NAME *
full_name(const struct ext_urls *urls, struct err *err)
{
	OWNED(own_point_name) DIST_POINT_NAME *point = DIST_POINT_NAME_new();
	OWNED(own_general_names) GENERAL_NAMES *names = GENERAL_NAMES_new();

	if (point == NULL || names == NULL) {
		err_nomem(err);
		return NULL;
	}
	for (size_t i = 0; i < urls->count; i++)
		if (urls->list[i] != NULL && !ext_add_name(names, GEN_URI, urls->list[i], err))
			return NULL;
	point->type = 0;
	point->name.fullname = own_give(&names);
	return own_give(&point);
}

/* CRLDistributionPoints of one point; none without URLs. */
static bool
push_points(ext_list *list, const char *dotted, const struct ext_urls *urls, struct err *err)
{
	OWNED(own_crl_dist_points) CRL_DIST_POINTS *value = CRL_DIST_POINTS_new();
	OWNED(own_point) DIST_POINT *point = DIST_POINT_new();
	size_t i = 0;

	while (i < urls->count && urls->list[i] == NULL)
		i++;
	if (i == urls->count)
		return true;
	if (value == NULL || point == NULL)
		return err_nomem(err);
	if ((point->distpoint = full_name(urls, err)) == NULL)
		return false;
	if (!sk_DIST_POINT_push(value, point))
		return err_nomem(err);
	point = NULL;
	return ext_push_item(list, dotted, false, value, ASN1_ITEM_rptr(CRL_DIST_POINTS), err);
}

bool
ext_push_cdp(ext_list *list, const struct ext_urls *urls, struct err *err)
{
	return push_points(list, OID_CRL_POINTS, urls, err);
}

bool
ext_push_freshest(ext_list *list, const struct ext_urls *urls, struct err *err)
{
	return push_points(list, OID_FRESHEST_CRL, urls, err);
}

bool
ext_push_self_cdp(ext_list *list, const struct ext_urls *urls, struct err *err)
{
	return push_points(list, OID_SELF_CDP, urls, err);
}

bool
ext_push_issuing_point(ext_list *list, const struct ext_urls *urls, struct err *err)
{
	OWNED(own_issuing_point) ISSUING_DIST_POINT *value = ISSUING_DIST_POINT_new();

	if (value == NULL)
		return err_nomem(err);
	return (value->distpoint = full_name(urls, err)) != NULL &&
	       ext_push_item(
		   list, OID_ISSUING_POINT, true, value, ASN1_ITEM_rptr(ISSUING_DIST_POINT), err);
}

static bool
push_number(ext_list *list, const char *dotted, bool critical, int64_t number, struct err *err)
{
	OWNED(own_asn1_integer) ASN1_INTEGER *n = ASN1_INTEGER_new();

	if (number < 0)
		return err_set(err, E_INVALIDARG, "CRL: a negative CRL number");
	return n != NULL && ASN1_INTEGER_set_int64(n, number) == 1
		   ? ext_push_item(list, dotted, critical, n, ASN1_ITEM_rptr(ASN1_INTEGER), err)
		   : err_nomem(err);
}

bool
ext_push_crl_number(ext_list *list, int64_t number, struct err *err)
{
	return push_number(list, OID_CRL_NUMBER, false, number, err);
}

bool
ext_push_delta_indicator(ext_list *list, int64_t base_number, struct err *err)
{
	return push_number(list, OID_DELTA, true, base_number, err);
}

bool
ext_push_next_publish(ext_list *list, int64_t when, struct err *err)
{
	OWNED(own_asn1_time) ASN1_TIME *value = ASN1_TIME_set(NULL, (time_t)when);

	return value != NULL
		   ? ext_push_item(
			 list, OID_NEXT_PUBLISH, false, value, ASN1_ITEM_rptr(ASN1_TIME), err)
		   : err_openssl(err, E_INVALIDARG, "CRL: %lld is no time", (long long)when);
}
