# SPDX-License-Identifier: Apache-2.0
# How everything is compiled: warnings, sanitizers, hardening.

# POSIX.1-2008 with its XSI part everywhere; a file that needs more says so in its
# first lines.
add_compile_definitions(_XOPEN_SOURCE=700)

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual
  -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wformat=2
  -Wundef -Wvla -Walloca -Wdouble-promotion -Wnull-dereference)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  add_compile_options(
    -Wold-style-definition -Wcast-align=strict -Wimplicit-fallthrough=5 -Wduplicated-cond
    -Wduplicated-branches -Wlogical-op -Wjump-misses-init -Wunused-macros)
else()
  add_compile_options(
    -Wcast-align -Wimplicit-fallthrough -Wcomma -Wunreachable-code -Wassign-enum
    -Wmissing-variable-declarations)
endif()
if(NRBAC_WERROR)
  add_compile_options(-Werror)
endif()

if(NRBAC_SANITIZE)
  add_compile_options(-fsanitize=${NRBAC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NRBAC_SANITIZE})
else()
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wstack-usage=16384)
  endif()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
    add_compile_options(-fcf-protection=full)
  endif()
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# A folder of engine/ as objects: nr_folder(NAME SOURCES... [USES targets...])
function(nr_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
  add_library(nr_${name} OBJECT ${arg_SOURCES})
  target_include_directories(nr_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/engine ${PROJECT_SOURCE_DIR}/engine/include ${PROJECT_SOURCE_DIR}/schema)
  target_compile_definitions(nr_${name} PRIVATE NRBAC_VERSION="${PROJECT_VERSION}")
  target_link_libraries(nr_${name} PRIVATE ${arg_USES})
endfunction()
