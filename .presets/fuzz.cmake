# SPDX-License-Identifier: Apache-2.0
# cmake -C .presets/fuzz.cmake -S . -B build-fuzz
set(CMAKE_C_COMPILER clang CACHE STRING "")
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(NRBAC_SANITIZE "fuzzer-no-link,address,undefined" CACHE STRING "")
set(NRBAC_WERROR ON CACHE BOOL "")
