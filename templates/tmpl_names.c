/* Names of the object identifiers that templates hold, as people write them. */
#include <string.h>

#include "text.h"
#include "tmpl_fields_priv.h"

/* Object identifiers by name; each name once. */
static const struct {
	const char *name, *oid;
} names[] = {
    {"anyExtendedKeyUsage", "2.5.29.37.0"},
    {"serverAuth", "1.3.6.1.5.5.7.3.1"},
    {"clientAuth", "1.3.6.1.5.5.7.3.2"},
    {"codeSigning", "1.3.6.1.5.5.7.3.3"},
    {"emailProtection", "1.3.6.1.5.5.7.3.4"},
    {"timeStamping", "1.3.6.1.5.5.7.3.8"},
    {"OCSPSigning", "1.3.6.1.5.5.7.3.9"},
    {"ipsecIKE", "1.3.6.1.5.5.8.2.2"},
    {"kerberosKDC", "1.3.6.1.5.2.3.5"},
    {"trustListSigning", "1.3.6.1.4.1.311.10.3.1"},
    {"efs", "1.3.6.1.4.1.311.10.3.4"},
    {"efsRecovery", "1.3.6.1.4.1.311.10.3.4.1"},
    {"qualifiedSubordination", "1.3.6.1.4.1.311.10.3.10"},
    {"keyRecovery", "1.3.6.1.4.1.311.10.3.11"},
    {"documentSigning", "1.3.6.1.4.1.311.10.3.12"},
    {"enrollmentAgent", "1.3.6.1.4.1.311.20.2.1"},
    {"smartcardLogon", "1.3.6.1.4.1.311.20.2.2"},
    {"caExchange", "1.3.6.1.4.1.311.21.5"},
    {"keyRecoveryAgent", "1.3.6.1.4.1.311.21.6"},
    {"directoryEmailReplication", "1.3.6.1.4.1.311.21.19"},
    {"keyUsage", "2.5.29.15"},
    {"subjectAltName", "2.5.29.17"},
    {"basicConstraints", "2.5.29.19"},
    {"certificatePolicies", "2.5.29.32"},
    {"extKeyUsage", "2.5.29.37"},
    {"applicationPolicies", "1.3.6.1.4.1.311.21.10"},
};

const char *
oid_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (text_eq_nocase(names[i].name, name))
			return names[i].oid;
	return oid_is_valid(name) ? name : NULL;
}

const char *
name_of_oid(const char *oid)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i].oid, oid) == 0)
			return names[i].name;
	return oid;
}
