#!/usr/bin/env bash
# Renewals and enrollment agents from the command line, with real templates.
# usage: renewal.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-renewal.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_OPTIONS='sign_kinds = kra enrollment-agent
'

admin() { ca_lab_as caadmin "$@"; }
signer() { echo "--$1 $2 --$1-password-file $(ca_lab_pass)"; } # OPTION FILE
# enroll USER TEMPLATE OUT OPTION...
enroll() { ca_lab_enroll "$@" >"$dir/answer.json" && cat "$dir/answer.json"; }
answer() { jq -e "$1" "$dir/answer.json"; }
public_key() { ca_lab_certificate_of "$1" | openssl x509 -noout -pubkey; }
row() { sqlite3 "$CA_STATE/dirca.db" "SELECT $1 FROM Request WHERE RequestID = $(jq .request_id "$dir/answer.json")"; }
same_key() { cmp <(public_key "$1") <(public_key "$2"); }
another_key() { ! cmp -s <(public_key "$1") <(public_key "$2"); }
issues() { ca_lab_status ".templates | index(\"$1\") != null" >/dev/null; }

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# ---- renewal ----
check "user1 has an archived key" enroll user1 EFSArchive "$dir/first.pfx"
# shellcheck disable=SC2046 # several words
check "and renews it with a new one" enroll user1 EFSArchive "$dir/second.pfx" $(signer renew "$dir/first.pfx")
check "which is archived too" answer .archived
check "which is another" another_key "$dir/first.pfx" "$dir/second.pfx"
check "recorded as a renewal" is 2 row "RequestFlags & 2"
# shellcheck disable=SC2046
check "with the same key" enroll user1 EFSArchive "$dir/third.pfx" --same-key $(signer renew "$dir/first.pfx")
check "which is archived again" answer .archived
check "and is the same" same_key "$dir/first.pfx" "$dir/third.pfx"
# shellcheck disable=SC2046
check "without archival" enroll user1 User "$dir/user.pfx"
# shellcheck disable=SC2046
check "renewed too" enroll user1 User "$dir/user2.pfx" $(signer renew "$dir/user.pfx")
# shellcheck disable=SC2046
check "user2 may not renew it" refuses CERTSRV_E_BAD_RENEWAL_SUBJECT \
	enroll user2 User "$dir/other.pfx" $(signer renew "$dir/user.pfx")
# shellcheck disable=SC2046
check "nor for another template" refuses CERTSRV_E_TEMPLATE_CONFLICT \
	enroll user1 EFS "$dir/other.pfx" $(signer renew "$dir/user.pfx")
# A disk that is full when the certificate comes: p256 keys are smaller than a block, PKCS#12 files are not.
full() { (trap '' XFSZ && ulimit -f 1 && ca_lab_enroll user1 User "$dir/full.pfx" --key p256 2>&1); }
newest() { sqlite3 "$CA_STATE/dirca.db" "SELECT max(RequestID) FROM Request"; }
check "a PKCS#12 that cannot be written" refuses DIRCA_E_IO full
check "leaves the key" test -s "$dir/full.pfx.key"
check "with which the certificate is fetched" ca_lab_as user1 retrieve "$(newest)" --key-file "$dir/full.pfx.key" \
	--out "$dir/fetched.pfx" --out-password-file "$(ca_lab_pass)"
check "and it is that key's" public_key "$dir/fetched.pfx"
check "the kept key is gone" test ! -e "$dir/full.pfx.key" -a ! -e "$dir/full.pfx.key.sent"
again() { ca_lab_as user1 retrieve "$(newest)" --key-file "$dir/fetched.pfx" --out "$dir/again.pfx" --out-password-file "$(ca_lab_pass)"; }
both_stay() { again && public_key "$dir/again.pfx" && test -s "$dir/fetched.pfx"; }
check "another file with it does as well, and stays" both_stay
own_key_stays() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/own.key" && cp "$dir/own.key" "$dir/own.before" &&
		refuses "own.key exists, and is no key that" enroll user1 User "$dir/own" && cmp "$dir/own.key" "$dir/own.before" && [ ! -e "$dir/own" ]
}
check "a key that lies where enroll keeps its own is not taken for it" own_key_stays
check "--same-key alone" refuses DIRCA_E_USAGE enroll user1 User "$dir/other.pfx" --same-key

