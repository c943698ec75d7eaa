include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(REGOLO_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/regolo)

# One export set per component: the core is usable where OpenSSL is not installed.
install(TARGETS regolo_core EXPORT regolo-core-targets FILE_SET HEADERS)
install(TARGETS regolo EXPORT regolo-targets FILE_SET HEADERS)
if(REGOLO_BUILD_TESTING)
    install(TARGETS regolo_testing EXPORT regolo-testing-targets FILE_SET HEADERS)
    install(TARGETS regolo_server)
    install(EXPORT regolo-testing-targets NAMESPACE regolo:: DESTINATION ${REGOLO_CMAKE_DIR})
endif()
install(EXPORT regolo-core-targets NAMESPACE regolo:: DESTINATION ${REGOLO_CMAKE_DIR})
install(EXPORT regolo-targets NAMESPACE regolo:: DESTINATION ${REGOLO_CMAKE_DIR})

configure_package_config_file(cmake/regolo-config.cmake.in regolo-config.cmake
    INSTALL_DESTINATION ${REGOLO_CMAKE_DIR})
write_basic_package_version_file(regolo-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/regolo-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/regolo-config-version.cmake
    DESTINATION ${REGOLO_CMAKE_DIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
