#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What each policy compiles to, as text, is what was reviewed:
#   tests/policy/golden.sh path/to/nrbac       compares
#   NRBAC_REWRITE=1 tests/policy/golden.sh …   writes what is so now
#
# The ten of policy/examples/patterns/ are left out: each holds the whole national
# policy again, and what is its own stands in two screens of YAML beside its tests.
set -u
cd "$(dirname "$0")/../.."
nrbac=$1
bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in $(tests/policy/folders.sh | grep -v /patterns/); do
    name=$(basename "$folder")
    "$nrbac" compile "$folder" -o "$work/$name.nrb" >/dev/null && "$nrbac" dump "$work/$name.nrb" >"$work/$name.txt" || bad=1
    [ "${NRBAC_REWRITE:-}" = 1 ] && cp "$work/$name.txt" "tests/policy/$name.txt"
    diff -u "tests/policy/$name.txt" "$work/$name.txt" || bad=1
done
exit $bad
