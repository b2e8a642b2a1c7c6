#include <stdlib.h>
#include <string.h>

#include "conn_priv.h"
#include "dir_change.h"
#include "text.h"
#include "mem.h"
#include "own_ldap.h"

/* [MS-ADTS] 3.1.1.3.4.1.11: of a security descriptor the DACL alone. */
static char sd_flags_oid[] = "1.2.840.113556.1.4.801";
static char sd_flags_dacl[] = {0x30, 0x03, 0x02, 0x01, 0x04};

/* Attributes whose syntax OpenLDAP takes and gives only as `;binary` (RFC 4523 2). In Active
 * Directory and Samba they are octet strings and the option is an error. */
static const char *const binary_attrs[] = {"userCertificate", "cACertificate",
    "certificateRevocationList", "authorityRevocationList", "deltaRevocationList",
    "crossCertificatePair"};

static char *
description(const struct dir_conn *c, const char *attr)
{
	for (size_t i = 0; !c->root.is_ad && i < COUNT_OF(binary_attrs); i++)
		if (text_eq_nocase(attr, binary_attrs[i]))
			return text_printf("%s;binary", attr);
	return mem_text(attr);
}

/* An LDAPMod with room for `count` values. */
static LDAPMod *
mod_new(const struct dir_conn *c, int op, const char *attr, size_t count)
{
	LDAPMod *m = mem_zero(1, sizeof *m);

	m->mod_op = op | LDAP_MOD_BVALUES;
	m->mod_type = description(c, attr);
	m->mod_bvalues = mem_zero(count + 1, sizeof(struct berval *));
	return m;
}

static void
mod_free(LDAPMod *m)
{
	for (size_t k = 0; m->mod_bvalues != NULL && m->mod_bvalues[k] != NULL; k++)
		ber_bvfree(m->mod_bvalues[k]);
	free(m->mod_bvalues);
	free(m->mod_type);
	free(m);
}

static void
mod_value(LDAPMod *m, size_t at, struct view v)
{
	if ((m->mod_bvalues[at] = ber_mem2bv((const char *)v.ptr, v.len, 1, NULL)) == NULL)
		mem_exhausted();
}

static void
own_mods(LDAPMod ***mods)
{
	for (size_t i = 0; (*mods)[i] != NULL; i++)
		mod_free((*mods)[i]);
	free(*mods);
}

/* An attribute with all its values. */
static LDAPMod *
attr_mod(const struct dir_conn *c, int op, const struct dir_attr *a)
{
	LDAPMod *m = mod_new(c, op, a->name, a->count);

	for (size_t k = 0; k < a->count; k++)
		mod_value(m, k, buf_view(&a->values[k]));
	if (a->count == 0) { /* "all values" is no list, not an empty one */
		free(m->mod_bvalues);
		m->mod_bvalues = NULL;
	}
	return m;
}

bool
dir_add(struct dir_conn *c, const struct dir_entry *e, struct err *err)
{
	OWNED(own_mods) LDAPMod **mods = mem_zero(e->count + 1, sizeof(LDAPMod *));
	int rc;

	for (size_t i = 0; i < e->count; i++)
		mods[i] = attr_mod(c, LDAP_MOD_ADD, &e->attrs[i]);
	rc = ldap_add_ext_s(c->ld, e->dn, mods, NULL, NULL);
	return rc == LDAP_SUCCESS || dir_conn_fail(c, rc, err, "adding %s", e->dn);
}

/* One modification; `harmless` is the result that says that nothing was to be done. */
static bool
modify(struct dir_conn *c, const char *dn, int op, const char *attr, const struct view *values,
    size_t count, int harmless, struct err *err)
{
	LDAPMod *mods[2] = {mod_new(c, op, attr, count), NULL};
	int rc;

	for (size_t i = 0; i < count; i++)
		mod_value(mods[0], i, values[i]);
	rc = ldap_modify_ext_s(c->ld, dn, mods, NULL, NULL);
	mod_free(mods[0]);
	return rc == LDAP_SUCCESS || rc == harmless ||
	       dir_conn_fail(c, rc, err, "changing %s of %s", attr, dn);
}

/* One modification of one value. */
static LDAPMod *
mod_of(const struct dir_conn *c, int op, const char *attr, struct view value)
{
	LDAPMod *m = mod_new(c, op, attr, 1);

	mod_value(m, 0, value);
	return m;
}

/* The value is a condition too: the server deletes only what is there, and the attribute is
 * single-valued. */
static bool
swap_failed(struct dir_conn *c, int rc, const char *dn, const char *attr, struct err *err)
{
	switch (rc) {
	case LDAP_NO_SUCH_ATTRIBUTE:
	case LDAP_TYPE_OR_VALUE_EXISTS:
	case LDAP_CONSTRAINT_VIOLATION:
		dir_conn_fail(c, rc, err, "changing %s of %s", attr, dn);
		err->code = DIRCA_E_CHANGED;
		return err_prefix(err,
		    "it is not what was read any more, or this account may not read it; look again "
		    "and repeat the change");
	case LDAP_INSUFFICIENT_ACCESS:
		dir_conn_fail(c, rc, err, "changing %s of %s", attr, dn);
		err->code = E_ACCESSDENIED;
		return err_prefix(err,
		    "this account may not write there; bind as one that may, or let the "
		    "directory's administrator grant it");
	default:
		return dir_conn_fail(c, rc, err, "changing %s of %s", attr, dn);
	}
}

