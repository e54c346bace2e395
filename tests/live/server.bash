# Shared by the scripts that start real servers: cache, ports, start, ready, stop.
# shellcheck shell=bash

umask 077
cache="${ESTOP_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/estop-lab}"
mkdir -p "$cache"
readonly cache

step() {
    echo "lab: $*" >&2
}

fail() {
    echo "lab: $*" >&2
    exit 1
}

# need_command COMMAND PACKAGE: installs the Debian package when the command is missing.
need_command() {
    command -v "$1" >/dev/null && return
    install_package "$2"
    command -v "$1" >/dev/null || fail "$2 is installed, but there is no $1"
}

install_package() {
    [[ $(id -u) -eq 0 ]] || fail "$1 is missing: apt-get install $1"
    step "installing $1"
    { apt-get update -q && apt-get install -q -y --no-install-recommends "$1"; } >&2 ||
        fail "$1 could not be installed"
}

# One installer at a time; a server that it starts does not hold the lock.
lock() {
    exec 9>"$cache/$1.lock"
    flock 9
}

unlock() {
    exec 9>&-
}

# What an interrupted installation left. Called under the lock.
sweep_interrupted() {
    local left
    for left in "$cache"/tmp.*; do
        [[ -d $left ]] || continue
        [[ -f $left/state/pid ]] && stop_server "$left/state"
        rm -rf "$left"
    done
}

new_password() {
    od -An -N18 -tx1 /dev/urandom | tr -d ' \n'
}

port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

refuse_taken_port() {
    [[ $1 =~ ^[0-9]+$ ]] || fail "not a port: $1"
    if port_is_taken "$1"; then
        fail "port $1 is taken"
    fi
}

# A port that nobody listens on, below the range that the system hands out by itself.
free_port() {
    local port
    for _ in {1..50}; do
        port=$((20000 + RANDOM % 12000))
        port_is_taken "$port" || { echo "$port"; return; }
    done
    fail "no free port"
}

# http_status PORT PATH: the status of a GET, or nothing.
http_status() {
    { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 0
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
    local _ status=
    read -r -t 5 _ status _ <&3 || true
    exec 3>&-
    echo "$status"
}

# new_state DIR: makes the folder, refuses one with a running server, prints its full path.
new_state() {
    mkdir -p "$1"
    local state
    state="$(cd "$1" && pwd)"
    if running "$state"; then
        fail "a server runs in $1 already"
    fi
    rm -f "$state/pid"
    echo "$state"
}

# Tells a process from a later one with the same id.
born() {
    local stat
    stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 0
    stat="${stat##*) }"
    cut -d' ' -f20 <<<"$stat"
}

# The process that leads the group is alive, and is the one that was started.
running() {
    [[ -f $1/pid ]] || return 1
    local pid started
    read -r pid started <"$1/pid"
    [[ -n $started && $(born "$pid") == "$started" ]]
}

# start_server STATE_DIR COMMAND [ARGUMENT...]: in a process group of its own; log and pid go to STATE_DIR.
start_server() {
    local state="$1" pid
    shift
    setsid "$@" </dev/null >"$state/log" 2>&1 9>&- &
    pid=$!
    echo "$pid $(born "$pid")" >"$state/pid"
}

# wait_ready STATE_DIR CHECK [ARGUMENT...]: polls; on death or at the time limit shows the log's end.
wait_ready() {
    local state="$1" limit=60 deadline
    shift
    [[ -n ${CI-} ]] && limit=120
    deadline=$((SECONDS + limit))
    until "$@"; do
        if ! running "$state"; then
            tail -n 40 "$state/log" >&2
            fail "the server died before it was ready"
        fi
        if ((SECONDS >= deadline)); then
            tail -n 40 "$state/log" >&2
            stop_server "$state"
            fail "the server was not ready after $limit s"
        fi
        sleep 0.2
    done
    running "$state" || fail "another server answers in this one's place"
}

# stop_server STATE_DIR [SIGNAL]: ends the whole group, waits for it, kills what is left after 20 s.
stop_server() {
    running "$1" || { rm -f "$1/pid"; return 0; }
    local pid deadline=$((SECONDS + 20))
    read -r pid _ <"$1/pid"
    kill -s "${2:-TERM}" -- "-$pid" 2>/dev/null || true
    while kill -0 -- "-$pid" 2>/dev/null; do
        if ((SECONDS >= deadline)); then
            kill -s KILL -- "-$pid" 2>/dev/null || true
            deadline=$((SECONDS + 20))
        fi
        sleep 0.1
    done
    rm -f "$1/pid"
}

# need_python DIR REQUIREMENT...: a Python environment with these, made anew where they have changed.
need_python() {
    local dir="$1"
    shift
    [[ -x $dir/bin/python ]] && [[ "$(cat "$dir/made-of" 2>/dev/null)" == "$*" ]] && return
    rm -rf "$dir"
    need_command python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv
    step "installing ${*: -1}"
    # In its place: the paths in an environment are absolute.
    { python3 -m venv "$dir" && "$dir/bin/pip" install --quiet --disable-pip-version-check "$@"; } >&2 ||
        { rm -rf "$dir"; fail "${*: -1} could not be installed"; }
    echo "$*" >"$dir/made-of"
}
