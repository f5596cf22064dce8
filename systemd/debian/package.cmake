# What an installation consists of, for `cmake --install` and for `cpack -G DEB`. Paths are below
# the prefix, except for /etc and /var. The maintainer scripts beside this file do the rest.
include(GNUInstallDirs)
set(examples ${CMAKE_INSTALL_DATADIR}/doc/tandem/examples)

install(TARGETS tandemd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS tandem RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# Where systemd looks, whatever the library directory of this architecture is called.
install(FILES systemd/tandem.service DESTINATION lib/systemd/system)
install(FILES systemd/sysusers-tandem.conf DESTINATION lib/sysusers.d RENAME tandem.conf)

install(FILES etc/completions/tandem.bash RENAME tandem
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES etc/completions/_tandem DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)

# Everything in etc/ is an example but what has a place of its own: no file in /etc is the
# package's, so no upgrade ever asks about one or overwrites one.
install(DIRECTORY etc/ DESTINATION ${examples} USE_SOURCE_PERMISSIONS
  PATTERN man EXCLUDE PATTERN completions EXCLUDE PATTERN guides EXCLUDE)
install(DIRECTORY etc/guides DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tandem
  FILES_MATCHING PATTERN *.md)
install(FILES systemd/redis-server.service.d/tandem.conf
  DESTINATION ${examples}/redis-server.service.d)
install(FILES systemd/tandem-recovery.conf systemd/custom-redis.service.example
  DESTINATION ${examples})

# Compressed as Debian wants it; -n: no time stamp, so that two builds are alike.
find_program(GZIP gzip REQUIRED)
set(compressed "")
function(install_compressed source name destination)
  set(output ${CMAKE_BINARY_DIR}/compressed/${name}.gz)
  add_custom_command(OUTPUT ${output} DEPENDS ${source} VERBATIM
    COMMAND sh -c "exec \"$1\" -9nc \"$2\" >\"$3\"" sh ${GZIP} ${source} ${output})
  install(FILES ${output} DESTINATION ${destination})
  list(APPEND compressed ${output})
  set(compressed ${compressed} PARENT_SCOPE)
endfunction()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/compressed)
# The keys of the configuration come from its example, in the example's words.
set(tandem_toml_5 ${CMAKE_BINARY_DIR}/tandem.toml.5)
set(example ${CMAKE_SOURCE_DIR}/etc/tandem.toml)
set(maker ${CMAKE_SOURCE_DIR}/etc/man/tandem.toml.5.awk)
add_custom_command(OUTPUT ${tandem_toml_5} VERBATIM
  DEPENDS ${example} ${maker} ${CMAKE_SOURCE_DIR}/etc/man/tandem.toml.5.in
  COMMAND sh -c "exec awk -v \"example=$1\" -f \"$2\" \"$3\" >\"$4\"" sh
    ${example} ${maker} ${CMAKE_SOURCE_DIR}/etc/man/tandem.toml.5.in ${tandem_toml_5})
file(GLOB pages CONFIGURE_DEPENDS etc/man/*.[1578])
list(APPEND pages ${tandem_toml_5})
foreach(page IN LISTS pages)
  cmake_path(GET page FILENAME name)
  cmake_path(GET page EXTENSION LAST_ONLY section)
  string(SUBSTRING ${section} 1 1 section)
  install_compressed(${page} ${name} ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install_compressed(${CMAKE_SOURCE_DIR}/systemd/debian/changelog changelog
  ${CMAKE_INSTALL_DATADIR}/doc/tandem)
add_custom_target(tandem_compressed ALL DEPENDS ${compressed})
install(FILES systemd/debian/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tandem)

# Secrets are files with mode 0600; the directories are open because notify scripts run as nobody.
# /etc whatever the prefix: that is where the agent looks.
install(DIRECTORY DESTINATION /etc/tandem)
install(DIRECTORY DESTINATION /etc/tandem/notify.d)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tandem)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "virtual IP on the live master of a Redis pair")
set(CPACK_PACKAGE_DESCRIPTION "\
Tandem keeps one virtual IP on whichever of two hosts holds the live master
of a Redis (or Valkey, KeyDB) pair. One agent on each host speaks VRRP, as
keepalived does, watches both servers, promotes and demotes them, and moves
the address only after the role has moved. No write that was acknowledged is
lost by a planned move, and no server with old data is promoted silently.")
set(CPACK_PACKAGE_CONTACT "Tandem maintainers <maintainers@users.noreply.h-seed-1621094e.example>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
set(CPACK_STRIP_FILES ON)
# One tree, installed with DESTDIR: directories outside of the prefix (/etc) have their place in it.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# sysusers needs a systemd in reach; a container may have it only as a program (systemd-standalone).
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server | valkey-server, bash-completion")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/systemd/debian/postinst
  ${CMAKE_SOURCE_DIR}/systemd/debian/prerm
  ${CMAKE_SOURCE_DIR}/systemd/debian/postrm)
include(CPack)
