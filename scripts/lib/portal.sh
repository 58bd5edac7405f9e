# shellcheck shell=bash
# A portal of our own for the browser tests: another port, another data directory, gone afterwards.

portal_pid=""
portal_dir=""

# start_portal <program> <seconds>: waits until everything is up and the demo data are in; sets PORTAL_READY.
start_portal() {
    local program="$1" deadline=$((SECONDS + $2))
    portal_dir="$(mktemp -d)"
    # As root PostgreSQL runs as another account, which must be able to pass here.
    chmod 711 "$portal_dir"
    trap 'stop_portal || true' EXIT
    trap 'exit 130' INT TERM
    "$program" --port 0 --data "$portal_dir/data" >"$portal_dir/log" 2>&1 </dev/null &
    portal_pid=$!
    PORTAL_READY="$portal_dir/data/ready.json"
    export PORTAL_READY
    until [ -s "$PORTAL_READY" ]; do
        if ! kill -0 "$portal_pid" 2>/dev/null; then
            printf 'the portal ended before it was ready\n' >&2
            portal_log
            return 1
        fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            printf 'the portal was not ready after %s s\n' "$2" >&2
            portal_log
            return 1
        fi
        sleep 0.2
    done
    printf 'the portal is ready: %s\n' "$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$PORTAL_READY" | head -n 1)"
}

# The end of its log.
portal_log() {
    printf -- '--- the last lines of the portal\n'
    tail -n 80 "$portal_dir/log"
    printf -- '---\n'
}

# Asks it to end, as Ctrl-C does; not ending in time is a failure of its own.
stop_portal() {
    [ -n "$portal_pid" ] || return 0
    local pid="$portal_pid" status=0 waited=0
    portal_pid=""
    kill -TERM "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
        if [ "$waited" -ge 300 ]; then
            printf 'the portal did not end within 30 s of SIGTERM\n' >&2
            portal_log
            kill -KILL "$pid" 2>/dev/null || true
            status=1
            break
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
    wait "$pid" 2>/dev/null || true
    rm -rf "$portal_dir"
    return "$status"
}
