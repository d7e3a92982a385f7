# SPDX-License-Identifier: Apache-2.0
# cmake -C .presets/clang-undefined.cmake -S . -B build-clang-undefined
set(CMAKE_C_COMPILER clang CACHE STRING "")
set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(NRBAC_SANITIZE "address,undefined" CACHE STRING "")
set(NRBAC_WERROR ON CACHE BOOL "")
