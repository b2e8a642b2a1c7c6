# shellcheck shell=bash
# A private 389 Directory Server (the server of FreeIPA) for tests, the twin of tests/support/lab.sh: the same people, passwords, SIDs,
# templates and PKI containers. Source lab.sh first; the rules written there hold here too. Works as root and as an ordinary user.
#
#   ds389_lab_missing       says why none can run here and succeeds, or fails: then one can
#   ds389_lab_start DIR [--bare]
#                           fills DIR if it is new, else starts the server that is in it again on the same ports. Exports what
#                           lab_slapd_start --tls does. lab_admin is the Directory Manager.
#                           --bare: an empty suffix and 389's own schema
#   ds389_lab_stop DIR      ends it in good order
#   ds389_lab_kill DIR      ends it as a power cut would
#
# DS389_LAB_PLUGINS are the plug-ins that a server has beside those that it always has; by default those that FreeIPA switches on.
# Kerberos names of its own realm, which it sees without the realm, are the sAMAccountName; others are nobody.
# Its turbo mode is off (DS389_LAB_TURBO=on): on a busy machine it hangs up, as if it had waited, on a connection with many requests.
# `dscreate` writes below /etc and asks systemd; what it makes a server's dse.ldif of is used here.

DS389_LAB_DATA=/usr/share/dirsrv
DS389_LAB_PLUGINS=${DS389_LAB_PLUGINS-Retro Changelog Plugin,Content Synchronization,MemberOf Plugin,USN}

ds389_lab_missing() {
	if ! command -v ns-slapd >/dev/null || [ ! -f "$DS389_LAB_DATA/data/template-dse.ldif" ]; then
		echo "389 Directory Server is not installed (389-ds-base)"
	elif ! command -v pk12util certutil >/dev/null; then
		echo "the tools for its certificates are not installed (libnss3-tools)"
	else
		return 1
	fi
}

# ds389_lab_dse DIR PORT TLS_PORT: dse.ldif of a server in DIR.
ds389_lab_dse() {
	local password name plugins=()
	password=$(pwdhash -s SSHA512 "$(<"$(lab_password_file manager)")") || return 1
	while IFS= read -r name; do
		plugins+=(-e "/^dn: cn=$name,/,/^\$/s/^nsslapd-pluginenabled: off/nsslapd-pluginenabled: on/")
	done < <(tr ',' '\n' <<<"$DS389_LAB_PLUGINS")
	sed -e "s|%schema_dir%|$1/schema|; s|%cert_dir%|$1/tls|; s|%db_dir%|$1/db|; s|%config_dir%|$1|; s|%log_dir%|$1/log|" \
		-e "s|%[a-z]*\(_home\)\?_dir%|$1/run|; s|%fqdn%|localhost|; s|%ds_port%|$2|; s|%ds_user%|$(id -un)|" \
		-e "s|%rootdn%|cn=Directory Manager|; s|%ds_passwd%|$password|; s|%ds_suffix%|$LAB_BASE_DN|; s|%db_lib%|bdb|" \
		-e "s|%ldapi_enabled%|on|; s|%ldapi_autobind%|off|; s|%ldapi%|$1/ldapi|" "${plugins[@]}" \
		-e "/^nsslapd-port:/a nsslapd-listenhost: 127.0.0.1\nnsslapd-securelistenhost: 127.0.0.1\nnsslapd-securePort: $3\nnsslapd-security: on" \
		-e "/^nsslapd-port:/a nsslapd-sizelimit: -1\nnsslapd-enable-turbo-mode: ${DS389_LAB_TURBO:-off}\nnsslapd-accesslog-logging-enabled: ${DS389_LAB_ACCESS_LOG:-off}" \
		-e '/^cn: Kerberos uid mapping/,/^$/{s/^nsSaslMapRegexString: .*/nsSaslMapRegexString: ^[^:@]+$/; s/(uid=.*/(sAMAccountName=\&)/}' \
		-e "s/^nsSaslMapBaseDNTemplate: dc=.*/nsSaslMapBaseDNTemplate: $LAB_BASE_DN/" \
		-e "/^nsslapd-subtree-rename-switch:/a nsslapd-lookthroughlimit: -1\nnsslapd-idlistscanlimit: 100000" \
		"$DS389_LAB_DATA/data/template-dse.ldif"
}

