"""Fills a freshly provisioned Samba AD with what ldif/ gives to OpenLDAP, as Active Directory knows it: dirca's schema,
templates, demo people with the same SIDs and passwords, the rights of the CA's administrators and account.

usage: samba_load.py SMB_CONF PRIVATE_DIR LDIF_DIR ADDRESS...     ADDRESS: where the server may listen, for its Kerberos names
"""
import pathlib
import sys

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

DOMAIN = "DC=nwtraders,DC=com"
CONFIGURATION = "CN=Configuration," + DOMAIN
SERVICES = "CN=Public Key Services,CN=Services," + CONFIGURATION
USERS = "CN=Users," + DOMAIN
# Said another way in Active Directory, or the server's own business.
NOT_HERE = {"objectClass", "userPassword", "authPassword", "uid", "objectGUID", "primaryGroupID", "member"}
CLASSES = ((b"inetOrgPerson", "user"), (b"computer", "computer"), (b"groupOfNames", "group"))
FULL_CONTROL = "RPWPCRCCDCLCLORCWOWDSDDTSW"
# Without it keytabs are written with RC4 keys only.
AES_KEYS = "24"
MAY_ADD_AND_WRITE = "RPWPCCLCLORC"


def open_database(conf, private):
    lp = LoadParm()
    lp.load(conf)
    lp.set("private dir", private)
    lp.set("dsdb:schema update allowed", "yes")
    return SamDB(url=private + "/sam.ldb", lp=lp, session_info=system_session())


def records(path):
    """The entries of a file as dicts of byte strings, with the DN as text. Not parsed by the database: it would read binary
    values by its schema."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("#"))
    for _, message in ldb.Ldb().parse_ldif(text):
        entry = {name: [bytes(value) for value in message[name]] for name in message.keys() if name != "dn"}
        entry["dn"] = str(message.dn)
        yield entry


def load_schema(db, path):
    """In two parts, as an administrator would: the class needs the attributes, and the server must have seen them."""
    for part in path.read_text(encoding="utf-8").replace("DC=X", DOMAIN).split("schemaUpdateNow: 1\n-\n"):
        if part.strip():
            db.modify_ldif(part + "schemaUpdateNow: 1\n-\n")


def password(name):
    return ('"%s-Passw0rd"' % name).encode("utf-16-le")


def principal(entry, ad_class):
    """The entry for Active Directory, which gives the primary group by the kind of account."""
    made = {name: value for name, value in entry.items() if name not in NOT_HERE}
    made["objectClass"] = ad_class
    if ad_class != "group":
        made["unicodePwd"] = password(entry["sAMAccountName"][0].decode().rstrip("$"))
    return made


def load_organisation(db, path):
    groups = []
    for entry in records(path):
        ad_class = next((ad for ours, ad in CLASSES if ours in entry["objectClass"]), None)
        if ad_class is None:
            continue
        sid = ndr_unpack(security.dom_sid, entry["objectSid"][0])
        if len(db.search(base=DOMAIN, expression="(objectSid=%s)" % sid, attrs=["cn"])) == 0:
            db.add(principal(entry, ad_class), ["relax:0"])
        # A primary group has its members without being told.
        if ad_class == "group" and entry["cn"][0] not in (b"Domain Users", b"Domain Computers"):
            groups.append(entry)
    for entry in groups:
        add_members(db, entry["dn"], entry["member"])


def add_members(db, dn, members):
    change = ldb.Message(ldb.Dn(db, dn))
    change["member"] = ldb.MessageElement(members, ldb.FLAG_MOD_ADD, "member")
    db.modify(change)


def load_templates(db, path):
    for entry in records(path):
        del entry["objectGUID"]
        db.add(entry)


def replace(db, dn, **attributes):
    change = ldb.Message(ldb.Dn(db, dn))
    for name, value in attributes.items():
        name = name.replace("_", "-")
        change[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    db.modify(change)


def load_oid_base(db, path):
    for entry in records(path):
        if "msPKI-Cert-Template-OID" in entry:
            replace(db, entry["dn"], msPKI_Cert_Template_OID=entry["msPKI-Cert-Template-OID"])


def grant(db, dn, rights, who):
    """An inheritable ACE for `rights`."""
    found = db.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])[0]
    descriptor = ndr_unpack(security.descriptor, found["nTSecurityDescriptor"][0])
    more = security.descriptor.from_sddl("D:(A;CI;%s;;;%s)" % (rights, who), security.dom_sid(db.get_domain_sid()))
    descriptor.dacl_add(more.dacl.aces[0])
    replace(db, dn, nTSecurityDescriptor=ndr_pack(descriptor))


def sid_of(db, account):
    found = db.search(base=DOMAIN, expression="(sAMAccountName=%s)" % account, attrs=["objectSid"])[0]
    return str(ndr_unpack(security.dom_sid, found["objectSid"][0]))


def grant_rights(db):
    """ldif/README.md, "Who may what" of Active Directory."""
    grant(db, SERVICES, FULL_CONTROL, sid_of(db, "CA Administrators"))
    for container in ("CDP", "KRA"):
        grant(db, "CN=%s,%s" % (container, SERVICES), MAY_ADD_AND_WRITE, sid_of(db, "dircad"))
    add_members(db, "CN=Cert Publishers," + USERS, ["CN=dircad," + USERS])


def name_services(db, addresses):
    """Kerberos names: HTTP/localhost has an account of its own, the server answers to each of its addresses."""
    db.add({"dn": "CN=http-localhost," + USERS, "objectClass": "user", "sAMAccountName": "http-localhost",
            "servicePrincipalName": "HTTP/localhost", "userAccountControl": "512",
            "msDS-SupportedEncryptionTypes": AES_KEYS, "unicodePwd": password("http-localhost")})
    replace(db, "CN=dircad," + USERS, msDS_SupportedEncryptionTypes=AES_KEYS)
    change = ldb.Message(ldb.Dn(db, "CN=DC1,OU=Domain Controllers," + DOMAIN))
    change["servicePrincipalName"] = ldb.MessageElement(["ldap/" + a for a in addresses], ldb.FLAG_MOD_ADD,
                                                        "servicePrincipalName")
    db.modify(change)


def main(conf, private, ldif, *addresses):
    ldif = pathlib.Path(ldif)
    db = open_database(conf, private)
    load_schema(db, ldif / "schema/ad-dirca-authority.ldif")
    db = open_database(conf, private)
    db.transaction_start()
    # The demo passwords hold the name, and tests change them at once; locked1 stays locked.
    replace(db, DOMAIN, pwdProperties="0", minPwdAge="0", lockoutDuration="-9223372036854775808")
    load_organisation(db, ldif / "tree/30-organisation.ldif")
    load_oid_base(db, ldif / "tree/10-configuration.ldif")
    for name in ("20-templates.ldif", "25-archival-templates.ldif"):
        load_templates(db, ldif / "tree" / name)
    grant_rights(db)
    name_services(db, addresses)
    db.transaction_commit()


main(*sys.argv[1:])
