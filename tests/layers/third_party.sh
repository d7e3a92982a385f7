#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each third-party library is included by one folder.
set -u
cd "$1/engine" || exit 2
bad=0
only() {
    header=$1
    folder=$2
    for file in $(grep -lE "^#include <$header" -r . --include='*.[ch]' | sort); do
        case "$file" in
        "./$folder/"*) ;;
        *) echo "$file includes <$header>, which is for $folder/ alone"; bad=1 ;;
        esac
    done
    grep -qE "^#include <$header" "$folder"/*.[ch] ||
        { echo "nothing in $folder/ includes <$header>: is this test still true?"; bad=1; }
}
only yaml.h text
only jansson.h text
only csv.h text
only 'msgpack' wire
only uv.h server
only cjose/ verify
only openssl/ verify
only sqlite3.h audit
only sodium.h audit
# Nobody else's headers at all: what is not listed is libc, POSIX or ours.
known='nrbac/|yaml\.h|jansson\.h|csv\.h|msgpack|uv\.h|cjose/|openssl/|sqlite3\.h|sodium\.h'
libc='arpa/inet|assert|ctype|dirent|endian|errno|fcntl|fnmatch|getopt|inttypes|libgen|limits|locale|math|netinet/in|poll|pthread|pwd|grp|sched|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|sys/[a-z]+|time|unistd'
others=$(grep -nE '^#include <' -r . --include='*.[ch]' | grep -vE "<($known)" | grep -vE "<($libc)\.h>")
if [ -n "$others" ]; then
    echo "neither libc nor a library of ours:"
    echo "$others"
    bad=1
fi
exit $bad
