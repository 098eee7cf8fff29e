# Writes each unit for the prefix of this installation, and installs it.
#
# With the prefix /usr, as packages have it, the configuration is in /etc/trawlwatch, where
# trawlwatchd looks by itself. With any other it is in PREFIX/etc/trawlwatch, and the units
# say so to the programs.
set(BINDIR ${CMAKE_INSTALL_PREFIX}/bin)
set(SBINDIR ${CMAKE_INSTALL_PREFIX}/sbin)
set(DOCDIR ${CMAKE_INSTALL_PREFIX}/share/doc/trawlwatch)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
        set(CONFDIR /etc/trawlwatch)
else()
        set(CONFDIR ${CMAKE_INSTALL_PREFIX}/etc/trawlwatch)
endif()

# Parts of units; their own @NAMES@ are filled in with the unit's.
function(read_part name file)
        file(READ ${TRAWLWATCH_SYSTEMD}/${file} text)
        string(STRIP "${text}" text)
        string(CONFIGURE "${text}" text @ONLY)
        set(${name} "${text}" PARENT_SCOPE)
endfunction()
read_part(DAEMON daemon.conf)
read_part(HARDENING hardening.conf)

foreach(unit trawlwatchd.service trawlwatchd@.service trawl-enforce.service)
        configure_file(${TRAWLWATCH_SYSTEMD}/${unit}.in ${TRAWLWATCH_WRITTEN}/${unit} @ONLY)
        file(INSTALL DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system
             FILES ${TRAWLWATCH_WRITTEN}/${unit})
endforeach()
file(INSTALL DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d
     RENAME trawlwatch.conf FILES ${TRAWLWATCH_SYSTEMD}/trawlwatch.sysusers.conf)
file(INSTALL DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/tmpfiles.d
     RENAME trawlwatch.conf FILES ${TRAWLWATCH_SYSTEMD}/trawlwatch.tmpfiles.conf)

# What the operator has changed is not written over; packages leave that to dpkg.
if(DEFINED ENV{DESTDIR} OR NOT EXISTS ${CONFDIR}/trawlwatch.yaml)
        file(INSTALL DESTINATION ${CONFDIR} FILES ${TRAWLWATCH_SYSTEMD}/trawlwatch.yaml)
endif()
