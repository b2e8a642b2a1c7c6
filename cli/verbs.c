#include "cli.h"

/* In the order of an administrator's day. A leading dash on the verb is accepted: `dirca -getkey`. */
const struct verb verbs[] = {
    {"ca init", "", "make the CA: key, certificate (or request to a parent), database", 0, 0, OPTS_DAEMON | OPTS_INIT, cmd_ca_init},
    {"ca publish", "", "publish CA certificate and enrollment service to the directory", 0, 0, OPTS_DAEMON | OPTS_PUBLISH | OPTS_SESSION,
        cmd_ca_publish},
    {"ca status", "", "what the CA says of itself", 0, 0, OPTS_SESSION | OPTS_JSON, cmd_ca_status},
    {"cas", "", "certification authorities that the directory names", 0, 0, OPTS_SESSION | OPTS_JSON, cmd_cas},
    {"templates", "[NAME]", "certificate templates, who issues them, whether they archive", 0, 1, OPTS_SESSION | OPTS_JSON, cmd_templates},
    {"enroll", "TEMPLATE", "make a key, archive it where the template says so, get a certificate", 1, 1,
        OPTS_SESSION | OPTS_JSON | OPTS_ENROLL | OPTS_OUT, cmd_enroll},
    {"retrieve", "REQUESTID", "fetch the certificate of a request that was pending", 1, 1, OPTS_SESSION | OPTS_OUT | OPTS_KEY, cmd_retrieve},
    {"kra add", "FILE...", "put KRA certificates into the CA's KRA store (on the CA's machine)", 1, CLI_LIST_MAX, OPTS_DAEMON, cmd_kra_add},
    {"kra remove", "SHA1", "take a KRA certificate out of the CA's KRA store", 1, 1, OPTS_DAEMON, cmd_kra_remove},
    {"kra list", "", "KRA certificates of the directory", 0, 0, OPTS_SESSION | OPTS_JSON, cmd_kra_list},
    {"kra publish", "FILE...", "publish KRA certificates to the directory", 1, CLI_LIST_MAX, OPTS_SESSION, cmd_kra_publish},
    {"getkey", "TOKEN [OUTFILE]", "find recovery candidates; fetch the recovery BLOB of one", 1, 2, OPTS_SESSION | OPTS_JSON, cmd_getkey},
    {"recoverkey", "BLOB OUT.pfx", "open a recovery BLOB with a KRA's key (needs no CA)", 2, 2, OPTS_RECOVER, cmd_recoverkey},
    {"requests", "", "requests of the CA", 0, 0, OPTS_SESSION | OPTS_JSON | OPTS_LIST, cmd_requests},
    {"approve", "REQUESTID", "issue a pending request", 1, 1, OPTS_SESSION, cmd_approve},
    {"deny", "REQUESTID", "deny a pending request", 1, 1, OPTS_SESSION | OPTS_DECIDE, cmd_deny},
    {"getreg", "[NAME]", "settings of the CA", 0, 1, OPTS_SESSION | OPTS_JSON, cmd_getreg},
    {"setreg", "NAME VALUE", "change a setting of the CA", 2, 2, OPTS_SESSION, cmd_setreg},
    {"crl", "", "publish a new CRL", 0, 0, OPTS_SESSION, cmd_crl},
    {"dump", "FILE", "show a request, response, recovery BLOB, certificate or security descriptor", 1, 1, OPTS_DUMP | OPTS_SESSION, cmd_dump},
    {"help", "[VERB]", "this list, or one verb's options", 0, 2, 0, cmd_help},
};
const size_t verb_count = sizeof verbs / sizeof verbs[0];