ds389_lab_create() {
	local at=$LAB_DIR/ds389
	# /etc/dirsrv may be read by the system's own server alone. The folder has a second name: servers whose folders have one name share
	# a semaphore.
	lab_make_tls 127.0.0.1 && lab_mkdir "$at/tls" "$at/db" "$at/log" "$at/run" "$at/schema" && ln -s . "$at/${LAB_DIR##*/}" &&
		echo "certmap default default" >"$at/certmap.conf" && : >"$at/slapd-collations.conf" &&
		printf 'dn: cn=schema\nobjectClass: top\nobjectClass: ldapSubentry\nobjectClass: subschema\ncn: schema\n' >"$at/schema/99user.ldif" || return 1
	(
		set -e
		cd "$LAB_DIR/tls"
		openssl pkcs12 -export -in server.pem -inkey server.key -certfile ca.pem -name Server-Cert -passout pass:x -out server.p12
		certutil -N -d "sql:$at/tls" --empty-password
		certutil -A -d "sql:$at/tls" -n "lab CA" -t CT,, -i ca.pem
		pk12util -i server.p12 -d "sql:$at/tls" -W x
	) >"$LAB_DIR/nss.log" 2>&1 || { cat "$LAB_DIR/nss.log" >&2; return 1; }
}

ds389_lab_answers() {
	ldapsearch -x -H "$LDAPI_URI" -s base -b '' dn && ldapsearch -x -H "$LDAPS_URI" -s base -b '' dn
}

ds389_lab_run() {
	KRB5_KTNAME=${LAB_LDAP_KEYTAB:-/dev/null} ns-slapd -D "$LAB_DIR/ds389/${LAB_DIR##*/}" -i "$LAB_DIR/ds389/run/pid" -d 0 </dev/null >>"$LAB_DIR/ds389.log" 2>&1 &
	echo $! >"$LAB_DIR/ds389.pid"
	lab_answers $! ds389_lab_answers
}

ds389_lab_export() {
	lab_export LAB_DIRECTORY 389ds
	lab_export LDAPI_URI "ldapi://${LAB_DIR//\//%2F}%2Fds389%2Fldapi"
	lab_export LDAP_CA_FILE "$LAB_DIR/tls/ca.pem"
	lab_export LDAPTLS_CACERT "$LAB_DIR/tls/ca.pem"
	lab_export LDAP_BASE "$LAB_BASE_DN"
	lab_export LDAP_CONFIG_BASE "CN=Configuration,$LAB_BASE_DN"
	lab_export LDAPSASL_NOCANON on
	lab_export LDAP_URI "ldap://localhost:$1"
	lab_export LDAPS_URI "ldaps://localhost:$2"
}

