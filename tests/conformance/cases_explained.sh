# shellcheck shell=bash disable=SC2154
# What the CA says it would decide and why, templates that are made by verbs, what is where in the directory. Read by suite.sh.

# explained CHECK VERB ARGUMENT...: the outcome, and what one of the steps says of it.
explained() {
	local step=$1
	shift
	if ca_lab_as caadmin explain "$@" --json >"$dir/explained.json" 2>"$dir/explained.err"; then
		jq -r --arg step "$step" '.outcome + (.steps[] | select(.check == $step) |
			" by \(.ace // "no entry"), \(.group_path // "no group")")' "$dir/explained.json"
	else
		symbol <"$dir/explained.err"
	fi
}

explained_recovery() {
	ca_lab_as caadmin explain recover "$@" --json | jq -r '"\(.keys | length) keys: " + ([.keys[] | .template + " " +
		(if .allowed then "allowed" else "refused" end)] | sort | join(", "))'
}

# stored STORE: how many certificates and CRLs.
stored() {
	if ca_lab_as user5 viewstore "$1" --json >"$dir/stored.json" 2>"$dir/stored.err"; then
		jq -r 'length | "\(.) stored"' "$dir/stored.json"
	else
		symbol <"$dir/stored.err"
	fi
}

# The objects of the CA under CN=Public Key Services.
own_objects() {
	ca_lab_as user5 ds --json | jq -r --arg cn "cn=${CA_NAME,,}," '[.[].dn | ascii_downcase | select(startswith($cn)) |
		split(",")[1:3] | join(",")] | sort | join(" ")'
}

copy_of_user() {
	ca_lab_as caadmin template duplicate RightEveryone Copied && ca_lab_as caadmin template set Copied subject=cn,upn &&
		ca_lab_as caadmin template grant Copied alice enroll && ca_lab_as caadmin template enable Copied
}

case_ explain_nested_group explained enroll-right enroll alice RightNested
case_ explain_denied explained enroll-right enroll dave RightDenyNested
case_ explain_primary_group explained enroll-right enroll carl RightPrimary
case_ explain_read_denied explained read-right enroll dave RightReadDenied
case_ explain_nobody explained enroll-right enroll alice RightNobody
case_ explain_computer explained enroll-right enroll 'host$' RightComputers
case_ explain_ca_right explained ca-right enroll mallory RightEveryone
case_ explain_pending explained policy enroll alice Pending
case_ explain_unknown_user explained account enroll nobody@nwtraders.com Pending
case_ explain_recovery explained_recovery cfo4 alice
case_ explain_recovery_denied explained_recovery cfo3 alice

copy_of_user >"$dir/copy.out" 2>&1
case_ template_duplicated in_force 3 issued est alice Copied
case_ template_duplicated_names names alice Copied
case_ template_duplicated_by_user told user5 template duplicate User Stolen

case_ store_ca stored CA
case_ store_root stored Root
case_ store_ntauth stored NTAuth
case_ store_kra stored KRA
case_ store_cdp stored CDP
case_ objects_of_the_ca own_objects
