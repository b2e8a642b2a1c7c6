# What `cmake --install` puts where (tests/integration/install.sh holds the list). Two components beside the rest: "dircad", the CA's
# machine, and "demo", the quick start with its people, whose passwords are public; it is installed only where it is asked for by name.

# dirca_install_with_paths(component destination file...): files that name programs by where they are with the prefix /usr. The prefix is that
# of the installation, which --prefix may say.
function(dirca_install_with_paths component destination)
	foreach(file ${ARGN})
		get_filename_component(name ${file} NAME)
		set(made ${CMAKE_BINARY_DIR}/dist/${destination}/${name})
		if(NOT IS_ABSOLUTE ${destination})
			set(to "\${CMAKE_INSTALL_PREFIX}/${destination}")
		else()
			set(to ${destination})
		endif()
		install(CODE "
			file(READ \"${PROJECT_SOURCE_DIR}/${file}\" text)
			string(REPLACE /usr/sbin/dircad \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}/dircad\" text \"\${text}\")
			string(REPLACE /usr/bin/dirca \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/dirca\" text \"\${text}\")
			file(WRITE \"${made}\" \"\${text}\")
			file(INSTALL \"${made}\" DESTINATION \"${to}\")" COMPONENT ${component})
	endforeach()
endfunction()

set(DIRCA_SYSTEM_UNIT_DIR lib/systemd/system CACHE PATH "where systemd looks for units of the system")

# ---- who enrolls, recovers, manages ----
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dirca)
install(TARGETS dirca DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS cli/certmonger-submit DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/dirca)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/adcs)
foreach(name ${adcs_names})
	file(CREATE_LINK ${dirca_from_libexec} "${CMAKE_BINARY_DIR}/adcs/${name}" SYMBOLIC)
	install(FILES "${CMAKE_BINARY_DIR}/adcs/${name}" DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/dirca)
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/dirca.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME dirca)
install(FILES ${CMAKE_BINARY_DIR}/dirca.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _dirca)
install(FILES ${CMAKE_BINARY_DIR}/dirca.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY docs/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(FILES docs/man/dirca.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
# Schema, containers and templates for `dirca directory init`; no people.
install(DIRECTORY ldif/schema DESTINATION ${CMAKE_INSTALL_DATADIR}/dirca/ldif)
install(FILES ldif/tree/10-configuration.ldif ldif/tree/20-templates.ldif ldif/tree/25-archival-templates.ldif
	DESTINATION ${CMAKE_INSTALL_DATADIR}/dirca/ldif/tree)
install(FILES ldif/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/dirca/ldif)
install(FILES README.md NEWS LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.yaml" PATTERN "*.json" PATTERN man EXCLUDE)
install(FILES dist/examples/dirca.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
# The timers are off until somebody enables them.
install(FILES dist/systemd/system/dirca-enroll.timer DESTINATION ${DIRCA_SYSTEM_UNIT_DIR})
dirca_install_with_paths(dirca ${DIRCA_SYSTEM_UNIT_DIR} dist/systemd/system/dirca-enroll.service)
install(FILES dist/systemd/user/dirca-enroll.timer DESTINATION lib/systemd/user)
dirca_install_with_paths(dirca lib/systemd/user dist/systemd/user/dirca-enroll.service)

# ---- the CA's machine ----
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dircad)
install(TARGETS dircad DESTINATION ${CMAKE_INSTALL_SBINDIR})
file(GLOB pages docs/man/dircad.conf.5 docs/man/*.8)
foreach(page ${pages})
	get_filename_component(section ${page} LAST_EXT)
	string(SUBSTRING ${section} 1 -1 section)
	install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
dirca_install_with_paths(dircad ${DIRCA_SYSTEM_UNIT_DIR} dist/systemd/system/dircad.service)
install(FILES dist/sysusers.d/dirca.conf DESTINATION lib/sysusers.d)
install(FILES dist/tmpfiles.d/dirca.conf DESTINATION lib/tmpfiles.d)
install(FILES dist/logrotate.d/dircad DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/logrotate.d)
dirca_install_with_paths(dircad ${CMAKE_INSTALL_SYSCONFDIR}/apparmor.d dist/apparmor.d/dircad)
install(FILES dist/examples/dircad.conf dist/examples/rsyslog.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# ---- the quick start ----
set(demo ${CMAKE_INSTALL_DATADIR}/dirca-demo)
install(PROGRAMS quickstart DESTINATION ${demo} COMPONENT demo EXCLUDE_FROM_ALL)
# One folder of both programs, as a build has it.
file(RELATIVE_PATH up /${demo}/bin /)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/demo)
foreach(program ${CMAKE_INSTALL_BINDIR}/dirca ${CMAKE_INSTALL_SBINDIR}/dircad)
	get_filename_component(name ${program} NAME)
	file(CREATE_LINK ${up}${program} ${CMAKE_BINARY_DIR}/demo/${name} SYMBOLIC)
	install(FILES ${CMAKE_BINARY_DIR}/demo/${name} DESTINATION ${demo}/bin COMPONENT demo EXCLUDE_FROM_ALL)
endforeach()
install(DIRECTORY ldif DESTINATION ${demo} COMPONENT demo EXCLUDE_FROM_ALL PATTERN tools EXCLUDE PATTERN source EXCLUDE)
install(DIRECTORY tests/support DESTINATION ${demo}/tests USE_SOURCE_PERMISSIONS COMPONENT demo EXCLUDE_FROM_ALL
	FILES_MATCHING PATTERN "*.sh" PATTERN "lab_ldif.py")
