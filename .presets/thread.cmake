# SPDX-License-Identifier: Apache-2.0
# cmake -C .presets/thread.cmake -S . -B build-thread
set(CMAKE_C_COMPILER clang CACHE STRING "")
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(NRBAC_SANITIZE "thread" CACHE STRING "")
set(NRBAC_WERROR ON CACHE BOOL "")