ds389_lab_start() {
	local tries ports is_new=
	lab_use "$1" || return 1
	[ ${#LAB_DIR} -le 80 ] || lab_fail "$LAB_DIR: too long for the name of a Unix socket in it" || return 1
	! ds389_lab_missing >&2 || return 1
	[ -d "$LAB_DIR/ds389" ] || is_new=yes
	[ -z "$is_new" ] || ds389_lab_create || return 1
	for ((tries = 0; tries < 5; tries++)); do
		if [ -z "$is_new" ]; then
			ports=$(<"$LAB_DIR/ports")
		else
			ports="$(lab_free_port) $(lab_free_port)" || return 1
			# shellcheck disable=SC2086 # two numbers
			ds389_lab_dse "$LAB_DIR/ds389" $ports >"$LAB_DIR/ds389/dse.ldif" || return 1
		fi
		# shellcheck disable=SC2086
		ds389_lab_export $ports
		if ds389_lab_run; then
			echo "$ports" >"$LAB_DIR/ports"
			[ -z "$is_new" ] || ds389_lab_load "${2:-}"
			return
		fi
		lab_end "$LAB_DIR/ds389.pid" KILL
	done
	tail -5 "$LAB_DIR/ds389/log/errors" >&2
	lab_fail "$LAB_DIR: 389 Directory Server does not start"
}

ds389_lab_stop() {
	lab_end "$1/ds389.pid" TERM
}

ds389_lab_kill() {
	lab_end "$1/ds389.pid" KILL
}

# The suffix, which only a running server makes.
ds389_lab_suffix() {
	printf 'dn: cn=domain,cn=ldbm database,cn=plugins,cn=config\nobjectClass: extensibleObject\nobjectClass: nsBackendInstance\n'
	printf 'cn: domain\nnsslapd-suffix: %s\nnsslapd-directory: %s/ds389/db/domain\n\n' "$LAB_BASE_DN" "$LAB_DIR"
	printf 'dn: cn="%s",cn=mapping tree,cn=config\nobjectClass: extensibleObject\nobjectClass: nsMappingTree\n' "$LAB_BASE_DN"
	printf 'cn: %s\nnsslapd-state: backend\nnsslapd-backend: domain\n\n' "$LAB_BASE_DN"
}

# Who may what: ldif/README.md. The service has what `dirca directory service-account` grants, and nothing beside.
ds389_lab_rights() {
	local services="CN=Public Key Services,CN=Services,CN=Configuration,$LAB_BASE_DN" acl='version 3.0; acl'
	local service="CN=dircad,CN=Users,$LAB_BASE_DN"
	{
		printf 'dn: %s\nchangetype: modify\nadd: aci\n' "$LAB_BASE_DN"
		echo "aci: (targetattr != \"userPassword || aci\")($acl \"read\"; allow (read, search, compare) userdn = \"ldap:///all\" and userdn != \"ldap:///$service\";)"
		printf '\ndn: %s\nchangetype: modify\nadd: aci\n' "$services"
		echo "aci: (targetattr = \"*\")($acl \"CA\"; allow (all) groupdn = \"ldap:///CN=CA Administrators,CN=Users,$LAB_BASE_DN\";)"
	} | lab_admin ldapmodify && ds389_lab_dirca directory service-account "$service" --apply
}

# As the Directory Manager.
ds389_lab_dirca() {
	HOME=$LAB_DIR "${DIRCA_BIN:-$LAB_SOURCE_DIR/build/dev/bin}/dirca" "$@" --uri "$LDAPI_URI" --mech SIMPLE \
		--bind-dn "cn=Directory Manager" --password-file "$(lab_password_file manager)"
}

# The schema comes by `dirca directory init`, as it would come to anybody's server; then the tree of ldif/ takes the place of its own.
ds389_lab_load() {
	local file configuration="CN=Configuration,$LAB_BASE_DN"
	{
		ds389_lab_suffix | lab_admin ldapadd && printf 'dn: %s\nobjectClass: domain\ndc: nwtraders\n' "$LAB_BASE_DN" | lab_admin ldapadd
	} >"$LAB_DIR/load.log" 2>&1 || { cat "$LAB_DIR/load.log" >&2; return 1; }
	[ "$1" != --bare ] || return 0
	{
		ds389_lab_dirca directory init --ldif "$LAB_LDIF" &&
			lab_admin ldapdelete -r "$configuration" && lab_admin ldapdelete "$LAB_BASE_DN" &&
			for file in "$LAB_LDIF"/tree/30-*.ldif "$LAB_LDIF"/tree/[12]*.ldif; do
				cat "$file" && echo
			done | lab_admin ldapadd && ds389_lab_rights &&
			{ [ -z "${LAB_MORE_LDIF:-}" ] || lab_admin ldapadd -f "$LAB_MORE_LDIF"; }
	} >>"$LAB_DIR/load.log" 2>&1 || { tail -5 "$LAB_DIR/load.log" >&2; return 1; }
}
