# SPDX-License-Identifier: Apache-2.0
# cmake -C .presets/clang.cmake -S . -B build-clang
set(CMAKE_C_COMPILER clang CACHE STRING "")
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(NRBAC_SANITIZE "" CACHE STRING "")
set(NRBAC_WERROR ON CACHE BOOL "")
