"""Programs that offer messages of 200 bytes as fast as they are taken."""

import json
import os
import select
import socket
import struct
import subprocess
import time
import zlib

PAD = "x" * 60
REQUEST = json.dumps({"method": "thing.event.property.post",
                      "params": {"token": "load-1", "crc": zlib.crc32(PAD.encode()), "pad": PAD}},
                     separators=(",", ":")).encode() + b"\n"


def connect(path):
    channel = socket.socket(socket.AF_UNIX)
    # The kernel's limit: Python's own would add a poll(2) to each call, and to the time that is measured.
    for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        channel.setsockopt(socket.SOL_SOCKET, direction, struct.pack("ll", 30, 0))
    channel.connect(path)
    return channel


def one_at_a_time(path, seconds):
    """The time of each message, from write to the answer."""
    times = []
    with connect(path) as channel:
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends:
            began = time.perf_counter()
            channel.sendall(REQUEST)
            answer = channel.recv(4096)
            times.append(time.perf_counter() - began)
            if b'"queued"' not in answer or not answer.endswith(b"\n"):
                raise RuntimeError(answer)
    return times


class BareServer:
    """What no program with a socket can go below: each request is written, synced by fdatasync(2), and answered."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "bare.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen()
        self._child = os.fork()
        if self._child == 0:
            channel, _ = listener.accept()
            file = os.open(os.path.join(folder, "bare-server"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            while request := channel.recv(4096):
                os.write(file, request)
                os.fdatasync(file)
                channel.sendall(b'{"status":"queued"}\n')
            os._exit(0)
        listener.close()

    def wait(self):
        """Until its client has gone, and it with it."""
        os.waitpid(self._child, 0)


class Floor:
    """floor.c, compiled anew: what a program of this kind cannot go far below."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "floor.sock")
        program = os.path.join(folder, "floor")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floor.c")
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-pthread", "-o", program, source, "-lsqlite3"], check=True)
        self._child = subprocess.Popen([program, os.path.join(folder, "floor.db"), self.path])
        ends = time.monotonic() + 10
        while not os.path.exists(self.path):
            if time.monotonic() > ends:
                raise RuntimeError("floor does not start")
            time.sleep(0.01)

    def wait(self):
        """Until its client has gone, and it with it."""
        self._child.wait(10)


def flood(path, programs, window, seconds=None, count=None):
    """How many messages were answered `queued`, each program keeping `window` of them under way."""
    channels = [connect(path) for _ in range(programs)]
    poll = select.epoll()
    by_number = {channel.fileno(): channel for channel in channels}
    answered = sent = 0
    limit = count or float("inf")
    ends = time.perf_counter() + seconds if seconds else float("inf")
    for channel in channels:
        poll.register(channel.fileno(), select.EPOLLIN)
        channel.sendall(REQUEST * window)
        sent += window
    while answered < min(sent, limit) and time.perf_counter() < ends:
        for number, _ in poll.poll(1):
            data = by_number[number].recv(1 << 17)
            if not data or b"refused" in data:
                raise RuntimeError(data[:300])
            taken = data.count(b"\n")
            answered += taken
            more = int(min(taken, limit - sent)) if sent < limit else 0
            if more:
                by_number[number].sendall(REQUEST * more)
                sent += more
    for channel in channels:
        channel.close()
    return answered
