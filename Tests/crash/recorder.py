"""Writes down everything a broker gets: a line for each message, written before its PUBACK.

A process of its own: `recorder.py PORT FILE`. A line is `seconds token alink-id crc-fits`, seconds of CLOCK_MONOTONIC.
"""

import json
import sys
import time
import zlib

import mqtt


def line(payload):
    try:
        message = json.loads(payload)
        params = message.get("params", message)
        fits = zlib.crc32(params["pad"].encode()) == params["crc"]
        return f"{params['token']} {message.get('id', '-')} {int(fits)}"
    except (ValueError, KeyError, AttributeError, TypeError):
        return "? - 0"


def main(port, path):
    channel = mqtt.connected(port, "recorder", clean=False)
    channel.settimeout(None)
    channel.sendall(mqtt.subscribe_packet(1, "#"))
    reader = mqtt.PacketReader()
    with open(path, "w") as file:
        while True:
            data = channel.recv(1 << 18)
            if not data:
                return
            now = f"{time.monotonic():.4f}"
            acknowledgements = bytearray()
            for first, body in reader.feed(data):
                if first >> 4 == 9:
                    print("recording", flush=True)
                if first >> 4 != 3:
                    continue
                _, identifier, payload = mqtt.published(first, body)
                file.write(f"{now} {line(payload)}\n")
                if identifier is not None:
                    acknowledgements += mqtt.puback_packet(identifier)
            file.flush()
            if acknowledgements:
                channel.sendall(acknowledgements)


main(int(sys.argv[1]), sys.argv[2])
