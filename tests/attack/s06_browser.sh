#!/usr/bin/env bash
# S6: a page of another site has an officer's browser approve requests, with the credentials that a browser adds by itself.
# usage: s06_browser.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
CA_LAB_OPTIONS='auth_basic = yes
auth_scram = yes
log_level = debug
'
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-s06.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

ids=()
make_pending() {
	local n
	for n in 1 2 3 4 5 6 7; do
		ids+=("$(ca_lab_enroll kra1 KeyRecoveryAgent "$dir/kra-$n.pfx" --key p256 | jq -e 'select(.disposition == "pending").request_id')") ||
			return 1
	done
}

pending() {
	ca_lab_as officer1 requests --disposition pending --json | jq -s 'flatten | length'
}

# browse USERINFO [OPTION]: the page comes to its end; nothing was decided and nothing was read. The attack means nothing where the
# browser does not sign in: in a window of the CA's own it must have been answered. What of the page reaches the CA with the
# officer's credentials on code without a gate is the form in a window, request 3 (with an option: 4).
browse() {
	local userinfo=$1 said before
	shift
	mkdir -p "$dir/browser-$#"
	before=$(wc -l <"$dir/dircad.log")
	said=$(KRB5CCNAME=FILE:$(ca_lab_home officer1)/ccache \
		/usr/bin/python3 "$here/other_site.py" "$CA_URL" "$userinfo" "$dir/browser-$#" "${ids[@]:$#}" "${ids[@]:0:$#}" -- "$@") || return 1
	tail -n "+$((before + 1))" "$dir/dircad.log" | grep -o 'event="request" .*' >"$dir/seen"
	echo "$said; $(pending) of ${#ids[@]} requests still wait"
	cat "$dir/seen"
	grep -q 'method="GET" path="/dirca/v1/requests" status=200' "$dir/seen" && ! grep READ <<<"$said" && [ "$(pending)" = "${#ids[@]}" ]
}

check "a CA with Kerberos" ca_lab_start "$dir" gssapi
check "KeyRecoveryAgent takes keys of 256 bits" ca_lab_allow_ec KeyRecoveryAgent
check "seven requests wait" make_pending
check "the officer has a ticket" ca_lab_as officer1 requests
check "attack: a browser that signed in by Basic" browse "officer1:$(<"$(lab_password_file officer1)")"
check "attack: a browser that signs in by Negotiate" browse "" --auth-server-allowlist=localhost
check "control: the officer approves" ca_lab_as officer1 approve "${ids[6]}"
checks_end
