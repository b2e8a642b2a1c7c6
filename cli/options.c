/* The option table and the one engine that reads it. */
#include "cli.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

enum option_kind { FLAG, TEXT, NUMBER, LIST };

static const struct option_row {
	const char *name; /* without "--" */
	char letter;      /* 0: none; those of the LDAP tools where they mean the same */
	enum option_kind kind;
	const enum cli_opts *groups;
	size_t offset;
	const char *argument, *help;
	int64_t min, max; /* NUMBER */
} rows[] = {
#define AT(field) offsetof(struct cli_options, field)
    {"uri", 'H', TEXT, OPTS(OPTS_SESSION), AT(uri), "URI",
	"directory, ldap:// ldaps:// or ldapi://; several in quotes", 0, 0},
    {"mech", 'Y', TEXT, OPTS(OPTS_SESSION), AT(mech), "MECH",
	"GSSAPI, SCRAM-SHA-256, EXTERNAL or SIMPLE, at directory and CA", 0, 0},
    {"user", 'U', TEXT, OPTS(OPTS_SESSION), AT(user), "NAME", "user name (SCRAM-SHA-256, Basic)", 0,
	0},
    {"bind-dn", 'D', TEXT, OPTS(OPTS_SESSION), AT(bind_dn), "DN", "DN of a simple bind", 0, 0},
    {"password-file", 'y', TEXT, OPTS(OPTS_SESSION), AT(password_file), "FILE",
	"the password is the file's first line", 0, 0},
    {"ask-password", 'W', FLAG, OPTS(OPTS_SESSION), AT(ask_password), NULL, "ask for the password",
	0, 0},
    {"starttls", 'Z', FLAG, OPTS(OPTS_SESSION), AT(starttls), NULL, "StartTLS on ldap://", 0, 0},
    {"tls-ca", 0, TEXT, OPTS(OPTS_SESSION), AT(tls_ca), "FILE",
	"certificates that the directory's TLS is verified against", 0, 0},
    {"ca", 0, TEXT, OPTS(OPTS_SESSION), AT(ca), "NAME",
	"this CA, where the directory names several", 0, 0},
    {"socket", 0, TEXT, OPTS(OPTS_SESSION), AT(socket), "PATH",
	"reach the CA by its Unix socket, as the local user", 0, 0},
    {"client-certificate", 0, TEXT, OPTS(OPTS_SESSION), AT(client_certificate), "FILE",
	"sign in at the CA by this TLS client certificate: a PKCS#12, or with --client-key PEM", 0,
	0},
    {"client-key", 0, TEXT, OPTS(OPTS_SESSION), AT(client_key), "FILE",
	"its key (PEM), or the pkcs11: URI of it on a token", 0, 0},
    {"client-password-file", 0, TEXT, OPTS(OPTS_SESSION), AT(client_password_file), "FILE",
	"password of either, or the token's PIN; asked for if absent", 0, 0},
    {"client-config", 0, TEXT, OPTS(OPTS_SESSION), AT(client_config), "FILE",
	"default ~/.config/dirca.conf, then /etc/dirca/dirca.conf", 0, 0},
    {"json", 0, FLAG, OPTS(OPTS_JSON), AT(json), NULL, "machine-readable output", 0, 0},
    {"delta", 0, FLAG, OPTS(OPTS_CRL), AT(delta), NULL, "publish delta CRLs only", 0, 0},
    {"config", 'c', TEXT, OPTS(OPTS_DAEMON), AT(daemon_config), "FILE",
	"dircad's configuration, default /etc/dirca/dircad.conf", 0, 0},
    {"subject", 0, TEXT, OPTS(OPTS_INIT, OPTS_ENROLL), AT(subject), "DN",
	"subject name (enroll: only where the template lets the enrollee supply it)", 0, 0},
    {"key", 0, TEXT, OPTS(OPTS_INIT, OPTS_RENEW, OPTS_ENROLL), AT(key), "KIND",
	"rsa2048, rsa3072, rsa4096, p256 or p384; of a CA also the pkcs11: URI of a key on a token",
	0, 0},
    {"new-key", 0, FLAG, OPTS(OPTS_RENEW), AT(new_key), NULL,
	"renew with a new key; the old one goes on signing CRLs", 0, 0},
    {"years", 0, NUMBER, OPTS(OPTS_INIT, OPTS_RENEW), AT(years), "N",
	"validity of a self-signed CA certificate, default 10", 1, 30},
    {"passphrase-file", 0, TEXT, OPTS(OPTS_INIT, OPTS_RENEW, OPTS_INSTALL), AT(passphrase_file),
	"FILE", "the CA key is encrypted with the first line", 0, 0},
    {"subordinate", 0, FLAG, OPTS(OPTS_INIT), AT(subordinate), NULL,
	"write a request (ca.csr) for a parent CA instead", 0, 0},
    {"install", 0, TEXT, OPTS(OPTS_INIT), AT(install), "FILE",
	"install the certificate that the parent issued", 0, 0},
    {"chain", 0, TEXT, OPTS(OPTS_INIT, OPTS_INSTALL), AT(chain), "FILE",
	"the parents' certificates (PEM), with their answer or the PKCS#12", 0, 0},
    {"import-pfx", 0, TEXT, OPTS(OPTS_INIT), AT(import_pfx), "FILE",
	"take over the CA whose certificates and keys are in this PKCS#12", 0, 0},
    {"pfx-password-file", 0, TEXT, OPTS(OPTS_INIT), AT(pfx_password_file), "FILE",
	"its password; asked for if absent", 0, 0},
    {"crl", 0, LIST, OPTS(OPTS_INIT), AT(crls), "FILE",
	"with --import-pfx: the last CRL of each key; may be repeated", 0, 0},
    {"crl-number", 0, NUMBER, OPTS(OPTS_INIT), AT(crl_number), "N",
	"with --import-pfx: the number of the last CRL", 1, INT64_MAX},
    {"admin", 0, LIST, OPTS(OPTS_PUBLISH), AT(admins), "NAME",
	"CA administrator (user or group); may be repeated", 0, 0},
    {"officer", 0, LIST, OPTS(OPTS_PUBLISH), AT(officers), "NAME",
	"certificate manager; may be repeated", 0, 0},
    {"auditor", 0, LIST, OPTS(OPTS_PUBLISH), AT(auditors), "NAME", "auditor; may be repeated", 0,
	0},
    {"template", 0, LIST, OPTS(OPTS_PUBLISH, OPTS_RULE), AT(templates), "NAME",
	"template that the new CA issues, or the only one of the rule; may be repeated", 0, 0},
    {"yes", 'y', FLAG, OPTS(OPTS_YES), AT(yes), NULL, "do not ask", 0, 0},
    {"candidates", 0, FLAG, OPTS(OPTS_FOUND), AT(candidates), NULL,
	"only those that are not in the CA's KRA store (on the CA's machine)", 0, 0},
    {"no-enable", 0, FLAG, OPTS(OPTS_KRA_ADD), AT(no_enable), NULL,
	"have no keys sealed to it until `dirca kra enable`", 0, 0},
    {"reader", 0, TEXT, OPTS(OPTS_READER), AT(reader), "WORD",
	"what its agent's program reads: pkcs1, oaep (default) or gcm", 0, 0},
    {"to", 0, LIST, OPTS(OPTS_REWRAP), AT(to_agents), "FILE",
	"certificate of an agent to come; may be repeated", 0, 0},
    {"sample", 0, NUMBER, OPTS(OPTS_SAMPLE), AT(sample), "N",
	"so many keys, drawn by chance; default 20, with --batch all of it", 1, 10000},
    {"batch", 0, TEXT, OPTS(OPTS_SAMPLE), AT(batch), "BATCH",
	"of the keys that were sealed to others in this batch", 0, 0},
    {"without", 0, LIST, OPTS(OPTS_COVERAGE), AT(without), "KRA",
	"as if this one had left (hash or name); may be repeated", 0, 0},
    {"list", 0, FLAG, OPTS(OPTS_COVERAGE), AT(list_keys), NULL,
	"also which keys nobody opens (with --without: would open)", 0, 0},
    {"threshold", 0, NUMBER, OPTS(OPTS_COUNT), AT(threshold), "K",
	"so many of them open a key together, and none alone; 1: each alone", 1, 64},
    {"all", 0, FLAG, OPTS(OPTS_UNPUBLISH), AT(everything), NULL,
	"also AIA, CDP and Certification Authorities", 0, 0},
    {"ldif", 0, TEXT, OPTS(OPTS_SETUP), AT(ldif), "DIR",
	"dirca's LDIF files, default " DIRCA_LDIF_DIR, 0, 0},
    {"templates", 0, FLAG, OPTS(OPTS_SETUP), AT(with_templates), NULL,
	"also the default templates, and those that archive keys", 0, 0},
    {"trusted", 0, LIST, OPTS(OPTS_LINT), AT(trusted), "NAME",
	"whose rights are as they should be (user or group); may be repeated", 0, 0},
    {"dns", 0, LIST, OPTS(OPTS_ENROLL), AT(dns), "NAME",
	"DNS name for the SAN, where the enrollee supplies it; may be repeated", 0, 0},
    {"renew", 0, TEXT, OPTS(OPTS_ENROLL), AT(renew), "FILE",
	"renew the certificate of this PKCS#12; its key signs the request", 0, 0},
    {"renew-password-file", 0, TEXT, OPTS(OPTS_ENROLL), AT(renew_password_file), "FILE",
	"its password; asked for if absent", 0, 0},
    {"same-key", 0, FLAG, OPTS(OPTS_ENROLL), AT(same_key), NULL, "with --renew: keep the key", 0,
	0},
    {"auto", 0, FLAG, OPTS(OPTS_ENROLL), AT(automatic), NULL,
	"enroll by, and renew for, each template that lets you; --out names the folder", 0, 0},
    {"with-kra", 0, FLAG, OPTS(OPTS_ENROLL), AT(with_kra), NULL,
	"with --auto: also templates of key recovery agents", 0, 0},
    {"agent", 0, TEXT, OPTS(OPTS_ENROLL), AT(agent), "FILE",
	"PKCS#12 of an enrollment agent or registration authority that signs the request", 0, 0},
    {"agent-password-file", 0, TEXT, OPTS(OPTS_ENROLL), AT(agent_password_file), "FILE",
	"its password; asked for if absent", 0, 0},
    {"on-behalf-of", 0, TEXT, OPTS(OPTS_ENROLL), AT(on_behalf_of), "NAME",
	"with --agent: the user or computer to enroll, DOMAIN\\name", 0, 0},
    {"out", 'o', TEXT, OPTS(OPTS_EXPORT), AT(out), "FILE",
	"new file to write, default standard output", 0, 0},
    {"out", 'o', TEXT, OPTS(OPTS_SUBMIT, OPTS_CERT), AT(out), "FILE",
	"new file for the certificate (PEM), default standard output", 0, 0},
    {"out", 'o', TEXT, OPTS(OPTS_OUT, OPTS_TRANSFER), AT(out), "FILE",
	"file to write: of enroll PKCS#12, default TEMPLATE.pfx; of template export LDIF", 0, 0},
    {"out-password-file", 0, TEXT, OPTS(OPTS_OUT, OPTS_RECOVER, OPTS_REQUEST),
	AT(out_password_file), "FILE", "password of the PKCS#12; asked for if absent", 0, 0},
    {"password-file", 0, LIST, OPTS(OPTS_KEYS_IN), AT(password_files), "FILE",
	"a password to try on each file; asked for if none is given; may be repeated", 0, 0},
    {"out-password-file", 0, TEXT, OPTS(OPTS_KEYS_OUT), AT(out_password_file), "FILE",
	"password of the new file; asked for if absent", 0, 0},
    {"user", 0, FLAG, OPTS(OPTS_KEY_STORE), AT(user_store), NULL,
	"the user's folder, ~/.local/share/dirca/keys, not the machine's, /etc/dirca/keys", 0, 0},
    {"folder", 0, TEXT, OPTS(OPTS_KEY_STORE), AT(folder), "DIR", "another folder of PEM files", 0,
	0},
    {"nss", 0, TEXT, OPTS(OPTS_KEY_STORE), AT(nss), "DIR",
	"a database of NSS, such as sql:/home/user1/.pki/nssdb", 0, 0},
    {"token", 0, TEXT, OPTS(OPTS_KEY_STORE), AT(token), "URI",
	"a token, by its PKCS#11 URI (RFC 7512)", 0, 0},
    {"store-password-file", 0, TEXT, OPTS(OPTS_KEY_STORE), AT(store_password_file), "FILE",
	"password of the NSS database, or PIN of the token", 0, 0},
    {"out-password-file", 0, TEXT, OPTS(OPTS_IMPORTPFX), AT(out_password_file), "FILE",
	"encrypt the private keys of a folder with this password", 0, 0},
    {"format", 0, TEXT, OPTS(OPTS_FORMAT), AT(format), "WORD",
	"pfx (default), pem, pkcs8 (one private key), p7b or der (certificates)", 0, 0},
    {"key-file", 0, TEXT, OPTS(OPTS_KEY), AT(key_file), "FILE",
	"key that `dirca enroll` kept for the pending request", 0, 0},
    {"bound", 0, FLAG, OPTS(OPTS_NEW), AT(bound), NULL,
	"the caller alone can send it, to this CA, within ten minutes", 0, 0},
    {"key-file", 0, TEXT, OPTS(OPTS_ACCEPT), AT(key_file), "FILE",
	"key that `dirca new` kept; by default the one beside the response that is meant", 0, 0},
    {"kra", 0, LIST, OPTS(OPTS_RECOVER, OPTS_REWRAP, OPTS_DRILL), AT(kra), "FILE",
	"the KRA's keys: PKCS#12, PEM, a folder of them, or a pkcs11: URI; may be repeated; by "
	"default what is in ~/.config/dirca/kra",
	0, 0},
    {"kra-certificate", 0, TEXT, OPTS(OPTS_RECOVER, OPTS_REWRAP, OPTS_DRILL), AT(kra_certificate),
	"FILE", "the KRA's certificate, where neither the BLOB nor his file has it", 0, 0},
    {"kra-password-file", 0, LIST, OPTS(OPTS_RECOVER, OPTS_REWRAP, OPTS_DRILL),
	AT(kra_password_files), "FILE",
	"its password, one for all or one for each --kra; asked for if absent", 0, 0},
    {"content-password-file", 0, TEXT, OPTS(OPTS_RECOVER), AT(content_password_file), "FILE",
	"password of a PKCS#12 that was archived in the place of a key", 0, 0},
    {"format", 0, TEXT, OPTS(OPTS_RECOVER), AT(format), "WORD",
	"pfx (default), pem (key, certificate and chain) or pkcs8 (the key)", 0, 0},
    {"legacy", 0, FLAG, OPTS(OPTS_RECOVER, OPTS_KEYS_OUT), AT(legacy), NULL,
	"PKCS#12 with 3DES and SHA-1, for what reads nothing newer", 0, 0},
    {"plain", 0, FLAG, OPTS(OPTS_RECOVER, OPTS_FORMAT), AT(plain), NULL,
	"pem or pkcs8 without a password: whoever reads it has the key", 0, 0},
    {"share", 0, TEXT, OPTS(OPTS_RECOVER), AT(share), "FILE",
	"write the KRA's share of a key that several open together, for --to", 0, 0},
    {"to", 0, TEXT, OPTS(OPTS_RECOVER), AT(to), "FILE",
	"certificate of who combines the shares: only he reads this one", 0, 0},
    {"combine", 0, LIST, OPTS(OPTS_RECOVER), AT(combine), "FILE",
	"a share that another KRA wrote to you; may be repeated", 0, 0},
    {"receipt", 0, TEXT, OPTS(OPTS_RECOVER), AT(receipt), "FILE",
	"also write what was recovered, when, from what and into what (JSON)", 0, 0},
    {"sheet", 0, TEXT, OPTS(OPTS_RECOVER), AT(sheet), "FILE",
	"also write a page to hand over with the key, without the password", 0, 0},
    {"ca", 0, LIST, OPTS(OPTS_RECOVER), AT(trusted_cas), "FILE",
	"certificates of CAs whose recovery BLOBs you trust; may be repeated", 0, 0},
    {"ca", 0, LIST, OPTS(OPTS_REWRAP), AT(trusted_cas), "FILE",
	"certificates of CAs whose batches you trust; may be repeated", 0, 0},
    {"ca", 0, LIST, OPTS(OPTS_VERIFY), AT(trusted_cas), "FILE",
	"certificates of CAs whose recovery BLOBs you trust; may be repeated", 0, 0},
    {"ca", 0, LIST, OPTS(OPTS_COPY), AT(trusted_cas), "FILE",
	"certificate of the CA that the copy must be of; may be repeated", 0, 0},
    {"recipient", 0, TEXT, OPTS(OPTS_RESTORE), AT(recipient), "FILE",
	"private key of one of the copy's recipients: PKCS#12, or PEM", 0, 0},
    {"recipient-password-file", 0, TEXT, OPTS(OPTS_RESTORE), AT(recipient_password_file), "FILE",
	"its password; asked for if absent", 0, 0},
    {"accept-unsigned-chain", 0, FLAG, OPTS(OPTS_RECOVER, OPTS_ESCROW), AT(accept_unsigned_chain),
	NULL, "take a BLOB in which the CA signed neither the officer nor the certificates", 0, 0},
    {"accept-sha1", 0, FLAG, OPTS(OPTS_RECOVER, OPTS_ESCROW), AT(accept_sha1), NULL,
	"take a signature with SHA-1", 0, 0},
    {"force", 'f', FLAG, OPTS(OPTS_KEYS_OUT, OPTS_IMPORTPFX), AT(force), NULL,
	"replace what is there; take a key without a certificate", 0, 0},
    {"force", 'f', FLAG, OPTS(OPTS_RECOVER, OPTS_RULE, OPTS_RESTRICT, OPTS_GRANT, OPTS_IMPORT),
	AT(force), NULL,
	"insist: replace what is there, use a name that is not known, leave a template without an "
	"administrator",
	0, 0},
    {"force", 'f', FLAG, OPTS(OPTS_REWRAP, OPTS_DRILL), AT(force), NULL, "replace what is there", 0,
	0},
    {"force", 'f', FLAG, OPTS(OPTS_BRING), AT(force), NULL,
	"take certificates of other CAs too, where the CA does (KRAF_ENABLEFOREIGN)", 0, 0},
    {"replace", 0, FLAG, OPTS(OPTS_BRING), AT(replace), NULL,
	"archive keys anew that are archived already", 0, 0},
    {"connections", 0, NUMBER, OPTS(OPTS_BRING), AT(connections), "N",
	"keys on their way to the CA at once, default 2", 1, 16},
    {"source-password-file", 0, LIST, OPTS(OPTS_ESCROW), AT(source_passwords), "FILE",
	"a password of the files with the keys, its first line; may be repeated: each is tried", 0,
	0},
    {"password-list", 0, TEXT, OPTS(OPTS_ESCROW), AT(password_list), "FILE",
	"lines FILE,PASSWORD or FILE,PASSWORD,USER: of each file its own", 0, 0},
    {"opener", 0, LIST, OPTS(OPTS_ESCROW), AT(openers), "FILE",
	"PKCS#12 of a key that opens: a KRA's (recovery BLOB), a KRA's storage key (Dogtag); may "
	"be repeated",
	0, 0},
    {"opener-password-file", 0, TEXT, OPTS(OPTS_ESCROW), AT(opener_password_file), "FILE",
	"their password; asked for if absent", 0, 0},
    /* --ca names the CA that imports */
    {"trusted-ca", 0, LIST, OPTS(OPTS_ESCROW), AT(trusted_cas), "FILE",
	"certificates of CAs whose recovery BLOBs you trust; may be repeated", 0, 0},
    {"certificates", 0, LIST, OPTS(OPTS_ESCROW), AT(certificates), "FILE",
	"certificates (PEM) of keys that come without; may be repeated", 0, 0},
    {"recipient", 0, TEXT, OPTS(OPTS_EXPORTKMS), AT(recipient), "FILE",
	"the key import certificate of the CA that imports", 0, 0},
    {"thumbprint", 0, TEXT, OPTS(OPTS_EXPORTKMS), AT(thumbprint), "HEX",
	"the first eight characters of its SHA-1 thumbprint, or more", 0, 0},
    {"signer", 0, TEXT, OPTS(OPTS_EXPORTKMS), AT(signer), "FILE",
	"PKCS#12 of who signs the batch; that CA's root must list the certificate", 0, 0},
    {"signer-password-file", 0, TEXT, OPTS(OPTS_EXPORTKMS), AT(signer_password_file), "FILE",
	"its password; asked for if absent", 0, 0},
    {"users", 0, TEXT, OPTS(OPTS_EXPORTKMS), AT(users), "FILE",
	"only keys of these, a line each: user, UPN, common name or e-mail address", 0, 0},
    {"group", 0, TEXT, OPTS(OPTS_EXPORTKMS), AT(group), "NAME",
	"only keys of members of this group of the directory", 0, 0},
    {"per-file", 0, NUMBER, OPTS(OPTS_EXPORTKMS), AT(per_file), "N",
	"keys of a file, default 1000; more go into several files", 1, 100000},
    {"out", 'o', TEXT, OPTS(OPTS_EXPORTKMS), AT(out), "FILE",
	"new file to write; several are FILE.001, FILE.002 ...", 0, 0},
    {"days", 0, NUMBER, OPTS(OPTS_DAYS), AT(days), "N",
	"how long the certificate lives, and its key: 1 to 31, default 7", 1, 31},
    {"disposition", 0, TEXT, OPTS(OPTS_LIST), AT(disposition), "WORD",
	"pending, issued, revoked, denied or error", 0, 0},
    {"event", 0, TEXT, OPTS(OPTS_AUDIT), AT(event), "EVENT",
	"only this event, by number or word: 787, key-retrieved ...", 0, 0},
    {"actor", 0, TEXT, OPTS(OPTS_AUDIT), AT(actor), "TEXT", "only of who has this in the name", 0,
	0},
    {"object", 0, TEXT, OPTS(OPTS_AUDIT), AT(object), "TEXT",
	"only what has this in its object or detail: a serial number, a requester ...", 0, 0},
    {"request", 0, TEXT, OPTS(OPTS_AUDIT, OPTS_EVENTS), AT(request), "ID", "only of this request",
	0, 0},
    {"keys-of", 0, TEXT, OPTS(OPTS_AUDIT), AT(keys_of), "TEXT",
	"only who fetched archived keys of this requester, subject or serial number", 0, 0},
    {"cef", 0, FLAG, OPTS(OPTS_AUDIT), AT(cef), NULL,
	"lines of the Common Event Format, for a SIEM", 0, 0},
    {"number", 0, TEXT, OPTS(OPTS_EVENTS), AT(number), "EVENT",
	"only this event, by number or name: 84, MSG_E_INVALID_KRA_CERT ...", 0, 0},
    {"level", 0, TEXT, OPTS(OPTS_EVENTS), AT(level), "WORD",
	"only events as grave: error, warning (and errors) or information (all)", 0, 0},
    {"since", 0, TEXT, OPTS(OPTS_EVENTS), AT(since), "PERIOD", "only of the last 12h, 30d, 8w ...",
	0, 0},
    {"since", 0, TEXT, OPTS(OPTS_SEARCH), AT(since), "PERIOD",
	"only certificates that became valid in the last 12h, 30d, 8w ...", 0, 0},
    {"template", 0, TEXT, OPTS(OPTS_SEARCH), AT(template), "NAME", "only of this template", 0, 0},
    {"include-revoked", 0, FLAG, OPTS(OPTS_SEARCH), AT(include_revoked), NULL,
	"of revoked certificates, too; whose serial number is given is found anyway", 0, 0},
    {"timeout", 0, NUMBER, OPTS(OPTS_SEARCH), AT(timeout), "SECONDS",
	"how long each CA may take to answer, default 30", 1, 3600},
    {"script", 0, FLAG, OPTS(OPTS_SEARCH), AT(script), NULL,
	"print a shell script that fetches, opens and merges all of them", 0, 0},
    {"ca", 0, LIST, OPTS(OPTS_HEAD), AT(trusted_cas), "FILE",
	"certificate of the CA, whose signatures are then verified; may be repeated", 0, 0},
    {"head", 0, TEXT, OPTS(OPTS_HEAD), AT(head), "ROW:HASH",
	"a head that was noted down earlier, which the trail must have reached", 0, 0},
    {"after", 0, NUMBER,
	OPTS(OPTS_LIST, OPTS_AUDIT, OPTS_EVENTS, OPTS_EXPORT, OPTS_CASES, OPTS_PART), AT(after),
	"ID", "begin behind this request, or row", 0, INT64_MAX},
    {"limit", 0, NUMBER, OPTS(OPTS_LIST, OPTS_AUDIT, OPTS_EVENTS, OPTS_CASES), AT(limit), "N",
	"print at most so many, default 1000", 1, INT64_MAX},
    {"limit", 0, NUMBER, OPTS(OPTS_PART), AT(limit), "N", "look at so many, default all", 1,
	INT64_MAX},
    {"limit", 0, NUMBER, OPTS(OPTS_BATCH), AT(limit), "N",
	"give out at most so many keys, default 10000", 1, 10000},
    {"all", 0, FLAG, OPTS(OPTS_LIST, OPTS_AUDIT, OPTS_EVENTS, OPTS_CASES), AT(all), NULL,
	"print all of them", 0, 0},
    {"columns", 0, TEXT, OPTS(OPTS_LIST), AT(columns), "NAME,...",
	"which columns, by the names of the JSON; a wrong one lists them", 0, 0},
    {"columns", 0, TEXT, OPTS(OPTS_ADCS), AT(columns), "NAME,...",
	"what certutil's -out was given, where the first row has names of another language", 0, 0},
    {"dates", 0, TEXT, OPTS(OPTS_ADCS), AT(dates), "ORDER",
	"mdy or dmy, where the form of its dates does not say it", 0, 0},
    {"sort", 0, TEXT, OPTS(OPTS_LIST), AT(sort), "COLUMN",
	"in the order of this column, default request_id", 0, 0},
    {"descending", 0, FLAG, OPTS(OPTS_LIST), AT(descending), NULL, "the last of the order first", 0,
	0},
    {"where", 0, LIST, OPTS(OPTS_LIST, OPTS_REVOKE), AT(where), "COLUMN=VALUE",
	"only requests that hold this, without case; repeated, all must hold", 0, 0},
    {"csv", 0, FLAG, OPTS(OPTS_LIST), AT(csv), NULL, "comma-separated values (RFC 4180)", 0, 0},
    {"within", 0, TEXT, OPTS(OPTS_EXPIRING), AT(within), "PERIOD",
	"that end within it: 30d (default), 12h, 8w", 0, 0},
    {"template", 0, TEXT, OPTS(OPTS_EXPIRING), AT(template), "NAME", "only of this template", 0, 0},
    {"template", 0, TEXT, OPTS(OPTS_SUBMIT), AT(template), "NAME",
	"template that the request is for, where it names none itself", 0, 0},
    {"yes", 0, FLAG, OPTS(OPTS_REVOKE), AT(yes), NULL, "with --where: do not ask", 0, 0},
    {"reason", 0, TEXT, OPTS(OPTS_DECIDE), AT(reason), "TEXT",
	"why, for the requester and the audit trail", 0, 0},
    {"reason", 0, TEXT, OPTS(OPTS_REVOKE), AT(reason), "WORD",
	"keyCompromise, superseded, certificateHold ... (RFC 5280), or its number; default "
	"unspecified",
	0, 0},
    {"reason", 0, TEXT, OPTS(OPTS_CASE), AT(reason), "WORD",
	"keyCompromise, lost, damaged, left, legal or other", 0, 0},
    {"ticket", 0, TEXT, OPTS(OPTS_CASE), AT(ticket), "TEXT", "where it was asked for", 0, 0},
    {"note", 0, TEXT, OPTS(OPTS_CASE), AT(note), "TEXT", "a line about it, for whoever approves it",
	0, 0},
    {"state", 0, TEXT, OPTS(OPTS_CASES), AT(state), "WORD",
	"waiting, open, denied, closed, expired or all; default waiting and open", 0, 0},
    {"owner", 0, TEXT, OPTS(OPTS_CASES), AT(owner), "NAME", "only about keys of this account", 0,
	0},
    {"officer", 0, TEXT, OPTS(OPTS_CASES), AT(opened_by), "NAME",
	"only those that this certificate manager opened", 0, 0},
    {"serial", 0, TEXT, OPTS(OPTS_CASES), AT(serial), "NUMBER",
	"only about the key of this certificate", 0, 0},
    {"case", 0, TEXT, OPTS(OPTS_BY_CASE), AT(case_id), "ID",
	"fetch by this recovery case, default your own that fits", 0, 0},
    {"sddl", 0, TEXT, OPTS(OPTS_SDDL), AT(sddl), "TEXT",
	"SDDL instead of an object; of `sd check` with an object, what it should hold", 0, 0},
    {"type", 0, TEXT, OPTS(OPTS_DUMP), AT(type), "TYPE",
	"auto, request, response, blob, pkcs10, certificate, crl, keys, sd or template", 0, 0},
    {"asn1", 0, FLAG, OPTS(OPTS_DUMP), AT(asn1), NULL, "every element of the DER, too", 0, 0},
    {"private-key", 0, TEXT, OPTS(OPTS_DUMP), AT(private_key), "FILE",
	"the holder's key: does it belong to what is shown?", 0, 0},
    {"key-password-file", 0, LIST, OPTS(OPTS_DUMP), AT(key_password_files), "FILE",
	"a password to try on files with keys; may be repeated", 0, 0},
    {"critical", 0, FLAG, OPTS(OPTS_EXTENSION), AT(critical), NULL,
	"who does not know the extension must refuse the certificate", 0, 0},
    {"file", 0, TEXT, OPTS(OPTS_EXTENSION), AT(file), "FILE", "the value, in DER", 0, 0},
    {"string", 0, TEXT, OPTS(OPTS_EXTENSION), AT(string), "TEXT", "the value, a text", 0, 0},
    {"long", 0, TEXT, OPTS(OPTS_EXTENSION), AT(number_value), "N", "the value, a number", 0, 0},
    {"date", 0, TEXT, OPTS(OPTS_EXTENSION), AT(date), "INSTANT",
	"the value, an instant such as 2027-01-31T00:00:00Z", 0, 0},
    {"remove", 0, FLAG, OPTS(OPTS_EXTENSION), AT(remove), NULL, "take away what was set", 0, 0},
    {"for", 0, LIST, OPTS(OPTS_RULE), AT(requesters), "NAME",
	"requesters that the rule speaks of: group, user or Everyone; may be repeated", 0, 0},
    {"off", 0, FLAG, OPTS(OPTS_RESTRICT), AT(off), NULL,
	"no certificate manager is restricted any more", 0, 0},
    {"deny", 0, FLAG, OPTS(OPTS_RIGHTS, OPTS_GRANT), AT(deny), NULL, "denials instead of grants", 0,
	0},
    {"dry-run", 'n', FLAG, OPTS(OPTS_DRY), AT(dry_run), NULL, "show what would be, change nothing",
	0, 0},
    {"with-rights", 0, FLAG, OPTS(OPTS_TRANSFER, OPTS_IMPORT), AT(with_rights), NULL,
	"the security descriptor too, whose SIDs belong to one domain", 0, 0},
    {"new-oid", 0, FLAG, OPTS(OPTS_IMPORT), AT(new_oid), NULL,
	"a new object identifier instead of that of the file", 0, 0},
    {"name", 0, TEXT, OPTS(OPTS_IMPORT), AT(name), "NAME", "import under this name", 0, 0},
    {"verbose", 'v', FLAG, OPTS(OPTS_ALL), AT(verbose), NULL, "say on stderr what is done", 0, 0},
    {"help", 'h', FLAG, OPTS(OPTS_ALL), AT(help), NULL, "this text", 0, 0},
#undef AT
};