# ---- enrollment agents ----
grant() { # NAME TRUSTEE
	admin template enable "$1" && admin template grant "$1" "$2" enroll && ca_lab_eventually issues "$1"
}
check "a template for agents" grant EnrollmentAgent officer2
check "a template that wants one" admin template duplicate User Card ra-signatures=1 ra-application-policies=enrollmentAgent \
	on-behalf-of=yes
check "of this CA" grant Card officer2
check "officer2 becomes an agent" ca_lab_eventually enroll officer2 EnrollmentAgent "$dir/agent.pfx"
# shellcheck disable=SC2046
check "and enrolls user1" ca_lab_eventually enroll officer2 Card "$dir/card.pfx" --on-behalf-of 'NWTRADERS\user1' \
	$(signer agent "$dir/agent.pfx")
check "the subject is user1" grep -q 'CN = user1' <(ca_lab_certificate_of "$dir/card.pfx" | openssl x509 -noout -subject -nameopt oneline)
check "in the database too" is 'NWTRADERS\user1|NWTRADERS\officer2' row "RequesterName, CallerName"
audit() { # WORD
	sqlite3 "$CA_STATE/dirca.db" "SELECT Actor, Detail FROM Audit WHERE EventID = 790 ORDER BY RowID DESC LIMIT 1" | grep -F "$1"
}
check "the audit trail has the agent" audit 'NWTRADERS\officer2|'
check "and the subject" audit 'requester=NWTRADERS\user1'
check "without a signature" refuses CERTSRV_E_SIGNATURE_POLICY_REQUIRED enroll officer2 Card "$dir/other.pfx"
# shellcheck disable=SC2046
check "with a certificate that makes no agent" refuses CERTSRV_E_SIGNATURE_REJECTED enroll officer2 Card "$dir/other.pfx" \
	--on-behalf-of 'NWTRADERS\user1' $(signer agent "$dir/card.pfx")
# shellcheck disable=SC2046
check "for nobody" refuses CERTSRV_E_BAD_REQUESTSUBJECT enroll officer2 Card "$dir/other.pfx" \
	--on-behalf-of 'NWTRADERS\nobody' $(signer agent "$dir/agent.pfx")
check "on behalf of another without an agent" refuses DIRCA_E_USAGE enroll officer2 Card "$dir/other.pfx" --on-behalf-of user1

