#!/usr/bin/env bash
# `dirca directory check` and `init`: an empty directory gets what dirca needs, once; nothing that is there is touched.
# DIRECTORY=samba: on a Samba AD; 389ds: on a 389 Directory Server; status 77 where none can run. usage: directory_init.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
[ "$DIRECTORY" != samba ] || ! samba_lab_missing || exit 77
[ "$DIRECTORY" != 389ds ] || ! ds389_lab_missing || exit 77

dir=$(mktemp -d /tmp/dirca-init.XXXXXX)
checks_begin "$dir"
trap 'lab_slapd_stop "$dir"; samba_lab_stop "$dir"; ds389_lab_stop "$dir"; checks_clean "$dir"' EXIT

# A slapd that knows nothing of dirca but an old version of one of its schemas. (lab_slapd_start finds it made.)
empty_slapd() {
	lab_use "$dir" && lab_make_tls 127.0.0.1 && lab_mkdir "$dir/slapd.d" "$dir/db" || return 1
	sed "/NAME 'lockoutTime'/,/SINGLE-VALUE )\$/d; s/ \\$ lockoutTime//" "$LAB_LDIF/schema/dirca-principals.ldif" >"$dir/old.ldif" || return 1
	cat >"$dir/config.ldif" <<-END
		dn: cn=config
		objectClass: olcGlobal
		cn: config
		olcTLSCertificateFile: $dir/tls/server.pem
		olcTLSCertificateKeyFile: $dir/tls/server.key
		olcAuthzRegexp: "gidNumber=$(id -g)\\+uidNumber=$(id -u),cn=peercred,cn=external,cn=auth" "cn=admin,dc=example,dc=org"

		dn: cn=module,cn=config
		objectClass: olcModuleList
		olcModulePath: /usr/lib/ldap
		olcModuleLoad: back_mdb

		dn: cn=schema,cn=config
		objectClass: olcSchemaConfig
		cn: schema

		$(for file in core cosine inetorgperson dyngroup; do printf 'include: file:///etc/ldap/schema/%s.ldif\n\n' $file; done)

		include: file://$dir/old.ldif

		dn: olcDatabase=config,cn=config
		objectClass: olcDatabaseConfig
		olcDatabase: config
		olcRootDN: cn=admin,dc=example,dc=org

		dn: olcDatabase=mdb,cn=config
		objectClass: olcMdbConfig
		olcDatabase: mdb
		olcSuffix: dc=example,dc=org
		olcDbDirectory: $dir/db
		olcRootDN: cn=admin,dc=example,dc=org
		olcRootPW: admin-Passw0rd
	END
	slapadd -n 0 -F "$dir/slapd.d" -l "$dir/config.ldif" && lab_slapd_start "$dir" --tls &&
		lab_admin ldapadd <<-END
			dn: dc=example,dc=org
			objectClass: domain
			objectClass: domainDNS
			objectSid:: AQQAAAAAAAUVAAAAAQAAAAIAAAADAAAA
		END
}

# A 389 of the same kind: the old class, and a domain with a SID.
empty_389() {
	ds389_lab_start "$dir" --bare || return 1
	sed "/NAME 'lockoutTime'/,/SINGLE-VALUE )\$/d; s/ \\$ lockoutTime//; /^\(objectClass\|cn\):/d" "$LAB_LDIF/schema/dirca-principals.ldif" |
		sed -e 's/^dn: .*/dn: cn=schema\nchangetype: modify\nadd: attributeTypes/; s/^olcAttributeTypes/attributeTypes/' \
			-e '0,/^olcObjectClasses/s//-\nadd: objectClasses\nobjectClasses/; s/^olcObjectClasses/objectClasses/' | lab_admin ldapmodify &&
		printf 'dn: %s\nchangetype: modify\nadd: objectClass\nobjectClass: domainDNS\n-\nadd: objectSid\nobjectSid:: %s\n' "$LAB_BASE_DN" \
			AQQAAAAAAAUVAAAAAQAAAAIAAAADAAAA | lab_admin ldapmodify
}

