# SPDX-License-Identifier: Apache-2.0
# cmake -C .presets/address.cmake -S . -B build-address
set(CMAKE_C_COMPILER gcc CACHE STRING "")
set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(NRBAC_SANITIZE "address,undefined" CACHE STRING "")
set(NRBAC_WERROR ON CACHE BOOL "")
