#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Includes point down only. Each line: a folder, and what it may include beside
# itself and <nrbac/...>. Programs see of the library only its public headers.
set -u
cd "$1/engine" || exit 2
bad=0
check() {
    folder=$1
    shift
    allowed=" $folder $* "
    for found in $(grep -hoE '^#include "[a-z]+/' "$folder"/*.c "$folder"/*.h 2>/dev/null |
                   sed 's/.*"//; s,/,,' | sort -u); do
        case "$allowed" in
        *" $found "*) ;;
        *)
            echo "$folder includes $found, and may include only:$allowed"
            grep -nE "^#include \"$found/" "$folder"/*.[ch]
            bad=1
            ;;
        esac
    done
}
check base
check share base
check text base
check model text base
check table base
check twin model text base
check compile model table twin text base
check subject base
check api subject table share base
check wire base
check client wire base
check verify text base
check audit base
check keep audit base
check server text wire share audit keep base
check cli text audit keep base
for folder in */; do
    case " base/ share/ text/ model/ table/ twin/ compile/ subject/ api/ wire/ client/ verify/ audit/ keep/ server/ cli/ include/ examples/ man/ dist/ " in
    *" $folder "*) ;;
    *) echo "engine/$folder has no place in the layers"; bad=1 ;;
    esac
done
exit $bad
