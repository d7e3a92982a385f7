#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the examples of README.md, policy/README.md and the manual's pages, and
# holds what they print against what the page says.
#
# What is run: every literal block whose first line starts with `$ ` (in Markdown
# an indented or a fenced one, in a page one between .Bd -literal and .Ed). In it
# a line `$ command` is a command, which a backslash continues, and what follows
# up to the next one is all that it prints, on stdout and stderr. `...` stands for
# whatever is there, within a line or, alone on one, for any lines.
#
# The blocks of one page run in order, in one shell and one empty folder in which
# policy/ and build/ lie; nrbac and nrbacd are those of build/bin. A command that
# ends in `&` is waited for until it says something, and ended with its page.
#
#   tests/docs/run.sh [PAGE...]
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
[ $# -gt 0 ] || set -- README.md policy/README.md engine/man/*.[1-8]
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# Writes NNN.run and NNN.want for each command of a page.
take_apart() { # PAGE FOLDER
    awk -v folder="$2" -v roff="${1##*.}" '
    function begin() {
        name = sprintf("%s/%03d", folder, ++count)
        printf "" > (name ".want")
        printf "%d\n", NR > (name ".line")
        blank = 0
    }
    # One line of a block, without its indentation.
    function take(text) {
        if (first) { run = text ~ /^\$ /; first = 0 }
        if (!run) return
        if (text ~ /^\$ /) { begin(); more = 1; sub(/^\$ /, "", text) }
        if (more) {
            print text > (name ".run")
            more = text ~ /\\$/
        } else if (text == "") {
            blank++ # the last ones only part the block from what follows
        } else {
            for (; blank > 0; blank--) print "" > (name ".want")
            print text > (name ".want")
        }
    }
    roff ~ /^[1-8]$/ {
        if ($0 ~ /^\.Bd -literal/) { block = 1; first = 1 }
        else if ($0 ~ /^\.Ed/) block = 0
        else if (block) { gsub(/\\&/, ""); gsub(/\\e/, "\\"); take($0) }
        next
    }
    fence && $0 ~ /^ *```/ { fence = 0; block = 0; next }
    fence { take(substr($0, depth + 1)); next }
    $0 ~ /^ *```/ { depth = index($0, "`") - 1; fence = 1; first = 1; next }
    !block && after_blank && /^    [^ ]/ { block = 1; first = 1 }
    block && /^    / { take(substr($0, 5)); after_blank = 0; next }
    block && /^$/ { take(""); after_blank = 1; next }
    { block = 0; after_blank = $0 == "" }' "$1"
}

# Whether GOT is what WANT says.
agrees() { # WANT GOT
    cmp -s "$1" "$2" && return
    grep -qF ... "$1" || return
    awk 'function whole(file,   line, text) {
             text = "\n"
             while ((getline line < file) > 0) text = text line "\n"
             return text
         }
         BEGIN {
             count = split(whole(ARGV[1]), part, /\.\.\./)
             got = whole(ARGV[2])
             # Each part at the first place where it fits, the last at the end.
             if (substr(got, 1, length(part[1])) != part[1]) exit 1
             at = length(part[1]) + 1
             for (i = 2; i < count; i++) {
                 found = index(substr(got, at), part[i])
                 if (found == 0) exit 1
                 at += found - 1 + length(part[i])
             }
             rest = length(got) - length(part[count]) + 1
             exit !(rest >= at && substr(got, rest) == part[count])
         }' "$1" "$2"
}

# Runs one page in this shell, each command as its reader would.
run_page() { # FOLDER
    cd "$1/here"
    PATH=$root/build/bin:$PATH
    export LC_ALL=C.UTF-8
    for command in "$1"/*.run; do
        said=${command%.run}.said
        set +e
        . "$command" >"$said" 2>&1 </dev/null
        set -e
        tries=0
        while grep -q '&$' "$command" && [ ! -s "$said" ] && [ $tries -lt 100 ]; do
            tries=$((tries + 1))
            sleep 0.05
        done
        cp "$said" "${command%.run}.got" # what a daemon says at its end is not shown
    done
    [ -z "${!:-}" ] || kill "$!" 2>/dev/null || true
}

number=0
for page in "$@"; do
    number=$((number + 1))
    folder=$work/$number
    mkdir -p "$folder/here"
    take_apart "$page" "$folder"
    [ -e "$folder/001.run" ] || continue
    cp -r policy "$folder/here/policy"
    ln -s "$root/build" "$folder/here/build"
    (run_page "$folder") || true
    for command in "$folder"/*.run; do
        step=${command%.run}
        touch "$step.got"
        if agrees "$step.want" "$step.got"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "$page:$(cat "$step.line"): prints something else (- the page, + the program)"
            sed '1s/^/$ /; s/^/  /' "$command"
            diff -u "$step.want" "$step.got" | tail -n +3 || true
        fi
    done
done
[ $((passed + failed)) -gt 0 ] || { echo "there is no example to run"; failed=1; }
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
