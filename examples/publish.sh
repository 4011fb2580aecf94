#!/bin/sh
# Posts one property and waits until the cloud has confirmed it: publish.sh NAME VALUE
#
# With espbridged installed, this is all. `--until queued` (the default) is enough when nobody waits: the message is on disk
# and goes out when the link is up.
set -eu
name=$1
value=$2
printf '{"method":"thing.event.property.post","params":{"%s":%s}}\n' "$name" "$value" |
    espbridged publish --socket "${ESPBRIDGED_SOCKET:-/run/espbridged.sock}" --until confirmed --timeout 120