bool
cli_takes(const struct verb *verb, enum cli_opts group)
{
	for (const enum cli_opts *of = verb->options; *of != OPTS_END; of++)
		if (*of == group)
			return true;
	return false;
}

static bool
applies(const struct option_row *row, const struct verb *verb)
{
	for (const enum cli_opts *of = row->groups; *of != OPTS_END; of++)
		if (*of == OPTS_ALL || cli_takes(verb, *of))
			return true;
	return false;
}

void
cli_print_usage(const struct verb *verb)
{
	printf("usage: dirca %s%s%s [options]\n%s\nBy %s.\n\n", verb->name,
	    *verb->arguments != '\0' ? " " : "", verb->arguments, verb->summary, verb->who);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char left[48], letter[8] = "    ";

		if (!applies(&rows[i], verb))
			continue;
		if (rows[i].letter != 0)
			snprintf(letter, sizeof letter, "-%c, ", rows[i].letter);
		snprintf(left, sizeof left, "%s--%s%s%s", letter, rows[i].name,
		    rows[i].argument != NULL ? " " : "",
		    rows[i].argument != NULL ? rows[i].argument : "");
		printf("  %-30s %s\n", left, rows[i].help);
	}
	if (cli_takes(verb, OPTS_FIELDS))
		template_print_fields(stdout);
}

