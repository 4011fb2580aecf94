# For the scripts in this folder: a work folder, a real mosquitto, the simulated modem; all of it goes at the end.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
espsim=${ESPBRIDGED_BUILD:-$repository/.build/debug}/espsim
work=$(mktemp -d /tmp/espsim-driver.XXXXXX)
children=()
cleanup() {
    local status=$?
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
    if [ "$status" -ne 0 ] && [ -s "$work/dialogue" ]; then echo "--- the dialogue"; tail -n 60 "$work/dialogue"; fi
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 0; }
# child COMMAND…: begins a program that ends with the script; its number is in $!.
child() { "$@" & children+=("$!"); }
# within SECONDS COMMAND…: the event is awaited, with a limit.
within() {
    local limit=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$limit" ] || return 1
        sleep 0.1
    done
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_broker() {
    port=$(free_port)
    printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >"$work/mosquitto.conf"
    PATH=$PATH:/usr/sbin child mosquitto -c "$work/mosquitto.conf" >"$work/broker" 2>&1
    within 10 mosquitto_pub -h 127.0.0.1 -p "$port" -t up -n || fail "mosquitto did not start: $(cat "$work/broker")"
}
# start_modem OPTIONS…: the simulated modem on $work/tty, which knows the broker as "broker".
start_modem() {
    child "$espsim" modem --link "$work/tty" --record "$work/dialogue" --map "broker=127.0.0.1:$port" "$@" \
        >"$work/espsim"
    within 10 test -e "$work/tty" || fail "espsim did not start"
}
# subscribe NAME TOPIC: what arrives is gathered in $work/NAME.
subscribe() {
    child stdbuf -oL mosquitto_sub -h 127.0.0.1 -p "$port" -t "$2" -q 1 -d >"$work/$1" 2>&1
    within 10 grep -q "Subscribed" "$work/$1" || fail "mosquitto_sub did not subscribe"
}
