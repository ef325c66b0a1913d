# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bash checks.sh GROUP...: makes the targets of each group, whether or not those before it failed, and sums up: how each
# ended, how long it took, and the closing lines of its pytest runs. Fails if one of them failed.
# A group is a target, or lanes that go side by side, with targets that go one after the other: one,two+three.
set -u

logs=.cache/logs
mkdir -p "$logs"
rm -f "$logs"/*.result

check() { # TARGET BESIDE: makes it; the file of its result holds its line of the summary
    local started=$SECONDS status result=ok pytest name=
    [ "$2" -gt 1 ] && name="$1: " # beside others, each line tells what it is from
    echo "==== $1"
    "${MAKE:-make}" --no-print-directory "$1" 2>&1 | tee "$logs/$1.log" | sed -u "s/^/$name/"
    status=${PIPESTATUS[0]}
    [ "$status" = 0 ] || result=FAILED
    echo "==== $1: $result, $((SECONDS - started)) s"
    pytest=$(grep -E '(passed|failed|skipped|errors?|no tests ran).* in [0-9.]+s' "$logs/$1.log" | tr -d '=' | paste -sd ';' -)
    printf '%-17s %-6s %4d s  %s\n' "$1" "$result" $((SECONDS - started)) "$pytest" >"$logs/$1.result"
}

lane() { # TARGET,... BESIDE: so many lanes go side by side
    local target
    for target in ${1//,/ }; do
        check "$target" "$2"
    done
}

# Who interrupts this interrupts the lanes beside the first one as well: each is a group of processes of its own.
end_lanes() { # SIGNAL
    local leader
    for leader in $(jobs -p); do
        kill -s "$1" -- "-$leader"
    done
    wait
    exit 130
}
trap 'end_lanes INT' INT
trap 'end_lanes TERM' TERM

for group; do
    lanes=(${group//+/ })
    set -m
    for beside in "${lanes[@]:1}"; do
        lane "$beside" "${#lanes[@]}" </dev/null &
    done
    set +m
    lane "${lanes[0]}" "${#lanes[@]}"
    wait
done

echo
echo "==== summary"
failed=
for target in ${*//[+,]/ }; do
    cat "$logs/$target.result"
    grep -q "^$target  *ok " "$logs/$target.result" || failed="$failed $target"
done
if [ -n "$failed" ]; then
    echo "FAILED:$failed (the output of each is in $logs)"
    exit 1
fi
echo "All checks passed, in $SECONDS s."
