# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bash checks.sh FIRST... -- TARGET... -- BESIDE...: makes each of the targets, whether or not those before it failed, and
# sums up: how each ended, how long it took, and the closing lines of its pytest runs. Fails if one of them failed.
#
# FIRST is what all others need. The other two lists are made side by side, each in its order: most targets use one
# processor at a time, or wait for guests. What those of BESIDE print is shown when all have ended.
set -u

logs=.cache/logs
mkdir -p "$logs"
summary=
failed=

sum_up() { # TARGET STATUS SECONDS
    local result=ok pytest
    if [ "$2" != 0 ]; then
        result=FAILED
        failed="$failed $1"
    fi
    echo "==== $1: $result, $3 s"
    pytest=$(grep -E '(passed|failed|skipped|errors?|no tests ran).* in [0-9.]+s' "$logs/$1.log" | tr -d '=' | paste -sd ';' -)
    summary="$summary$(printf '%-15s %-6s %4d s  %s' "$1" "$result" "$3" "$pytest")
"
}

in_front() { # TARGET...
    local check started status
    for check; do
        started=$SECONDS
        printf '\n==== %s\n' "$check"
        "${MAKE:-make}" --no-print-directory "$check" 2>&1 | tee "$logs/$check.log"
        status=${PIPESTATUS[0]}
        sum_up "$check" "$status" $((SECONDS - started))
    done
}

beside() { # TARGET...: leaves how each ended in a file beside its log
    local check started status
    for check; do
        started=$SECONDS
        "${MAKE:-make}" --no-print-directory "$check" >"$logs/$check.log" 2>&1 </dev/null
        status=$?
        echo "$status $((SECONDS - started))" >"$logs/$check.ended"
    done
}

show() { # TARGET...: what was made beside the others
    local check status seconds
    for check; do
        printf '\n==== %s (beside the others)\n' "$check"
        cat "$logs/$check.log"
        read -r status seconds <"$logs/$check.ended"
        sum_up "$check" "$status" "$seconds"
    done
}

lists=("" "" "")
number=0
for word; do
    if [ "$word" = -- ]; then
        number=$((number + 1))
    else
        lists[number]+=" $word"
    fi
done
read -ra first <<<"${lists[0]}"
read -ra others <<<"${lists[1]}"
read -ra aside <<<"${lists[2]}"

in_front "${first[@]}"
for check in "${aside[@]}"; do
    rm -f "$logs/$check.ended"
done
set -m # a group of processes of its own, which ends with this script
beside "${aside[@]}" &
group=$!
set +m
trap 'kill -- "-$group" 2>/dev/null' EXIT
in_front "${others[@]}"
wait "$group"
show "${aside[@]}"

echo
echo "==== summary"
printf '%s' "$summary"
if [ -n "$failed" ]; then
    echo "FAILED:$failed (the output of each is in $logs)"
    exit 1
fi
echo "All checks passed, in $SECONDS s."
