# SPDX-License-Identifier: Apache-2.0
# cmake -C .presets/release.cmake -S . -B build
set(CMAKE_C_COMPILER gcc CACHE STRING "")
set(CMAKE_BUILD_TYPE Release CACHE STRING "")
set(NRBAC_SANITIZE "" CACHE STRING "")
set(NRBAC_WERROR ON CACHE BOOL "")
