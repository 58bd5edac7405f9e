# shellcheck shell=bash
# Stages with a heading, a time and a summary. Source it; needs bash 4.
#
#   stage <name> <title> <function>   runs the function if the stage was chosen; a failure is noted, the rest goes on
#   summary                           prints what ran; its status is 0 when nothing failed

chosen=()
summary_lines=()
ran=0
failed=0
logs=""

is_chosen() {
    local name
    [ "${#chosen[@]}" -eq 0 ] && return 0
    for name in "${chosen[@]}"; do
        [ "$name" = "$1" ] && return 0
    done
    return 1
}

stage() {
    local name="$1" title="$2" run="$3" begun=$SECONDS status
    is_chosen "$name" || return 0
    ran=$((ran + 1))
    printf '\n=== %s: %s\n' "$name" "$title"
    # A subshell, so that `set -e` holds inside the stage and its directory and traps stay its own.
    (
        set -e
        "$run"
    ) 2>&1 | tee "$logs/$name.log"
    status=${PIPESTATUS[0]}
    local word=ok
    if [ "$status" -ne 0 ]; then
        word="FAILED ($status)"
        failed=1
    elif grep -q '^skipped: ' "$logs/$name.log"; then
        word=skipped
    fi
    printf -- '--- %s: %s, %d s\n' "$name" "$word" $((SECONDS - begun))
    summary_lines+=("$(printf '%-13s %-12s %4d s' "$name" "$word" $((SECONDS - begun)))")
    # The closing lines of cargo's and of Node's test runner, empty ones left out.
    local line
    while IFS= read -r line; do
        summary_lines+=("                $line")
    done < <(sed 's/\x1b\[[0-9;]*m//g' "$logs/$name.log" \
        | grep -E '^test result: |^(#|ℹ) (tests|pass|fail|skipped) |^skipped: |^error(\[|:)' \
        | grep -v ' 0 passed; 0 failed; 0 ignored' | sort | uniq -c | sed 's/^ *1 //' | tail -n 40)
}

summary() {
    printf '\n=== summary\n'
    printf '%s\n' "${summary_lines[@]}"
    return "$failed"
}
