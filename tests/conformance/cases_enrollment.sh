# shellcheck shell=bash disable=SC2154
# Discovery, templates, who may enroll, what stands in the certificate. Read by suite.sh.

discovered() {
	ca_lab_as user5 cas --json | jq -r '.[] | .name + " " + (.templates | length | tostring) + " templates"'
}

listed() {
	ca_lab_as user5 templates --json | jq -r '"\(length) listed, \(map(select(.archival)) | length) archive, \(map(select(.pends)) | length) pend"'
}

listed_one() {
	ca_lab_as user5 templates "$1" --json | jq -r '.[] | "v\(.schema_version) \(.minimal_key_size) bits, archival \(.archival), pends \(.pends), \(.oid)"'
}

case_ discovery discovered
case_ templates_are_listed listed
case_ template_v1 listed_one User
case_ template_v2 listed_one EFSArchive
case_ template_pending listed_one Pending
case_ template_unknown told user5 templates NoSuchTemplate

case_ right_of_user est alice RightUser
case_ right_of_user_other est bob RightUser
case_ right_of_group est bob RightGroup
case_ right_of_group_other est alice RightGroup
case_ right_of_nested_group est alice RightNested
case_ right_of_nested_group_other est bob RightNested
case_ right_of_primary_group est carl RightPrimary
case_ right_of_primary_group_other est alice RightPrimary
case_ right_of_domain_users est bob RightDomainUsers
case_ right_of_domain_users_computer est 'host$' RightDomainUsers
case_ right_of_domain_computers est 'host$' RightComputers
case_ right_of_domain_computers_user est bob RightComputers
case_ right_of_authenticated est mallory RightAuthenticated
case_ right_of_authenticated_computer est 'host$' RightAuthenticated
case_ right_of_everyone est bob RightEveryone
case_ deny_group est dave RightDenyGroup
case_ deny_group_other est bob RightDenyGroup
case_ deny_nested_group est dave RightDenyNested
case_ deny_user est dave RightDenyUser
case_ deny_user_other est bob RightDenyUser
case_ deny_all_extended_rights est dave RightDenyAll
case_ deny_another_right est dave RightDenyOther
case_ right_all_extended_rights est alice RightAllExtended
case_ right_autoenroll_alone est alice RightAutoenroll
case_ right_inherit_only est alice RightInheritOnly
case_ right_full_control est alice RightFullControl
case_ right_full_mask est alice RightFullMask
case_ right_of_another est alice RightOther
case_ right_of_nobody est alice RightNobody
case_ right_read_denied est dave RightReadDenied
case_ right_read_denied_other est bob RightReadDenied
case_ right_read_denied_is_not_listed told dave templates RightReadDenied
case_ right_read_denied_is_listed_to_others told bob templates RightReadDenied
case_ right_of_owner est alice RightOwner
case_ default_template est alice User
case_ default_template_kra est alice KeyRecoveryAgent
case_ template_not_issued est alice Disabled
case_ template_not_there est alice NoSuchTemplate
case_ password_wrong with_password another est bob RightEveryone

case_ subject_cn names alice SubjectCn
case_ subject_cn_of_computer names 'host$' SubjectCn
case_ subject_mail names alice SubjectMail
case_ subject_mail_missing names bob SubjectMail
case_ subject_path names alice SubjectPath
case_ subject_path_in_ou names pat1 SubjectPath
case_ subject_dns names 'host$' SubjectDns
case_ subject_dns_of_user names alice SubjectDns
case_ subject_dns_missing names 'nameless$' SubjectDns
case_ subject_empty names alice SubjectEmpty
case_ alt_upn names alice AltUpn
case_ alt_upn_of_another_spelling names mallory AltUpn
case_ alt_upn_missing names noupn AltUpn
case_ alt_mail names mallory AltMail
case_ alt_mail_missing names bob AltMail
case_ alt_dns names 'host$' AltDns
case_ alt_dns_of_user names alice AltDns
case_ alt_several names alice AltSeveral
case_ alt_guid guid_matches alice
case_ alt_guid_of_computer guid_matches 'host$'
case_ sid_of_user sid_in_certificate alice SubjectCn 1301
case_ sid_of_computer sid_in_certificate 'host$' SubjectCn 1320
case_ sid_left_out sid_in_certificate alice SidLess 1301
case_ subject_supplied names alice SubjectSupplied /CN=chosen.nwtraders.com
case_ subject_supplied_for_logon names alice LogonSupplied /CN=chosen.nwtraders.com
case_ subject_ignored names alice SubjectCn /CN=chosen.nwtraders.com
case_ pending est alice Pending
