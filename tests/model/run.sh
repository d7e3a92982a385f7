#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the models of what threads and processes do to each other (tests/model/*.pml).
#
#   tests/model/run.sh              all of them
#   tests/model/run.sh ring         this one
#
# A model says in its head what holds and which broken step breaks it:
#
#   holds  PROPERTY  …              `safety` (assertions, no deadlock) or the name of an ltl claim,
#                                   which is checked under weak fairness
#   breaks PROPERTY  BREAK_X  …     with -DBREAK_X that property must fail
#
# Everything that holds is searched to the end, and no statement of a model may be left that the
# search never reaches. The last line counts.
set -uo pipefail
cd "$(dirname "$0")"

# Compiles a model into $work/pan and runs it; $work/found is what it says.
search() {
    local model=$1 property=$2 broken=$3 claim options=()
    [ "$broken" = - ] || options+=("-D$broken")
    if [ "$property" = safety ]; then
        claim=(-DSAFETY -DNOCLAIM)
        options+=(-o3) # statements are not merged, so that each one's reaching is seen
    else
        claim=(-DNFAIR=3)
        options+=(-DLIVENESS)
    fi
    cp ./*.pml "$work" && cd "$work" || return 1
    spin "${options[@]}" -a "$model.pml" >found 2>&1 &&
        gcc -O1 -w -DMEMLIM=2048 "${claim[@]}" -o pan pan.c >>found 2>&1 || return 1
    if [ "$property" = safety ]; then
        ./pan -m1000000 -w22 >found 2>&1
    else
        ./pan -m1000000 -w22 -a -f -N "$property" >found 2>&1
    fi
}

is_searched() { grep -q 'errors: 0$' found && ! grep -qE 'too small|out of memory|max search depth' found; }

# Statements that no state comes to, but for those that say so. Loops without an end do not come to theirs.
unreached() {
    sed -n '/^unreached in claim/,$d; /^unreached in/,$p' found | grep -E 'state [0-9]+' | grep -v -- '-end-' |
        grep -oE '[a-z]+\.pml:[0-9]+' | while IFS=: read -r file line; do sed -n "${line}p" "$file"; done | grep -v 'if broken'
}

is_found() {
    if [ "$1" = safety ]; then
        grep -qE 'assertion violated|invalid end state' found
    else
        grep -q 'acceptance cycle' found
    fi && grep -q 'errors: [1-9]' found
}

# One line: ok or FAILED, and of what.
check() {
    local model=$1 property=$2 broken=$3 what="$1: $2" good=false
    work=$(mktemp -d)
    trap 'rm -rf "$work"' RETURN
    search "$model" "$property" "$broken"
    if [ "$broken" = - ]; then
        is_searched && { [ "$property" != safety ] || ! unreached; } && good=true
    else
        what="$what fails with $broken"
        is_found "$property" && good=true
    fi
    if $good; then
        echo "ok $what"
    else
        echo "FAILED $what"
        cat found
    fi
}

# What the heads of the models promise: model, property, broken step or `-`.
promises() {
    local model
    for model in ${*:-$(basename -s .pml -- *.pml)}; do
        sed -nE "s/^ \* holds +([a-z]+) .*/$model \1 -/p; s/^ \* breaks +([a-z]+) +(BREAK_[A-Z_]+) .*/$model \1 \2/p" "$model.pml"
        # A step that the head does not name is not checked, one that only the head names breaks nothing.
        diff <(grep -oE '^ \* breaks .*BREAK_[A-Z_]+' "$model.pml" | grep -oE 'BREAK_[A-Z_]+' | sort -u) \
            <(grep -E '^#' "$model.pml" | grep -oE 'BREAK_[A-Z_]+' | sort -u) >&2 || echo "$model heads -"
    done
}

if [ "${1:-}" = --one ]; then
    check "$2" "$3" "$4"
    exit
fi
promised=$(promises "$@")
results=$(xargs -P "$(nproc)" -L 1 ./run.sh --one <<<"$promised")
echo "$results"
passed=$(grep -c '^ok ' <<<"$results")
failed=$(($(wc -l <<<"$promised") - passed))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
