# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where; pkg-config and find_package(nrbac) find it.
include(CMakePackageConfigHelpers)

set(targets nrbac_shared nrbac_static nrbac_policy_shared nrbac_policy_static)
if(TARGET nrbac_client_shared)
  list(APPEND targets nrbac_client_shared nrbac_client_static)
endif()
list(APPEND targets nrbac_verify_shared nrbac_verify_static)
# The static libraries are ours to test with; what others link is shared.
list(FILTER targets INCLUDE REGEX "_shared$")
install(TARGETS ${targets} EXPORT nrbac-targets LIBRARY)
install(EXPORT nrbac-targets NAMESPACE nrbac:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/nrbac)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/engine/include/nrbac TYPE INCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/schema/nrbac TYPE INCLUDE FILES_MATCHING PATTERN "*.def")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE TYPE DOC)
install(FILES ${PROJECT_SOURCE_DIR}/engine/dist/nrbacd.service ${PROJECT_SOURCE_DIR}/engine/dist/nrbacd.socket
  DESTINATION lib/systemd/system)

file(GLOB pages ${PROJECT_SOURCE_DIR}/engine/man/*.[1-8])
foreach(page ${pages})
  string(REGEX REPLACE ".*\\.([1-8])$" "\\1" section ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# The .pc files find the tree from where they lie, so that it may be moved.
file(RELATIVE_PATH NRBAC_PREFIX_FROM_PC
  /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)

function(nr_pkgconfig name description requires)
  configure_file(${PROJECT_SOURCE_DIR}/engine/dist/pkgconfig.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
nr_pkgconfig(nrbac "decides on National RBAC" "")
nr_pkgconfig(nrbac-policy "compiles National RBAC policies and reads JSON" "nrbac")
nr_pkgconfig(nrbac-client "asks a running nrbacd" "nrbac")
nr_pkgconfig(nrbac-verify "verifies tokens, API keys and certificates" "nrbac-policy")

configure_package_config_file(${PROJECT_SOURCE_DIR}/engine/dist/nrbac-config.cmake.in
  ${PROJECT_BINARY_DIR}/nrbac-config.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/nrbac)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nrbac-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nrbac-config.cmake ${PROJECT_BINARY_DIR}/nrbac-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/nrbac)