void
cli_print_verbs(const struct cli *cli)
{
	printf("usage: dirca VERB [arguments] [options]; `dirca VERB --help` tells more\n\n");
	for (size_t i = 0; i < cli->verb_count; i++) {
		const struct verb *v = &cli->verbs[i];
		char left[64];

		if (i == 0 || strcmp(v->group, v[-1].group) != 0)
			printf("%s%s:\n", i > 0 ? "\n" : "", v->group);
		snprintf(left, sizeof left, "%s %s", v->name, v->arguments);
		printf("  %-28s %s\n", left, v->summary);
	}
}

/* In bash: the table as an array, and one function that looks into it. */
static void
print_completion(const struct cli *cli)
{
	static const char script[] =
	    "_dirca()\n"
	    "{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} said='' verb='' known word i\n"
	    "\tCOMPREPLY=()\n"
	    "\tfor ((i = 1; i < COMP_CWORD && i < 4; i++)); do\n"
	    "\t\tsaid+=${said:+ }${COMP_WORDS[i]}\n"
	    "\t\t[[ -z ${_dirca_options[$said]+x} ]] || verb=$said\n"
	    "\tdone\n"
	    "\tif [[ -n $verb && $cur == -* ]]; then\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W \"${_dirca_options[$verb]}\" -- \"$cur\")\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tfor known in \"${!_dirca_options[@]}\"; do\n"
	    "\t\t[[ $known == \"${said:+$said }$cur\"* ]] || continue\n"
	    "\t\tword=${known#\"${said:+$said }\"}\n"
	    "\t\tCOMPREPLY+=(\"${word%% *}\")\n"
	    "\tdone\n"
	    "\t((${#COMPREPLY[@]} == 0)) || mapfile -t COMPREPLY < <(printf '%s\\n' "
	    "\"${COMPREPLY[@]}\" | sort -u)\n"
	    "}\n"
	    "complete -o default -F _dirca dirca\n";

	printf("# Completion of dirca(1) for bash, made by `dirca --completion`.\n"
	       "declare -gA _dirca_options=(\n");
	for (size_t i = 0; i < cli->verb_count; i++) {
		printf("\t['%s']='", cli->verbs[i].name);
		for (size_t k = 0; k < COUNT_OF(rows); k++)
			if (applies(&rows[k], &cli->verbs[i]))
				printf("--%s ", rows[k].name);
		printf("'\n");
	}
	printf(")\n%s", script);
}

