# shellcheck shell=bash
# What the tests need on this machine: installed when we are root on Debian or Ubuntu, else named exactly.

# need <command> <apt packages> <hint for other systems>
need() {
    local command="$1" packages="$2" hint="$3"
    command -v "$command" >/dev/null && return 0
    install_packages "$command" "$packages" "$hint" && command -v "$command" >/dev/null
}

install_packages() {
    local what="$1" packages="$2" hint="$3"
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        printf 'installing %s\n' "$packages"
        # shellcheck disable=SC2086 # a list of packages
        apt_get install -y --no-install-recommends $packages && return 0
    fi
    printf 'missing: %s. Install it with\n' "$what" >&2
    printf '    Debian, Ubuntu: sudo apt-get install -y %s\n    elsewhere:      %s\n' "$packages" "$hint" >&2
    return 1
}

apt_updated=""
apt_get() {
    if [ -z "$apt_updated" ]; then
        DEBIAN_FRONTEND=noninteractive apt-get update -q && apt_updated=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get "$@"
}

# The path of a Chromium or Chrome, empty if there is none.
find_chromium() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return 0
    done
    local mac="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    if [ -x "$mac" ]; then printf '%s\n' "$mac"; fi
}

need_rust() {
    command -v cargo >/dev/null || {
        printf 'missing: cargo. Install Rust %s with rustup: https://rustup.rs\n' "$(rust_version)" >&2
        return 1
    }
    need cc "gcc libc6-dev" "a C compiler (on macOS: xcode-select --install)"
}

rust_version() {
    sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml
}

# Node's test runner needs 18; npm fetches the browser tests' packages.
need_node() {
    need node "nodejs npm" "brew install node, or https://nodejs.org" \
        && need npm "npm" "brew install node, or https://nodejs.org" || return 1
    local major
    major="$(node -p 'process.versions.node.split(".")[0]')"
    [ "$major" -ge 18 ] || {
        printf 'missing: Node.js 18 or newer, this one is %s\n' "$(node --version)" >&2
        return 1
    }
}

# Python with venv and pip, which Debian packs apart; schemathesis needs 3.10.
need_python() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages "python3 with venv" "python3 python3-venv" "brew install python3" || return 1
    fi
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
        printf 'missing: Python 3.10 or newer, this one is %s\n' "$(python3 --version)" >&2
        return 1
    }
}

# A browser, and fonts so that text has a size on a bare machine.
need_chromium() {
    [ -n "$(find_chromium)" ] && return 0
    install_packages chromium "chromium fonts-liberation fonts-noto-color-emoji" "brew install --cask chromium" \
        && [ -n "$(find_chromium)" ]
}

# The packages of a folder, exactly as its lock file says; not again while they are newer than it.
need_packages() {
    local folder="$1"
    [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && return 0
    (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts)
}
