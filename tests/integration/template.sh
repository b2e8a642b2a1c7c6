#!/usr/bin/env bash
# dirca template: copy, change, grant, enable, and what comes of it at a running CA; revoke, disable; export and import; two
# administrators at once; a copy that was left half-finished. usage: template.sh [MECH]; DIRECTORY as of ca_lab.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

if [ "$DIRECTORY" = samba ] && samba_lab_missing; then
	exit 77
fi
dir=$(mktemp -d /tmp/dirca-template.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

admin() { ca_lab_as caadmin template "$@"; }
show() { admin show "$1" --json | jq -er "$2"; } # NAME FILTER
issues() { ca_lab_status ".templates | index(\"$1\") != null"; }
issues_not() { ca_lab_status ".templates | index(\"$1\") == null"; }
enroll() { ca_lab_enroll "$@"; } # USER TEMPLATE OUT: prints JSON
enrolls_and_archives() { rm -f "$3" && enroll "$@" >"$dir/enrolled.json" && jq -e .archived "$dir/enrolled.json"; }
is_refused() { rm -f "$4" && refuses "$1" enroll "$2" "$3" "$4"; } # CODE USER TEMPLATE OUT

check "a CA" ca_lab_start "$dir" "${1:-scram}"
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# ---- looking ----
check "list shows all" test "$(admin list --json | jq length)" -ge 35
check "list tells who issues it and who may enroll" jq -e '.[] | select(.name == "UserArchive") |
	.archival and (.enabled_at | length == 1) and (.enroll | any(endswith("Domain Users")))' <(admin list --json)
check "dirca templates is the same" cmp <(admin list) <(ca_lab_as caadmin templates)
check "show tells fields by name" is 1y show User .fields.validity
check "and rights by name" show User '.rights | any(.rights == "enroll" and (.trustee | endswith("Domain Users")))'
check "show of none" refuses CRYPT_E_NOT_FOUND admin show Nothing
check "set alone explains the fields" says "overlap=PERIOD" admin set
check "so does its help" says "overlap=PERIOD" admin set --help

# ---- the way of the paper, by a copy that archives ----
check "a version 1 template is not edited" refuses "duplicate" admin set User archive=yes
check "a dry run sends nothing" says "changetype: add" admin duplicate User UserCopy archive=yes --dry-run
check "so that there is none" refuses CRYPT_E_NOT_FOUND admin show UserCopy
check "duplicate" says "with the rights of User. Next: \`dirca template enable\`" admin duplicate User UserCopy
check "which it has" is "$(show User .rights)" show UserCopy .rights
check "twice is refused" refuses ERROR_FILE_EXISTS admin duplicate User UserCopy
check "the copy is version 2" is 2 show UserCopy .fields.version
check "and not enabled" show UserCopy '.enabled_at == []'
check "with an OID of its own" show UserCopy '.oid | test("^1\\.3\\.6\\.1\\.4\\.1\\.311\\.21\\.8\\.[0-9.]*\\.[0-9]{8}\\.[0-9]{8}$")'
oid=$(show UserCopy .oid)
# shellcheck disable=SC2016 # jq's variable
check "whose object is there" jq -e --arg oid "$oid" '[.[] | select(.dn | ascii_downcase | contains(",cn=oid,")) |
	.attributes["msPKI-Cert-Template-OID"] // [] | index($oid)] | any' <(ca_lab_as caadmin ds -v --json)
check "archive=yes" says "archive: no -> yes" admin set UserCopy archive=yes
check "makes a new revision" is 100.2 show UserCopy .revision
check "once more it is so already" says already admin set UserCopy archive=yes
check "and the revision stays" is 100.2 show UserCopy .revision
check "an unknown field" refuses "perhaps 'archive' is meant" admin set UserCopy archiv=yes
check "what makes no sense" refuses "encrypting key usage" admin set UserCopy key-usage=digitalSignature
check "another version's field" refuses "version 3" admin set UserCopy transport=aes256
check "a template that it cannot supersede" refuses CRYPT_E_NOT_FOUND admin set UserCopy supersedes=Nothing
check "one that it can" admin set UserCopy supersedes=User,EFS
check "is told by show" show User '.superseded_by == ["UserCopy"]'
check "an ordinary user may not" refuses E_ACCESSDENIED ca_lab_as user1 template set UserCopy validity=2y

check "enable" says "issues UserCopy" admin enable UserCopy
check "twice is fine" says already admin enable UserCopy
check "what is not there is not enabled" refuses CRYPT_E_NOT_FOUND admin enable Nothing
check "the CA issues it" ca_lab_eventually issues UserCopy
check "user1 enrolls, and the key is archived" ca_lab_eventually enrolls_and_archives user1 UserCopy "$dir/1.pfx"

# ---- its security descriptor ----
sd() { ca_lab_as caadmin sd "$@"; }
sddl_of() { sd show "$1" --json | jq -er .sddl; }
same_as_itself() { sd check UserCopy --sddl "$(sddl_of UserCopy)"; }
differs() { # LINE SDDL: of the copy
	local got
	got=$(sd check UserCopy --sddl "$2")
	if [ $? -ne 4 ] || ! grep -q "$1" <<<"$got"; then
		echo "$got"
		return 1
	fi
}
check "an entry in words, with the group's name" says "Domain Users)" sd show UserCopy
check "by its DN it is the same" cmp <(sddl_of UserCopy) <(sddl_of "$(show UserCopy .dn)")
check "as template show tells it" is "$(show UserCopy .sddl)" sddl_of UserCopy
check "the CA's own rights by its name" says "allow Manage CA, Read to" sd show "$CA_NAME"
check "whom they let manage it" jq -e '.grants[] | select(.right == "Manage CA").trustees | length == 1' <(sd check "$CA_NAME" --json)
check "whom it lets enroll" jq -e '.grants[] | select(.right == "enroll").trustees | any(.name | endswith("Domain Users"))' \
	<(sd check UserCopy --json)
check "it holds what it holds" says "0 differences." same_as_itself
check "and not what it does not" differs "^+ DACL: allow generic all to .*Domain Admins)" 'D:P(A;;GA;;;DA)'
sddl_of UserCopy >"$dir/copy.sddl"
check "a file has the same names" says "Domain Users)" sd show "$dir/copy.sddl"
check "no object, no file" refuses CRYPT_E_NOT_FOUND sd show Nothing
check "SDDL that is malformed" refuses ERROR_INVALID_DATA sd check UserCopy --sddl 'D:(A;;GA;;;DA'
check "a condition in words" refuses "hexadecimal digits only" sd show --sddl 'D:(XA;;GA;;;WD;(a == 1))'

# ---- rights ----
check "take it from everybody" says "- allow" admin revoke UserCopy "Domain Users" enroll
check "user1 is refused" ca_lab_eventually is_refused CERTSRV_E_TEMPLATE_DENIED user1 UserCopy "$dir/2.pfx"
check "twice there is nothing to take" refuses CRYPT_E_NOT_FOUND admin revoke UserCopy "Domain Users" enroll
check "grant it to a group of groups" says "+ allow" admin grant UserCopy Staff enroll
check "user1 enrolls again" ca_lab_eventually enrolls_and_archives user1 UserCopy "$dir/2.pfx"
check "deny it to a group" says "+ deny" admin grant UserCopy Sales enroll --deny
check "user1 is refused again" ca_lab_eventually is_refused CERTSRV_E_TEMPLATE_DENIED user1 UserCopy "$dir/3.pfx"
check "user3 is not" ca_lab_eventually enrolls_and_archives user3 UserCopy "$dir/3.pfx"
check "take the denial away" admin revoke UserCopy Sales enroll --deny
check "user1 enrolls" ca_lab_eventually enrolls_and_archives user1 UserCopy "$dir/4.pfx"
check "a version 1 template's rights can be edited" admin grant User Sales autoenroll
check "its revision stays" is 3.1 show User .revision
check "granted already" refuses ERROR_FILE_EXISTS admin grant User Sales autoenroll
check "an unknown right" refuses E_INVALIDARG admin grant User Sales everything
check "nobody of that name" refuses CRYPT_E_NOT_FOUND admin grant User Nobody enroll
# On Samba the directory itself goes by these rights: the administrator's own stay.
last_writer() {
	local sid
	show UserCopy '.rights[] | select(.rights | test("full|write")) | .sid' | sort -u >"$dir/writers"
	while read -r sid; do
		[[ $sid == *-512 ]] || admin revoke UserCopy "$sid" full || return 1
	done <"$dir/writers"
}
check "writers can be taken away" last_writer
check "but the last one" refuses "--force" admin revoke UserCopy "Domain Admins" full
check "unless one insists" says "changetype: modify" admin revoke UserCopy "Domain Admins" write --force --dry-run
check "or it is one of two" admin grant UserCopy "CA Administrators" full

# ---- a change is in force ----
check "approval" admin set UserCopy approval=yes
pends() { rm -f "$dir/p.pfx" "$dir/p.pfx.key" && enroll user3 UserCopy "$dir/p.pfx" | jq -e '.disposition == "pending"'; }
check "requests wait" ca_lab_eventually pends
check "disable" says "no longer issues UserCopy" admin disable UserCopy
check "twice is refused" refuses CRYPT_E_NOT_FOUND admin disable UserCopy
check "the CA does not issue it" ca_lab_eventually issues_not UserCopy
check "user1 is refused" is_refused CERTSRV_E_UNSUPPORTED_CERT_TYPE user1 UserCopy "$dir/5.pfx"

# ---- there and back ----
check "export" admin export UserCopy EFSArchive --out "$dir/two.ldif"
check "it names no domain" refuses "" grep -qi "nwtraders\|objectGUID\|nTSecurityDescriptor" "$dir/two.ldif"
check "import refuses what is there" refuses ERROR_FILE_EXISTS admin import "$dir/two.ldif"
admin export UserCopy >"$dir/one.ldif"
check "two templates have two OIDs" refuses "--new-oid" admin import "$dir/one.ldif" --name UserBack
check "import under another name" admin import "$dir/one.ldif" --name UserBack --new-oid
admin export UserBack >"$dir/back.ldif"
normal() { sed '/^ /d; /^dn:/d; /^cn:/d; /Template-OID/d' "$1"; } # FILE: without name and OID
same_but_names() { diff <(normal "$dir/one.ldif") <(normal "$dir/back.ldif"); }
check "the same comes back" same_but_names
check "authenticated users may read it" show UserBack '.rights[] | select(.trustee == "Authenticated Users") | .rights == "read"'
check "and others than administrators not enroll" refuses "" show UserBack '.rights[] | select(.rights == "enroll")'
sed 's/^pKIExpirationPeriod:.*/pKIExpirationPeriod:: AEA5hy7h\/v8=/' "$dir/one.ldif" >"$dir/changed.ldif"
check "validity is changed here" admin set UserCopy validity=90d overlap=5d
check "an update by import" says updated admin import "$dir/changed.ldif" --force
check "brings the file's" is 1y show UserCopy .fields.validity
later() { [ "$(show UserCopy .revision)" = "100.$((${1#*.} + 1))" ]; }
before=$(show UserCopy .revision)
check "and makes the next revision" admin import "$dir/one.ldif" --force
check "each time" later "$before"
check "rights travel on demand" says nTSecurityDescriptor admin export UserCopy --with-rights
check "JSON of the PowerShell module" admin import "$LAB_SOURCE_DIR/tests/fixtures/templates/adcstemplate.json"
check "is a template" is 2y show MessageEncryption .fields.validity
check "with the OID of the file" show MessageEncryption '.oid | endswith(".13392998.8282280")'
head -c 700 "$LAB_SOURCE_DIR/tests/fixtures/templates/adcstemplate.json" >"$dir/cut.json"
check "half a file" refuses ERROR_INVALID_DATA admin import "$dir/cut.json"
printf 'dn: cn=x\nobjectClass: pKICertificateTemplate\ncn: Bad\nflags: 0\npKIExpirationPeriod:: AAA=\n' >"$dir/bad.ldif"
check "no template" refuses ERROR_INVALID_DATA admin import "$dir/bad.ldif"
check "is not written" refuses CRYPT_E_NOT_FOUND admin show Bad
check "no file" refuses ERROR_FILE_NOT_FOUND admin import "$dir/nothing"

# ---- versions 3 and 4 ----
check "version 4 with a curve" admin duplicate User UserV4 version=4 key-algorithm=ECDH_P256 transport=aes256 archive=yes
check "its key size follows" is 256 show UserV4 '.fields["min-key-size"]'
check "back to version 2 it cannot" refuses "version 3" admin set UserV4 version=2
check "before that is gone" admin set UserV4 version=2 key-algorithm=none transport=none min-key-size=2048

# ---- two administrators at once: no change is lost ----
writer() { # NAME FIELD HOURS
	local i done=0
	for i in 1 2 3 4 5 6 7 8; do
		if admin set UserV4 "$2=$(($3 + i))h" >"$dir/$1.out" 2>&1; then
			done=$((done + 1))
		elif ! grep -q DIRCA_E_CHANGED "$dir/$1.out"; then
			cat "$dir/$1.out" >"$dir/$1.bad"
		fi
	done
	echo $done >"$dir/$1.count"
}
both() {
	local first second
	writer a overlap 1 &
	first=$!
	writer b validity 20 &
	second=$!
	wait $first $second
	if cat "$dir"/[ab].bad 2>/dev/null; then return 1; fi
	[ "$(show UserV4 .revision)" = "100.$((${start#*.} + $(<"$dir/a.count") + $(<"$dir/b.count")))" ]
}
check "shorter periods" admin set UserV4 validity=20h overlap=1h
start=$(show UserV4 .revision)
check "two writers: each change is a revision, or a conflict" both

# ---- a copy that was left half-finished is completed ----
as_administrator() { # the domain controller lets only known people write there
	if [ "$DIRECTORY" = samba ]; then
		KRB5CCNAME=FILE:$(ca_lab_home caadmin)/ccache ldapmodify -Q -N -Y GSSAPI -H "$LDAP_URI"
	else
		lab_modify
	fi
}
half() {
	local ldif
	ldif=$(admin duplicate User Half --dry-run) || return 1
	awk -v RS= 'NR == 1' <<<"$ldif" | as_administrator
}
half_oid() { ca_lab_as caadmin ds -v --json | jq -er '.[] | select((.dn | test(",CN=OID,"; "i")) and .attributes.displayName == ["'"$1"'"]).attributes["msPKI-Cert-Template-OID"][0]'; }
check "the OID object alone" half
left=$(half_oid "Half (unfinished)")
check "the next try takes it" admin duplicate User Half
check "and makes no second" is "$left" show Half .oid
check "which is finished now" test "$(half_oid Half)" = "$left"
gone() { # a template is deleted, and one of its name made anew
	printf 'dn: CN=Half,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s\nchangetype: delete\n' \
		"$LDAP_CONFIG_BASE" | as_administrator && admin duplicate User Half
}
check "the template goes, and another of its name comes" gone
check "with an identifier of its own" test "$(show Half .oid)" != "$left"
checks_end
