# shellcheck shell=bash disable=SC2154
# What changes while the CA runs, publishing, and a directory that is away. Read by suite.sh.

kra_count() {
	ca_lab_as caadmin kra list --json | jq -r 'if type == "array" then length else [.. | objects | select(has("certificate_hash"))] | length end | "\(.) listed"'
}

case_ kra_list kra_count
case_ kra_unpublish told caadmin kra unpublish "$dir/kra2.crt"
case_ kra_list_after_unpublish kra_count
case_ kra_publish_by_user told user5 kra publish "$dir/kra2.crt"
case_ kra_publish told caadmin kra publish "$dir/kra2.crt"
case_ kra_publish_again told caadmin kra publish "$dir/kra2.crt"
case_ kra_list_after_publish kra_count
case_ user_certificate publication alice
case_ user_certificate_of_computer publication 'host$'

{ rename_erin && move_frank; } | lab_modify >/dev/null
case_ renamed_by_new_name one_line finds officer1 'NWTRADERS\erika'
case_ renamed_by_new_upn one_line finds officer1 erika@nwtraders.com
case_ renamed_by_old_upn one_line finds officer1 erin@nwtraders.com
case_ renamed_enrolls with_password erin-Passw0rd names erika AltUpn
case_ moved one_line finds officer1 'NWTRADERS\frank'
case_ moved_in_new_container one_line finds officer1 'North\frank'
case_ moved_in_old_container one_line finds officer1 'Users\frank'
case_ moved_enrolls names frank SubjectPath
case_ same_cn_in_two_containers one_line finds officer1 'Pat Smith'
case_ published_to_the_moved publication frank

modification "cn=grace,$CA_LAB_USERS" replace 'userAccountControl: 514'
modification "cn=heidi,$CA_LAB_USERS" replace 'accountExpires: 129067776000000000'
case_ disabled_user in_force 2 "DIRCA_E_AUTHENTICATION" est grace SubjectCn
case_ disabled_user_is_found one_line finds officer1 grace@nwtraders.com
case_ expired_user in_force 2 "DIRCA_E_AUTHENTICATION" est heidi SubjectCn
modification "cn=grace,$CA_LAB_USERS" replace 'userAccountControl: 512'
case_ enabled_user in_force 2 issued est grace SubjectCn
printf 'dn: cn=grace,%s\nchangetype: delete\n\n' "$CA_LAB_USERS" | lab_modify >/dev/null
case_ deleted_user in_force 2 "DIRCA_E_AUTHENTICATION" est grace SubjectCn
case_ deleted_user_is_found one_line finds officer1 grace@nwtraders.com
case_ deleted_user_is_found_by_downlevel_name one_line finds officer1 'NWTRADERS\grace'
case_ deleted_user_of_no_group one_line finds cfo2 'NWTRADERS\grace'

case_ template_before est alice Changing
modification "$(template_dn Changing)" replace 'msPKI-Enrollment-Flag: 2'
case_ template_now_pends in_force 2 pending est alice Changing
modification "$(template_dn Changing)" replace 'msPKI-Minimal-Key-Size: 4096'
case_ template_now_wants_longer_keys in_force 2 CERTSRV_E_KEY_LENGTH est alice Changing
modification "$service" delete 'certificateTemplates: Changing'
case_ template_disabled in_force 2 CERTSRV_E_UNSUPPORTED_CERT_TYPE est alice Changing
modification "$service" add 'certificateTemplates: Disabled'
case_ template_enabled in_force 2 issued est alice Disabled
modification "cn=Banned,$CA_LAB_USERS" add "member: cn=carl,$CA_LAB_USERS"
case_ new_member_of_denied_group in_force 2 CERTSRV_E_TEMPLATE_DENIED est carl RightDenyGroup
modification "cn=Allowed,$CA_LAB_USERS" delete "member: cn=bob,$CA_LAB_USERS"
case_ no_member_any_more in_force 2 CERTSRV_E_TEMPLATE_DENIED est bob RightGroup
# moved BASE64: what mallory was before, in other domains. No LDAP client may say so to a domain controller.
moved() {
	case $DIRECTORY in
	samba) samba_lab_history "$dir" "cn=mallory,$CA_LAB_USERS" "$1" ;;
	*) modification "cn=mallory,$CA_LAB_USERS" replace "sIDHistory:: $1" ;;
	esac
}
case_ not_moved est mallory RightMoved
case_ not_moved_not_denied est mallory RightMovedDenied
moved AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAUQQAAA==
# Who has just been here is known for 5 seconds.
case_ moved_has_the_right in_force 7 issued est mallory RightMoved
case_ moved_is_denied est mallory RightMovedDenied
case_ moved_officer_may in_force 2 "1 found alice.able@nwtraders.com status 0" one_line finds cfo1 "$serial_mallory"
case_ moved_is_found one_line finds officer1 S-1-5-21-1-2-3-1105
moved AQUAAAAAAAUVAAAAiXKFxtQvDU/dv64lVgQAAA==
case_ moved_from_somebody in_force 7 ERROR_INVALID_DATA est mallory RightEveryone
modification "$service" delete dircaOfficerRights
case_ officer_rules_gone in_force 2 "0 found status 1 CERTSRV_E_RESTRICTEDOFFICER" one_line finds cfo0 "$serial"
case_ officer_rules_off told caadmin officer restrict --off
case_ officer_rules_are_off in_force 2 "1 found alice@nwtraders.com status 0" one_line finds cfo7 "$serial"

ca_lab_directory_stop
case_ directory_away est alice SubjectCn
case_ directory_away_client told alice templates
ca_lab_directory_start
case_ directory_back in_force 8 issued est alice SubjectCn

case_ unpublish_by_user told user5 ca unpublish -c "$DIRCAD_CONF" --uri "$LDAPS_URI"
case_ unpublish told caadmin ca unpublish -c "$DIRCAD_CONF" --uri "$LDAPS_URI"
case_ unpublished one_line ca_lab_as user5 cas
case_ unpublished_ntauth stored NTAuth
case_ unpublished_ca_stays stored CA
case_ unpublish_all told caadmin ca unpublish -c "$DIRCAD_CONF" --all --uri "$LDAPS_URI"
case_ unpublished_all own_objects
case_ publish_again told caadmin ca publish -c "$DIRCAD_CONF" --uri "$LDAPS_URI" --admin "CA Administrators" --template User
case_ published_again discovered
