# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bash checks.sh TARGET...: makes each of the targets, whether or not those before it failed, and sums up: how each
# ended, how long it took, and the closing lines of its pytest runs. Fails if one of them failed.
set -u

logs=.cache/logs
mkdir -p "$logs"
summary=
failed=
for check; do
    started=$SECONDS
    echo
    echo "==== $check"
    "${MAKE:-make}" --no-print-directory "$check" 2>&1 | tee "$logs/$check.log"
    status=${PIPESTATUS[0]}
    result=ok
    if [ "$status" != 0 ]; then
        result=FAILED
        failed="$failed $check"
    fi
    seconds=$((SECONDS - started))
    echo "==== $check: $result, $seconds s"
    pytest=$(grep -E '(passed|failed|skipped|errors?|no tests ran).* in [0-9.]+s' "$logs/$check.log" | tr -d '=' | paste -sd ';' -)
    summary="$summary$(printf '%-14s %-6s %4d s  %s' "$check" "$result" "$seconds" "$pytest")
"
done

echo
echo "==== summary"
printf '%s' "$summary"
if [ -n "$failed" ]; then
    echo "FAILED:$failed (the output of each is in $logs)"
    exit 1
fi
echo "All checks passed, in $SECONDS s."
