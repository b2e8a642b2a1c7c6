# shellcheck shell=bash disable=SC2154
# Archival, finding keys by every name, officer restrictions. Read by suite.sh.

case_ archival archive alice Archiving "$dir/alice.pfx"
serial=$(jq -r .serial_number "$dir/archive.json")
ca_lab_certificate_of "$dir/alice.pfx" >"$dir/alice.crt"
case_ archival_of_another_template archive bob ArchivingToo "$dir/bob.pfx"
case_ archival_of_mallory archive mallory Archiving "$dir/mallory.pfx"
serial_mallory=$(jq -r .serial_number "$dir/archive.json")
case_ archival_of_erin archive erin Archiving "$dir/erin.pfx"
case_ archival_of_frank archive frank Archiving "$dir/frank.pfx"
case_ archival_of_grace archive grace Archiving "$dir/grace.pfx"
case_ archival_required est alice Archiving

case_ found_by_upn one_line finds officer1 alice@nwtraders.com
case_ found_by_upn_of_another_case one_line finds officer1 ALICE@NWTraders.com
case_ found_by_downlevel_name one_line finds officer1 'NWTRADERS\alice'
case_ found_by_dns_domain one_line finds officer1 'nwtraders.com\alice'
case_ found_by_container one_line finds officer1 'Users\Alice Able'
case_ found_by_cn one_line finds officer1 "$(ca_lab_cn "$dir/alice.crt")"
case_ found_by_serial one_line finds officer1 "$serial"
case_ found_by_hash one_line finds officer1 "$(openssl x509 -in "$dir/alice.crt" -noout -fingerprint -sha1 | sed 's/.*=//')"
case_ upn_that_is_a_mail_of_another one_line finds officer1 alice.able@nwtraders.com
case_ found_unknown one_line finds officer1 nobody@nwtraders.com
case_ found_unknown_downlevel one_line finds officer1 'NWTRADERS\nobody'
case_ found_in_unknown_domain one_line finds officer1 'ELSEWHERE\alice'
case_ found_by_no_officer one_line finds alice alice@nwtraders.com
case_ archival_again archive alice ArchivingToo "$dir/alice2.pfx"
case_ found_two one_line finds officer1 alice@nwtraders.com
case_ blob_of_two blob officer1 alice@nwtraders.com
case_ blob_of_one blob officer1 "$serial"

case_ officer_of_everybody one_line finds cfo0 "$serial"
case_ officer_of_one_user one_line finds cfo1 "$serial"
case_ officer_of_one_user_other one_line finds cfo1 "$serial_mallory"
case_ officer_of_nested_group one_line finds cfo2 "$serial"
case_ officer_of_nested_group_other one_line finds cfo2 "$serial_mallory"
case_ officer_with_denial one_line finds cfo3 "$serial"
case_ officer_with_denial_other one_line finds cfo3 "$serial_mallory"
case_ officer_of_one_template one_line finds cfo4 "$serial"
case_ officer_of_one_template_other one_line finds cfo4 'NWTRADERS\bob'
case_ officer_by_group one_line finds cfo5 "$serial"
case_ officer_by_group_other one_line finds cfo5 "$serial_mallory"
case_ officer_with_denied_template one_line finds cfo6 "$serial"
case_ officer_with_denied_template_other one_line finds cfo6 'NWTRADERS\bob'
case_ officer_without_rule one_line finds cfo7 "$serial"
case_ officer_blob blob cfo1 "$serial"
case_ officer_blob_refused blob cfo1 "$serial_mallory"
