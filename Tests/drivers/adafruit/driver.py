"""Uses the driver as its documentation shows, with MQTT packets by hand over its socket."""
import subprocess
import sys

import serial
from adafruit_espatcontrol import adafruit_espatcontrol


def packet(kind, body):
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def text(string):
    return len(string).to_bytes(2, "big") + string.encode()


def receive(esp, wanted):
    heard = b""
    while len(heard) < len(wanted):
        part = bytes(esp.socket_receive(timeout=5))
        assert part, f"nothing more after {heard!r}"
        heard += part
    assert heard.startswith(wanted), heard
    return heard


def main(tty, broker_port):
    esp = adafruit_espatcontrol.ESP_ATcontrol(serial.Serial(tty, timeout=1), 115200, reset_pin=None, rts_pin=None)
    esp.connect({"ssid": "workshop", "password": "12345678"}, timeout=20)
    assert esp.is_connected
    assert esp.local_ip == "192.168.1.23", esp.local_ip
    print("firmware", esp.version)

    assert esp.socket_connect("TCP", "broker", 1883, keepalive=60)
    esp.socket_send(packet(0x10, text("MQTT") + bytes([4, 2, 0, 60]) + text("driver")))
    receive(esp, b"\x20\x02\x00\x00")
    esp.socket_send(packet(0x82, b"\x00\x01" + text("to/driver") + b"\x00"))
    receive(esp, b"\x90\x03\x00\x01\x00")
    esp.socket_send(packet(0x32, text("from/driver") + b"\x00\x02" + b"hello from an independent driver"))
    receive(esp, b"\x40\x02\x00\x02")
    subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", broker_port, "-t", "to/driver", "-m", "hello to the driver"],
        check=True, timeout=10)
    receive(esp, packet(0x30, text("to/driver") + b"hello to the driver"))
    esp.socket_disconnect()
    # The firmware's own answer for a name that nobody knows.
    assert esp.nslookup("broker") == "127.0.0.1", esp.nslookup("broker")


main(*sys.argv[1:])
