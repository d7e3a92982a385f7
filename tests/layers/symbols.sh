#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libnrbac needs libc alone; every library exports nrbac_* alone, with a version.
set -u
lib="$2/lib"
bad=0
needed=$(readelf -d "$lib/libnrbac.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
case "$needed" in
"libc.so.6 ") ;;
*libasan*|*libubsan*|*libtsan*) ;; # a sanitizer's build is not what is installed
*) echo "libnrbac needs: $needed"; bad=1 ;;
esac
for library in nrbac nrbac-policy nrbac-client nrbac-verify; do
    exported=$(nm -D --defined-only "$lib/lib$library.so" | awk '$2 != "A" { print $3 }')
    [ -n "$exported" ] || { echo "lib$library.so exports nothing"; bad=1; }
    stray=$(echo "$exported" | grep -vE '^nrbac_[a-z0-9_]+@@NRBAC[A-Z_]*_[0-9.]+$' | grep -vE '^(__asan|__ubsan|__odr_asan|__tsan)')
    [ -z "$stray" ] || { echo "lib$library.so exports:"; echo "$stray"; bad=1; }
done
exit $bad