bool
dir_swap(struct dir_conn *c, const char *dn, const char *attr, struct view old, struct view fresh,
    const char *add_class, struct err *err)
{
	OWNED(own_mods) LDAPMod **mods = mem_zero(4, sizeof(LDAPMod *));
	size_t n = 0;
	int rc;

	if (add_class != NULL)
		mods[n++] = mod_of(c, LDAP_MOD_ADD, "objectClass", view_str(add_class));
	if (old.len > 0)
		mods[n++] = mod_of(c, LDAP_MOD_DELETE, attr, old);
	if (fresh.len > 0)
		mods[n++] = mod_of(c, LDAP_MOD_ADD, attr, fresh);
	rc = ldap_modify_ext_s(c->ld, dn, mods, NULL, NULL);
	return rc == LDAP_SUCCESS || swap_failed(c, rc, dn, attr, err);
}

bool
dir_replace(struct dir_conn *c, const char *dn, const char *attr, const struct view *values,
    size_t count, struct err *err)
{
	return modify(c, dn, LDAP_MOD_REPLACE, attr, values, count, LDAP_SUCCESS, err);
}

bool
dir_add_value(
    struct dir_conn *c, const char *dn, const char *attr, struct view value, struct err *err)
{
	return modify(c, dn, LDAP_MOD_ADD, attr, &value, 1, LDAP_TYPE_OR_VALUE_EXISTS, err);
}

bool
dir_delete_value(
    struct dir_conn *c, const char *dn, const char *attr, struct view value, struct err *err)
{
	return modify(c, dn, LDAP_MOD_DELETE, attr, &value, 1, LDAP_NO_SUCH_ATTRIBUTE, err);
}

bool
dir_may_write(struct dir_conn *c, const char *dn, const char *attr, struct view absent,
    bool *may_out, struct err *err)
{
	LDAPMod *mods[2] = {mod_new(c, LDAP_MOD_DELETE, attr, 1), NULL};
	int rc;

	mod_value(mods[0], 0, absent);
	rc = ldap_modify_ext_s(c->ld, dn, mods, NULL, NULL);
	mod_free(mods[0]);
	*may_out = rc == LDAP_NO_SUCH_ATTRIBUTE;
	return rc == LDAP_NO_SUCH_ATTRIBUTE || rc == LDAP_INSUFFICIENT_ACCESS ||
	       dir_conn_fail(c, rc, err, "trying to change %s of %s", attr, dn);
}

bool
dir_delete(struct dir_conn *c, const char *dn, struct err *err)
{
	int rc = ldap_delete_ext_s(c->ld, dn, NULL, NULL);

	return rc == LDAP_SUCCESS || dir_conn_fail(c, rc, err, "deleting %s", dn);
}

static LDAPMod **
record_mods(const struct dir_conn *c, const struct ldif_record *r)
{
	static const int ops[] = {[LDIF_OP_ADD] = LDAP_MOD_ADD,
	    [LDIF_OP_REPLACE] = LDAP_MOD_REPLACE,
	    [LDIF_OP_DELETE] = LDAP_MOD_DELETE};
	size_t count = r->kind == LDIF_ADD ? r->entry.count : r->mod_count;
	LDAPMod **mods = mem_zero(count + 1, sizeof(LDAPMod *));

	for (size_t i = 0; i < count; i++)
		mods[i] = r->kind == LDIF_ADD ? attr_mod(c, LDAP_MOD_ADD, &r->entry.attrs[i])
					      : attr_mod(c, ops[r->mods[i].op], &r->mods[i].attr);
	return mods;
}

bool
plan_send(struct dir_conn *c, const struct ldif_record *r, struct err *err)
{
	LDAPControl sd = {sd_flags_oid, {sizeof sd_flags_dacl, sd_flags_dacl}, 1};
	LDAPControl *controls[] = {c->root.has_sd_flags ? &sd : NULL, NULL};
	OWNED(own_mods) LDAPMod **mods = record_mods(c, r);
	int rc;

	rc = r->kind == LDIF_ADD ? ldap_add_ext_s(c->ld, r->entry.dn, mods, controls, NULL)
				 : ldap_modify_ext_s(c->ld, r->entry.dn, mods, controls, NULL);
	switch (rc) {
	case LDAP_SUCCESS:
		return true;
	case LDAP_NO_SUCH_ATTRIBUTE:
		return err_set(err, DIRCA_E_CHANGED,
		    "%s was changed by somebody else since it was read; look at it again and "
		    "repeat the change",
		    r->entry.dn);
	case LDAP_INSUFFICIENT_ACCESS:
		return err_set(err, E_ACCESSDENIED,
		    "this account may not %s %s; call as one that may, or have the directory's "
		    "administrator grant it",
		    r->kind == LDIF_ADD ? "add" : "change", r->entry.dn);
	default:
		return dir_conn_fail(
		    c, rc, err, "%s %s", r->kind == LDIF_ADD ? "adding" : "changing", r->entry.dn);
	}
}