start() {
	case $DIRECTORY in
	samba) samba_lab_start "$dir" --bare && services="CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" ;;
	389ds) empty_389 && services="CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" ;;
	*) empty_slapd && services="CN=Public Key Services,CN=Services,CN=Configuration,dc=example,dc=org" ;;
	esac
}

# As the administrator of the directory.
admin() {
	as_admin "$@" --ldif "$LAB_LDIF"
}

as_admin() {
	case $DIRECTORY in
	samba)
		"$DIRCA_BIN/dirca" "$@" -H "$LDAPS_URI" --tls-ca "$LDAP_CA_FILE" -D "cn=Administrator,$CA_LAB_USERS" \
			-y "$(lab_password_file Administrator)"
		;;
	389ds) "$DIRCA_BIN/dirca" "$@" -H "$LDAPI_URI" -D "cn=Directory Manager" -y "$(lab_password_file manager)" ;;
	*) "$DIRCA_BIN/dirca" "$@" -H "$LDAPI_URI" ;;
	esac
}

# The administrator of the tree alone, who has no business with cn=config.
lesser() {
	"$DIRCA_BIN/dirca" "$@" --ldif "$LAB_LDIF" -H "$LDAPS_URI" --tls-ca "$LDAP_CA_FILE" \
		-D "cn=lesser,dc=example,dc=org" -y "$(lab_password_file lesser)"
}

# found STATUS LEAST-MISSING MOST-MISSING ARGUMENT...
found() {
	local status=$1 least=$2 most=$3 got=0 missing
	shift 3
	admin directory check --json "$@" >"$dir/check.json" || got=$?
	missing=$(jq '[.[] | select(.present | not)] | length' "$dir/check.json") || return 1
	jq -c '.[] | select(.present | not)' "$dir/check.json"
	echo "status $got, $missing missing of $(jq length "$dir/check.json")"
	[ "$got" -eq "$status" ] && [ "$missing" -ge "$least" ] && [ "$missing" -le "$most" ] &&
		jq -e 'all(.[]; .present != (.cure != null))' "$dir/check.json"
}

everything() {
	lab_admin ldapsearch -LLL -b "$1" '(objectClass=*)' dn cn flags nTSecurityDescriptor msPKI-Cert-Template-OID | sort
}

dry_run_changes_nothing() {
	admin directory init --templates --dry-run >"$dir/plan" && cat "$dir/plan" &&
		grep -q '^would add  schema dircaAuthority\|^would add  schema dirca-authority' "$dir/plan" && found 4 3 60
}

# Everything, as a version did that knew no dircaServiceURL.
older_version() {
	cp -r "$LAB_LDIF" "$dir/older" || return 1
	sed -i -e '/\.1\.4$/,/SINGLE-VALUE )$/d; s/ \$ dircaServiceURL//' "$dir/older/schema/dirca-authority.ldif" &&
		sed -i -e '/^dn: CN=dirca-Service-URL/,/^$/d; /^mayContain: dircaServiceURL$/d' "$dir/older/schema/ad-dirca-authority.ldif" &&
		! grep -r dircaServiceURL "$dir/older/schema" && LAB_LDIF=$dir/older admin directory init >"$dir/init.out" && LAB_LDIF=$dir/older found 0 0 0
}

its_schema_is_brought_up_to_date() {
	found 4 1 2 && admin directory init >"$dir/init.out" && sed -n 's/^added  //p' "$dir/init.out" | sort >"$dir/added" && case $DIRECTORY in
	samba) printf 'schema %s\n' dircaAuthority dircaServiceURL | cmp - "$dir/added" ;;
	*) echo 'schema dirca-authority' | cmp - "$dir/added" ;;
	esac
}

init_adds() {
	admin directory init "$@" >"$dir/init.out" && cat "$dir/init.out" && grep -q '^added' "$dir/init.out"
}

# A second run may not even make another OID base.
init_again_changes_nothing() {
	everything "$services" >"$dir/before" && admin directory init --templates | grep -qx 'Nothing is missing.' &&
		everything "$services" >"$dir/after" && cmp "$dir/before" "$dir/after"
}

