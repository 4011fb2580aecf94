"""As much of MQTT 3.1.1 as a recorder and a publisher need: CONNECT, SUBSCRIBE, PUBLISH at QoS 1, PUBACK."""

import socket
import struct


def _length(count):
    coded = bytearray()
    while True:
        count, digit = divmod(count, 128)
        coded.append(digit | (128 if count else 0))
        if not count:
            return bytes(coded)


def _packet(first, body):
    return bytes([first]) + _length(len(body)) + body


def _text(value):
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def connect_packet(client_id, clean):
    return _packet(0x10, _text("MQTT") + bytes([4, 2 if clean else 0]) + struct.pack("!H", 0) + _text(client_id))


def subscribe_packet(identifier, topic):
    return _packet(0x82, struct.pack("!H", identifier) + _text(topic) + b"\x01")


def publish_packet(identifier, topic, payload):
    return _packet(0x32, _text(topic) + struct.pack("!H", identifier) + payload)


def puback_packet(identifier):
    return struct.pack("!BBH", 0x40, 2, identifier)


class PacketReader:
    """Cuts a stream of bytes into packets: (first byte, body)."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        buffer = self.rest + data if self.rest else data
        place = 0
        packets = []
        while True:
            length = shift = 0
            at = place + 1
            while at < len(buffer):
                digit = buffer[at]
                length |= (digit & 127) << shift
                at += 1
                shift += 7
                if digit < 128:
                    break
            else:
                break
            if at + length > len(buffer):
                break
            packets.append((buffer[place], buffer[at : at + length]))
            place = at + length
        self.rest = buffer[place:]
        return packets


def published(first, body):
    """Topic, packet identifier (None at QoS 0) and payload of a PUBLISH."""
    size = struct.unpack_from("!H", body)[0]
    place = 2 + size
    identifier = None
    if first & 0x06:
        identifier = struct.unpack_from("!H", body, place)[0]
        place += 2
    return body[2 : 2 + size].decode(), identifier, body[place:]


def connected(port, client_id, clean, seconds=10):
    """A socket on which CONNACK 0 has come."""
    channel = socket.create_connection(("127.0.0.1", port), timeout=seconds)
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel.sendall(connect_packet(client_id, clean))
    answer = b""
    while len(answer) < 4:
        piece = channel.recv(4 - len(answer))
        if not piece:
            raise ConnectionError("the broker closed the connection")
        answer += piece
    if answer[0] != 0x20 or answer[3] != 0:
        raise ConnectionError(f"CONNACK {answer.hex()}")
    return channel