# ---- enrollment and renewal by itself ----
auto=$dir/auto
enrolls_itself() { ca_lab_as user1 enroll --auto --out "$auto" --out-password-file "$(ca_lab_pass)" "$@"; }
lets() { # NAME FROM FIELD=VALUE...: a template for user1's programs
	admin template duplicate "$2" "$1" autoenroll=yes "${@:3}" && admin template enable "$1" &&
		{ [ "$2" = Auto ] || admin template grant "$1" user1 enroll autoenroll; } && ca_lab_eventually issues "$1"
}
did() { jq -e --arg t "$1" --arg d "$2" 'any(.[]; .template == $t and .done == $d)' <<<"$3"; }
run_does() { # TEMPLATE WHAT
	local said
	said=$(enrolls_itself --json) && echo "$said" && did "$1" "$2" "$said"
}
run_does_nothing() { [ "$(enrolls_itself --json)" = '[]' ]; }
serial_at() { ca_lab_serial_of "$auto/$1.pfx"; }
check "a template that user1's programs enroll by" lets Auto EFSArchive validity=20m overlap=19m
check "one that only people do" admin template enable User
check "a run enrolls by the first alone" run_does Auto enrolled
check "into a folder" serial_at Auto
nothing_else() { [ "$(cd "$auto" && echo *)" = 'Auto.pfx old' ]; }
check "and by nothing else" nothing_else
# What the timers start, as systemd reads the units and as the user's says it.
units() { # the units of KIND, by the program that is tested
	local kind=$1 file
	mkdir -p "$dir/units/$kind" && for file in "$here/../../dist/systemd/$kind"/dirca-enroll.*; do
		sed "s|/usr/bin/dirca|$DIRCA_BIN/dirca|" "$file" >"$dir/units/$kind/${file##*/}" || return 1
	done
}
systemd_takes() { # KIND: and says nothing about it
	local said
	units "$1" || return 1
	said=$(XDG_RUNTIME_DIR=$dir systemd-analyze "--$1" verify --man=no "$dir/units/$1"/* 2>&1)
	local status=$?
	echo "$said"
	[ $status -eq 0 ] && [ -z "$said" ]
}
if command -v systemd-analyze >/dev/null; then
	for kind in system user; do check "systemd takes the timer and its service: $kind" systemd_takes $kind; done
else
	echo "SKIPPED: systemd-analyze is not here: that systemd takes the units is not shown"
fi
timer_does() {
	local home line folder=.local/share/dirca/enrolled
	home=$(ca_lab_home user1) && line=$(sed -n "s|%h|$home|g; s|^ExecStart=/usr/bin/dirca ||p" "$here/../../dist/systemd/user/dirca-enroll.service") &&
		install -D -m 600 "$(ca_lab_pass)" "$home/.config/dirca/enroll-password" || return 1
	# shellcheck disable=SC2086 # several words
	ca_lab_as user1 $line && [ "$(stat -c %a "$home/$folder" "$home/$folder/Auto.pfx" | tr '\n' ' ')" = '700 600 ' ] &&
		[ "$(ca_lab_serial_of "$home/$folder/Auto.pfx")" != "$(serial_at Auto)" ]
}
check "the user's timer does so in the user's own folder" timer_does
first=$(serial_at Auto)
check "in its renewal period it is renewed" run_does Auto renewed
check "the old key is kept" test -s "$auto/old/Auto-${first,,}.pfx"
check "as a renewal" is 2 sqlite3 "$CA_STATE/dirca.db" "SELECT RequestFlags & 2 FROM Request WHERE RequestID = (SELECT max(RequestID) FROM Request)"
check "a longer life" admin template set Auto validity=1y overlap=6w
second=$(serial_at Auto)
lives_long() { run_does Auto renewed && ca_lab_certificate_of "$auto/Auto.pfx" | openssl x509 -noout -checkend 1000000; }
check "is taken up" ca_lab_eventually lives_long
check "and then there is nothing to do" run_does_nothing
half_done() { mv "$auto/Auto.pfx" "$auto/Auto.new.pfx" && cp "$auto/old/Auto-${second,,}.pfx" "$auto/Auto.pfx"; }
check "a run that ended between two names" half_done
check "is brought to its end" run_does_nothing
newer() { [ "$(serial_at Auto)" != "$second" ] && [ ! -e "$auto/Auto.new.pfx" ]; }
check "with the newer one in its place" newer
third=$(serial_at Auto)
check "one that is put on hold" ca_lab_as officer1 revoke "$third" --reason certificateHold
check "is left alone" says 'is on hold; nothing is asked for' enrolls_itself
check "so is one that is good again" ca_lab_as officer1 unrevoke "$third"
check "by every run" run_does_nothing
check "one that is revoked" ca_lab_as officer1 revoke "$third" --reason keyCompromise
check "is replaced" run_does Auto 'enrolled anew'
check "by no renewal" is 0 sqlite3 "$CA_STATE/dirca.db" "SELECT RequestFlags & 2 FROM Request WHERE RequestID = (SELECT max(RequestID) FROM Request)"
check "once" run_does_nothing
check "and its key kept" test -s "$auto/old/Auto-${third,,}.pfx"
revoked() { ca_lab_as officer1 revoke "$(serial_at Auto)" --reason superseded; }
check "another one is revoked" revoked
check "a template that takes its place" lets Auto2 Auto supersedes=Auto
check "is enrolled by" run_does Auto2 enrolled
check "and the older one put away" test ! -e "$auto/Auto.pfx"
check "one that people decide about" lets Waits User approval=yes
check "waits" run_does Waits 'waits for a certificate manager'
check "is not asked for twice" run_does Waits 'waits for a certificate manager'
check "is approved" ca_lab_as officer1 approve "$(newest)"
check "and fetched" run_does Waits enrolled
check "one that is denied" lets Denied User approval=yes
check "waits too" run_does Denied 'waits for a certificate manager'
check "until it is" ca_lab_as officer1 deny "$(newest)"
check "which the next run says" refuses DIRCA_E_DENIED enrolls_itself
count=$(newest)
check "and the one after it does not ask again" says 'was denied; remove' enrolls_itself
check "the CA" test "$count" = "$(newest)"
check "a template of key recovery agents" lets AutoKra KeyRecoveryAgent ra-signatures=0
check "is left to people" run_does_nothing
told() { did AutoKra 'waits for a certificate manager' "$(enrolls_itself --with-kra --json)"; }
check "unless told" told
check "a template that is called as a renewal" lets Auto2.new Auto
check "is left to people too" run_does_nothing
two_at_once() { (flock 9 && enrolls_itself) 9>"$auto/.lock"; }
check "two at once do not" refuses 'is at work there' two_at_once
check "a password that opens nothing" refuses NTE_BAD_DATA ca_lab_as user1 enroll --auto --out "$auto" --out-password-file "$(lab_password_file user1)"
check "no password" refuses DIRCA_E_USAGE ca_lab_as user1 enroll --auto --out "$auto"
check "a template beside it" refuses DIRCA_E_USAGE enrolls_itself User

# ---- certmonger's helper ----
ends_with() { # STATUS CODE: the helper, where dirca fails with that code
	local status=0
	printf '#!/bin/sh\necho "dirca submit: words (%s)" >&2\nexit 1\n' "$2" >"$dir/failing" && chmod +x "$dir/failing" || return 1
	DIRCA=$dir/failing CERTMONGER_CSR=x "$here/../../cli/certmonger-submit" || status=$?
	[ $status -eq "$1" ]
}
check "what was refused is given up" ends_with 2 "0x80094012 CERTSRV_E_TEMPLATE_DENIED"
check "what may pass is not" ends_with 3 "0xA0DC000C DIRCA_E_NETWORK"
check "whatever it is" ends_with 3 "0xA0DC0004 DIRCA_E_IO"

# ---- certmonger, the daemon itself ----
cm=$dir/cm
mkdir -p "$cm"/{cas,requests,config,local,tmp,files}
certmonger_runs() { # LINE...: of a shell, while it runs; whether they fail certmonger itself does not say
	rm -f "$cm/ran" && printf '%s\n' "$@" ": >$cm/ran" >"$cm/lines"
	CERTMONGER_CAS_DIR=$cm/cas CERTMONGER_REQUESTS_DIR=$cm/requests CERTMONGER_CONFIG_DIR=$cm/config CERTMONGER_LOCAL_CA_DIR=$cm/local \
		CERTMONGER_TMPDIR=$cm/tmp CERTMONGER_SYSTEM_LOCK_FILE=$cm/lock timeout 600 certmonger -n -L -P "$cm/socket" -p "$cm/pid" -c "bash -e $cm/lines" &&
		[ -e "$cm/ran" ]
}
wants() { echo "getcert request -c dirca -T $1 -I $1 -k $cm/files/$1.key -f $cm/files/$1.crt"; }
becomes() { echo "for i in {1..900}; do ! getcert list -i $1 | grep -q 'status: $2' || break; sleep 0.1; done; getcert list -i $1 | grep 'status: $2'"; }
helper="/usr/bin/env HOME=$(ca_lab_home user1) DIRCA=$DIRCA_BIN/dirca $here/../../cli/certmonger-submit"
serial_of() { openssl x509 -in "$cm/files/$1.crt" -noout -serial; }
check "certmonger enrolls" certmonger_runs "getcert add-ca -c dirca -e '$helper'" "$(wants User)" "$(becomes User MONITORING)"
first=$(serial_of User)
check "and renews" certmonger_runs "getcert resubmit -i User -w" "$(becomes User MONITORING)"
another() { [ -n "$first" ] && [ "$(serial_of User)" != "$first" ]; }
check "which is another certificate" another
check "where a certificate manager decides it waits" certmonger_runs "$(wants Waits)" "$(becomes Waits CA_WORKING)"
check "who approves" ca_lab_as officer1 approve "$(newest)"
check "so that it has it" certmonger_runs "getcert refresh -i Waits" "$(becomes Waits MONITORING)"
check "of that template" serial_of Waits
check "what is refused is rejected" certmonger_runs "$(wants KeyRecoveryAgent)" "$(becomes KeyRecoveryAgent CA_REJECTED)"
check "with the CA's words" certmonger_runs "getcert list -i KeyRecoveryAgent | grep CERTSRV_E_TEMPLATE_DENIED"
check "control: what fails there is seen" eval '! certmonger_runs "getcert list | grep -q nothing-of-this"'

checks_end