static const struct option_row *
find_row(const struct verb *verb, const char *name, size_t len, char letter)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!applies(&rows[i], verb))
			continue;
		if (letter != 0
			? rows[i].letter == letter
			: strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static bool
set_value(const struct option_row *row, struct cli_options *opt, const char *value, struct err *err)
{
	void *field = (char *)opt + row->offset;
	struct cli_list *list = field;

	switch (row->kind) {
	case FLAG:
		*(bool *)field = true;
		return true;
	case TEXT:
		*(const char **)field = value;
		return true;
	case NUMBER:
		if (!text_to_int(value, row->min, row->max, field))
			return err_set(err, DIRCA_E_USAGE,
			    "--%s %s: not a number from %lld to %lld", row->name, value,
			    (long long)row->min, (long long)row->max);
		return true;
	case LIST:
		if (list->count == CLI_LIST_MAX)
			return err_set(err, DIRCA_E_USAGE, "--%s: more than %d times", row->name,
			    CLI_LIST_MAX);
		list->list[list->count++] = value;
		return true;
	}
	return false;
}

/* Reads one option at argv[*at]; moves *at behind it. */
static bool
read_option(const struct verb *verb, struct cli_options *opt, int argc, char **argv, int *at,
    struct err *err)
{
	const char *word = argv[*at], *value = NULL, *equals = strchr(word, '=');
	bool is_long = word[1] == '-';
	const struct option_row *row =
	    is_long ? find_row(verb, word + 2,
			  equals != NULL ? (size_t)(equals - word - 2) : strlen(word + 2), 0)
		    : find_row(verb, NULL, 0, word[1]);

	if (row == NULL)
		return err_set(err, DIRCA_E_USAGE, "dirca %s has no option %s", verb->name, word);
	(*at)++;
	if (row->kind != FLAG) {
		if (is_long && equals != NULL)
			value = equals + 1;
		else if (!is_long && word[2] != '\0')
			value = word + 2;
		else if (*at < argc)
			value = argv[(*at)++];
		else
			return err_set(
			    err, DIRCA_E_USAGE, "option %s needs %s", word, row->argument);
	} else if ((is_long && equals != NULL) || (!is_long && word[2] != '\0')) {
		return err_set(err, DIRCA_E_USAGE, "option %s takes no value", word);
	}
	return set_value(row, opt, value, err);
}

/* One to three words of argv; *used_out counts them. */
static const struct verb *
find_verb(const struct cli *cli, int argc, char **argv, int *used_out)
{
	for (*used_out = argc > 3 ? 3 : argc - 1; *used_out >= 1; (*used_out)--) {
		OWNED(own_memory)
		char *name = text_printf("%s%s%s%s%s", argv[1], *used_out > 1 ? " " : "",
		    *used_out > 1 ? argv[2] : "", *used_out > 2 ? " " : "",
		    *used_out > 2 ? argv[3] : "");

		for (size_t i = 0; i < cli->verb_count; i++)
			if (text_eq_nocase(cli->verbs[i].name, name))
				return &cli->verbs[i];
	}
	return NULL;
}

static bool
is_argument(const struct verb *verb, const char *word)
{
	return word[0] != '-' || word[1] == '\0' ||
	       (cli_takes(verb, OPTS_FLAGS) && word[1] >= 'A' && word[1] <= 'Z');
}

bool
cli_parse(int argc, char **argv, struct cli *cli, enum cli_exit *exit_out)
{
	int used, at, kept;
	bool only_arguments = false;
	struct err err;

	*cli = (struct cli){
	    .paper = cli->paper, .verbs = cli->verbs, .verb_count = cli->verb_count, .args = argv};
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		cli_print_verbs(cli);
		*exit_out = argc < 2 ? CLI_USAGE : CLI_OK;
		return false;
	}
	if (strcmp(argv[1], "--completion") == 0) {
		print_completion(cli);
		*exit_out = CLI_OK;
		return false;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("dirca " DIRCA_VERSION);
		*exit_out = CLI_OK;
		return false;
	}
	if ((cli->verb = find_verb(cli, argc, argv, &used)) == NULL) {
		fprintf(stderr, "dirca: no verb %s; `dirca --help` lists them\n", argv[1]);
		*exit_out = CLI_USAGE;
		return false;
	}
	cli->args = argv + 1;
	for (at = used + 1, kept = 0; at < argc;) {
		if (only_arguments || is_argument(cli->verb, argv[at])) {
			cli->args[kept++] = argv[at++];
		} else if (strcmp(argv[at], "--") == 0) {
			only_arguments = true;
			at++;
		} else if (!read_option(cli->verb, &cli->opt, argc, argv, &at, &err)) {
			*exit_out = cli_fail(cli, &err);
			return false;
		}
	}
	cli->count = kept;
	if (cli->opt.help) {
		cli_print_usage(cli->verb);
		*exit_out = CLI_OK;
		return false;
	}
	if (kept < cli->verb->least || kept > cli->verb->most) {
		fprintf(stderr, "usage: dirca %s %s [options]\n", cli->verb->name,
		    cli->verb->arguments);
		err_set(&err, DIRCA_E_USAGE, "too %s arguments",
		    kept < cli->verb->least ? "few" : "many");
		*exit_out = cli->paper != NULL ? cli_fail(cli, &err) : CLI_USAGE;
		return false;
	}
	return true;
}