# 35 templates that decode, with OIDs below the base of this directory.
templates_are_good() {
	local base
	base=$(lab_admin ldapsearch -LLL -o ldif-wrap=no -s base -b "CN=OID,$services" msPKI-Cert-Template-OID |
		sed -n 's/^msPKI-Cert-Template-OID: //p') && echo "$base" &&
		grep -qx '1\.3\.6\.1\.4\.1\.311\.21\.8\(\.[0-9]*\)\{6\}' <<<"$base" &&
		as_admin templates --json >"$dir/templates.json" &&
		jq -e --arg base "$base." '(length == 35) and all(.[]; .oid | startswith($base)) and ([.[].oid] | unique | length == 35)' \
			"$dir/templates.json"
}

# Nobody of the demo domain has got rights: the SIDs are those of this domain, and only the well-known ones.
rights_are_this_domains() {
	lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=KeyRecoveryAgent,CN=Certificate Templates,$services" -s base nTSecurityDescriptor \
		-E '!1.2.840.113556.1.4.801=::MAMCAQQ=' 2>/dev/null >"$dir/sd.ldif" ||
		lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=KeyRecoveryAgent,CN=Certificate Templates,$services" -s base \
			nTSecurityDescriptor >"$dir/sd.ldif"
	sed -n 's/^nTSecurityDescriptor:: //p' "$dir/sd.ldif" | base64 -d >"$dir/sd.bin" &&
		"$DIRCA_BIN/dirca" dump "$dir/sd.bin" --type sd >"$dir/sd.txt" && cat "$dir/sd.txt" &&
		grep -q -- '-512' "$dir/sd.txt" && ! grep -q -- '-1203' "$dir/sd.txt" &&
		{ [ "$DIRECTORY" = samba ] || ! grep -q '3330634377' "$dir/sd.txt"; }
}

class_is_updated() {
	local subschema=cn=Subschema
	[ "$DIRECTORY" != 389ds ] || subschema=cn=schema
	lab_admin ldapsearch -LLL -o ldif-wrap=no -s base -b "$subschema" objectClasses | grep securityPrincipal | grep lockoutTime
}

# Whoever may not see cn=config is told the command.
cure_is_told() {
	local out status=0
	lab_admin ldapadd <<-END || return 1
		dn: cn=lesser,dc=example,dc=org
		objectClass: person
		sn: lesser
		userPassword: $(<"$(lab_password_file lesser)")
	END
	out=$(lesser directory check) || status=$?
	echo "$out"
	[ "$status" -eq 4 ] && grep -q 'ldapadd -Q -Y EXTERNAL .*/schema/dirca-adpki.ldif' <<<"$out" &&
		refuses DIRCA_E_DIRECTORY lesser directory init
}

broken_files_are_refused() {
	mkdir -p "$dir/ldif/schema" && echo 'dn: cn=x' >"$dir/ldif/schema/dirca-principals.ldif" &&
		cp "$dir/ldif/schema/dirca-principals.ldif" "$dir/ldif/schema/ad-dirca-authority.ldif" || return 1
	LAB_LDIF=$dir/ldif refuses ERROR_INVALID_DATA admin directory check && LAB_LDIF=$dir/nowhere refuses ERROR_FILE_NOT_FOUND admin directory check
}

# 389 calls it the default naming context.
changelog_is_passed_over() {
	lab_admin ldapsearch -LLL -s base -b '' defaultNamingContext | grep -i 'cn=changelog' &&
		doctor && jq -e --arg nc "$LAB_BASE_DN" '.[0].principals == $nc' "$dir/report"
}

doctor() {
	as_admin doctor directory --json >"$dir/report"
	jq -c '.[0] | .findings[]' "$dir/report"
}

watching() {
	doctor && jq -e --arg verdict "$1" --arg how "$2" '.[0] | .watching == $how and
		([.findings[] | select(.check == "watching" and .verdict == $verdict)] | length == 1)' "$dir/report"
}

# FreeIPA's tree: people and groups below cn=accounts, whose SIDs are text, and who may write much of themselves. S-1-5-21-1-2-3 is the
# domain's.
freeipa_tree() {
	lab_admin ldapmodify <<-END
		dn: cn=schema
		changetype: modify
		add: attributeTypes
		attributeTypes: ( 2.16.840.1.113730.3.8.11.2 NAME 'ipaNTSecurityIdentifier' EQUALITY caseIgnoreIA5Match
		  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
		attributeTypes: ( 2.16.840.1.113719.1.301.4.1.1 NAME 'krbPrincipalName' EQUALITY caseExactIA5Match
		  SUBSTR caseExactSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
		-
		add: objectClasses
		objectClasses: ( 2.16.840.1.113719.1.301.6.8.1 NAME 'krbPrincipalAux' AUXILIARY MAY krbPrincipalName )
		objectClasses: ( 2.16.840.1.113730.3.8.12.6 NAME 'ipaNTUserAttrs' SUP top AUXILIARY MAY ipaNTSecurityIdentifier )

		dn: cn=accounts,$LAB_BASE_DN
		changetype: add
		objectClass: nsContainer

		dn: cn=users,cn=accounts,$LAB_BASE_DN
		changetype: add
		objectClass: nsContainer

		dn: cn=groups,cn=accounts,$LAB_BASE_DN
		changetype: add
		objectClass: nsContainer

		dn: cn=etc,$LAB_BASE_DN
		changetype: add
		objectClass: nsContainer

		dn: cn=sysaccounts,cn=etc,$LAB_BASE_DN
		changetype: add
		objectClass: nsContainer

		$(for name in dircad dircad2; do
			printf 'dn: uid=%s,cn=sysaccounts,cn=etc,%s\nchangetype: add\nobjectClass: account\n' $name "$LAB_BASE_DN"
			printf 'objectClass: simpleSecurityObject\nuid: %s\nuserPassword: %s-Passw0rd\n\n' $name $name
		done)

		dn: uid=anna,cn=users,cn=accounts,$LAB_BASE_DN
		changetype: add
		objectClass: inetOrgPerson
		objectClass: ipaNTUserAttrs
		objectClass: krbPrincipalAux
		krbPrincipalName: anna@NWTRADERS.COM
		cn: Anna Berg
		sn: Berg
		userPassword: $(<"$(lab_password_file anna)")
		ipaNTSecurityIdentifier: S-1-5-21-1-2-3-1004

		dn: cn=staff,cn=groups,cn=accounts,$LAB_BASE_DN
		changetype: add
		objectClass: groupOfNames
		objectClass: ipaNTUserAttrs
		member: uid=anna,cn=users,cn=accounts,$LAB_BASE_DN
		ipaNTSecurityIdentifier: S-1-5-21-1-2-3-1105
	END
}

sid_is() {
	lab_admin ldapsearch -LLL -o ldif-wrap=no -s base -b "$1,cn=accounts,$LAB_BASE_DN" objectSid | grep -xF "objectSid:: $2"
}

freeipas_sids_stay() {
	freeipa_tree && as_admin directory adopt && sid_is uid=anna,cn=users AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA7AMAAA== &&
		sid_is cn=staff,cn=groups AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAUQQAAA== &&
		as_admin template grant User staff enroll && as_admin directory adopt >"$dir/again" && lab_admin ldapsearch -LLL -b "$LAB_BASE_DN" \
		userPrincipalName=anna@nwtraders.com dn | grep -i '^dn: uid=anna,' &&
		lab_admin ldapsearch -LLL -b "$LAB_BASE_DN" uid=anna memberOf | grep -i '^memberOf: cn=staff,cn=groups,'
}

# as NAME TOOL ARGUMENT...: one of the accounts of FreeIPA's kind, or anna.
as() {
	local dn="uid=$1,cn=sysaccounts,cn=etc,$LAB_BASE_DN"
	[ "$1" != anna ] || dn="uid=anna,cn=users,cn=accounts,$LAB_BASE_DN"
	"$2" -x -H "$LDAPI_URI" -D "$dn" -y "$(lab_password_file "$1")" "${@:3}"
}

# doctor_of NAME: what the doctor finds as the CA's account.
doctor_of() {
	printf 'ca_name = Acme-CA\nhost = localhost\nstate_dir = %s\ndir_uris = %s\ndir_auth = simple\n' "$dir/state" "$LDAPI_URI" >"$dir/dircad.conf"
	printf 'dir_bind_dn = uid=%s,cn=sysaccounts,cn=etc,%s\ndir_password_file = %s\n' "$1" "$LAB_BASE_DN" "$(lab_password_file "$1")" >>"$dir/dircad.conf"
	"$DIRCA_BIN/dirca" doctor directory --json -c "$dir/dircad.conf" >"$dir/report"
	jq -c '.[0] | .findings[]' "$dir/report"
}

service_account() {
	as_admin directory service-account "uid=$1,cn=sysaccounts,cn=etc,$LAB_BASE_DN" "${@:2}"
}

aci_of_people() {
	printf 'dn: cn=users,cn=accounts,%s\nchangetype: modify\nreplace: aci\n%s' "$LAB_BASE_DN" "${1:+aci: $1}" | lab_admin ldapmodify
}

# warns WORDS ACI: a rule of people about themselves; FreeIPA has the first of them.
warns() {
	local said
	aci_of_people "$2" && said=$(service_account dircad 2>&1 >/dev/null) || return 1
	echo "$2: $said"
	if [ "$1" = - ]; then [ -z "$said" ]; else [[ $said == *"lets people write $1, "* ]]; fi
}

self_service_is_told() {
	local self='userdn = "ldap:///self";)' acl='version 3.0;acl "selfservice:allow all";allow'
	warns cn "(targetattr = \"givenname || sn || cn || mobile\")($acl (write) $self" &&
		warns - "(targetattr = \"givenname || sn || mobile || userCertificate\")($acl (write) $self" &&
		warns - "(targetattr = \"*\")($acl (read,search) userdn = \"ldap:///anyone\";)" &&
		warns - "(targetattr = \"*\")($acl (write) groupdn = \"ldap:///cn=staff,cn=groups,cn=accounts,$LAB_BASE_DN\";)" &&
		warns uid "(targetattr = \"mobile || UID\")($acl (read,write) $self" &&
		warns objectSid "(targetattr != \"userPassword || cn\")($acl(all)$self" &&
		warns objectSid "($acl (add) userdn = \"ldap:///all\";)" &&
		warns member "(targetattr = \"member\")($acl (read) userdn = \"ldap:///anyone\"; allow (selfwrite) userdn=\"ldap:///all\";)" && aci_of_people ''
}

# What is printed is what ldapmodify takes; by --apply it is the same.
service_gets_its_rights() {
	doctor_of dircad && jq -e '.[0].findings[0].verdict == "missing"' "$dir/report" && service_account dircad >"$dir/service.ldif" &&
		cat "$dir/service.ldif" && service_account dircad --apply && is "" service_account dircad && is "Nothing is missing." service_account dircad --apply &&
		doctor_of dircad && jq -e '[.[0].findings[] | select(.check == "rights" or .check == "excess") | .verdict] == ["good", "good"]' "$dir/report" &&
		lab_admin ldapsearch -LLL -b cn=index,cn=tasks,cn=config nsIndexAttribute=sAMAccountName nsTaskExitCode | grep -x 'nsTaskExitCode: 0'
}

one_may_not() {
	lab_admin ldapmodify <<<"dn: CN=CDP,$services
changetype: modify
delete: aci" && doctor_of dircad || return 1
	jq -e --arg dn "uid=dircad,cn=sysaccounts,cn=etc,$LAB_BASE_DN" '.[0].findings[] | select(.check == "rights" and .verdict == "missing") |
		(.text | contains("may not make objects below CN=CDP")) and (.cure | contains("service-account") and (ascii_downcase | contains($dn | ascii_downcase)))' "$dir/report" &&
		service_account dircad --apply && doctor_of dircad && jq -e 'all(.[0].findings[]; .check != "rights" or .verdict == "good")' "$dir/report"
}

one_is_too_many() {
	aci_of_people "(targetattr = \"objectSid\")(version 3.0; acl \"SIDs\"; allow (write) userdn = \"ldap:///uid=dircad,cn=sysaccounts,cn=etc,$LAB_BASE_DN\";)" &&
		doctor_of dircad && jq -e '.[0].findings[] | select(.check == "excess" and .verdict == "note") | .text | contains("SIDs")' "$dir/report" && aci_of_people ''
}

# What a password can be guessed by: each CA's account sees it, and nobody else, though a rule shows everybody everything.
verifiers_are_hidden() {
	local everything='(targetattr = "*")(version 3.0; acl "all"; allow (read,search,compare) userdn = "ldap:///anyone";)' name
	printf 'dn: uid=anna,cn=users,cn=accounts,%s\nchangetype: modify\nadd: authPassword\nauthPassword: x\n\n' "$LAB_BASE_DN" |
		lab_admin ldapmodify && aci_of_people "$everything" && service_account dircad2 --apply && is "" service_account dircad2 &&
		is "" service_account dircad || return 1
	for name in dircad dircad2; do
		as $name ldapsearch -LLL -b "$LAB_BASE_DN" uid=anna authPassword | grep '^authPassword' || return 1
	done
	as anna ldapsearch -LLL -b "$LAB_BASE_DN" uid=anna cn authPassword >"$dir/seen" && grep '^cn: Anna' "$dir/seen" && ! grep authPassword "$dir/seen" &&
		ldapsearch -x -H "$LDAPI_URI" -LLL -b "$LAB_BASE_DN" uid=anna cn authPassword >"$dir/seen" && grep '^cn: Anna' "$dir/seen" && ! grep authPassword "$dir/seen"
}

service_account_is_refused() {
	refuses ERROR_FILE_NOT_FOUND service_account nobody && refuses E_INVALIDARG as_admin directory service-account "uid=*,$LAB_BASE_DN" &&
		refuses "cn=config" "$DIRCA_BIN/dirca" directory service-account "uid=dircad,cn=sysaccounts,cn=etc,$LAB_BASE_DN" -H "$LDAPI_URI" \
			-D "uid=dircad,cn=sysaccounts,cn=etc,$LAB_BASE_DN" -y "$(lab_password_file dircad)"
}

doctor_knows_389() {
	watching good "syncrepl refreshAndPersist" && jq -e '.[0] | (.vendor | startswith("389 Project")) and .groups == "member walk"' "$dir/report" &&
		ds389_lab_stop "$dir" && sed -i "/^dn: cn=Content Synch/,/^\$/s/^nsslapd-pluginEnabled: on/nsslapd-pluginEnabled: off/I" "$dir/ds389/dse.ldif" &&
		ds389_lab_start "$dir" && watching missing polling && jq -r '.[0].findings[].cure' "$dir/report" | grep 'Content Synchronization'
}

rights_on() { # CONTAINER
	lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=$1,$services" -s base nTSecurityDescriptor |
		sed -n 's/^nTSecurityDescriptor:: //p' | base64 -d >"$dir/container.sd" && "$DIRCA_BIN/dirca" dump "$dir/container.sd" --type sd
}

# What is printed for Samba is run, but for the membership in groups; then that alone is left. Applied, it is the same.
samba_commands_work() {
	local dn="cn=Guest,$CA_LAB_USERS" line count=0
	as_admin directory service-account "$dn" >"$dir/commands" && cat "$dir/commands" && grep -q '^dsacls "CN=CDP,CN=Public Key Services,' "$dir/commands" &&
		refuses E_INVALIDARG as_admin directory adopt || return 1
	while read -r line; do
		eval "$line -H '$LDAPI_URI' --simple-bind-dn='cn=Administrator,$CA_LAB_USERS' --password='$(<"$(lab_password_file Administrator)")'" || return 1
		count=$((count + 1))
	done < <(grep '^samba-tool dsacl' "$dir/commands")
	[ "$count" -eq 2 ] && rights_on CDP >"$dir/by-command" && grep -q -- '-501' "$dir/by-command" &&
		as_admin directory service-account "$dn" >"$dir/left" && is "samba-tool group addmembers 'Cert Publishers' Guest" grep ^samba-tool "$dir/left"
}

samba_applies() {
	local dn="cn=Guest,$CA_LAB_USERS" other="cn=krbtgt,$CA_LAB_USERS"
	as_admin directory service-account "$dn" --apply && [ -z "$(as_admin directory service-account "$dn")" ] &&
		lab_admin ldapsearch -LLL -b "$LAB_BASE_DN" '(&(cn=Cert Publishers)(member=cn=Guest,cn=Users,dc=nwtraders,dc=com))' dn | grep '^dn:' &&
		says "has what it needs" as_admin directory service-account "$other" --apply && says "Nothing is missing" as_admin directory service-account "$other" --apply &&
		rights_on KRA >"$dir/applied" && cat "$dir/applied" && [ "$(grep -c -- '-502' "$dir/applied")" -eq "$(grep -c -- '-501' "$dir/applied")" ]
}

# Whoever may not write there has nothing changed, not even the half.
samba_applies_as_admin_alone() {
	local before
	printf 'dn: cn=lesser,%s\nobjectClass: user\nsAMAccountName: lesser\nuserAccountControl: 512\nunicodePwd:: %s\n' "$CA_LAB_USERS" \
		"$(printf '"%s"' "$(<"$(lab_password_file lesser)")" | iconv -t UTF-16LE | base64 -w0)" | lab_admin ldapadd || return 1
	before=$(rights_on CDP)
	refuses E_ACCESSDENIED "$DIRCA_BIN/dirca" directory service-account "cn=lesser,$CA_LAB_USERS" --apply -H "$LDAPS_URI" --tls-ca "$LDAP_CA_FILE" \
		-D "cn=lesser,$CA_LAB_USERS" -y "$(lab_password_file lesser)" && is "$before" rights_on CDP &&
		refuses ERROR_FILE_NOT_FOUND as_admin directory service-account "cn=nobody,$CA_LAB_USERS" --apply
}

check "an empty directory ($DIRECTORY)" start
[ "$CHECKS_BAD" -eq 0 ] || exit 1
check "much is missing" found 4 4 20
[ "$DIRECTORY" != openldap ] || check "who may not write the schema is told the command" cure_is_told
check "a dry run changes nothing" dry_run_changes_nothing
check "schema and containers are added, by an older version" older_version
check "its schema is brought up to date" its_schema_is_brought_up_to_date
check "nothing is missing but templates" found 0 0 0
[ "$DIRECTORY" = samba ] || check "an outdated class is brought up to date" class_is_updated
check "35 templates are" found 4 35 35 --templates
check "templates are added" init_adds --templates
check "nothing is missing" found 0 0 0 --templates
check "a second run changes nothing" init_again_changes_nothing
check "the templates decode, with OIDs of this directory" templates_are_good
check "their rights are those of this domain" rights_are_this_domains
[ "$DIRECTORY" != 389ds ] || check "people and groups of FreeIPA keep the SIDs that it gave them" freeipas_sids_stay
if [ "$DIRECTORY" = 389ds ]; then
	check "what people of FreeIPA may write of themselves is told" self_service_is_told
	check "the CA's account gets its rights, which are tried" service_gets_its_rights
	check "one that it has not any more is told, and given again" one_may_not
	check "one that it should not have is told" one_is_too_many
	check "what passwords can be guessed by is shown to nobody else" verifiers_are_hidden
	check "no account, a DN that a rule would take for many, no cn=config" service_account_is_refused
fi
[ "$DIRECTORY" != 389ds ] || check "the server's log of changes is no part of the directory" changelog_is_passed_over
[ "$DIRECTORY" != 389ds ] || check "the doctor knows 389, and how it tells of changes" doctor_knows_389
[ "$DIRECTORY" != samba ] || check "the service's rights as commands" samba_commands_work
[ "$DIRECTORY" != samba ] || check "and made by --apply" samba_applies
[ "$DIRECTORY" != samba ] || check "for who may" samba_applies_as_admin_alone
check "files that are none are refused" broken_files_are_refused
checks_end
