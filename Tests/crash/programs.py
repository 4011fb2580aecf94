"""Local programs: each offers messages at its rate, connects again when the bridge goes, and remembers every answer."""

import collections
import json
import random
import select
import socket
import threading
import time

from messages import Writer

# More than the bridge reads from one client at a time would only wait in the socket.
MOST_OUTSTANDING = 200


class Program(threading.Thread):
    """One program.

    What it sent and got no answer to is unknown when its connection breaks. It sends that once more, first thing on the
    next connection, where the bridge can tell it from a new message (`id`, `key`).
    """

    def __init__(self, name, kind, rate, seed, socket_path, first_id=0):
        super().__init__(daemon=True, name=name)
        self.kind = kind
        self.rate = rate
        self.path = socket_path
        self.random = random.Random(seed)
        self.writer = Writer(name, kind, seed, first_id)
        self.kept = []        # all that was promised or may have been taken
        self.refused = collections.Counter()
        self.refused_places = {}  # place of a message in the order of this program: the word
        self.offered = 0
        self.answers = 0
        self.connections = 0
        self.again = collections.deque()
        self.finished = threading.Event()
        self.stopped = threading.Event()
        self.trouble = []

    def run(self):
        try:
            while not self.stopped.is_set():
                try:
                    channel = socket.socket(socket.AF_UNIX)
                    channel.settimeout(5)
                    channel.connect(self.path)
                except OSError:
                    channel.close()
                    self.stopped.wait(0.02)
                    continue
                with channel:
                    self.connections += 1
                    self.converse(channel)
        except Exception as error:  # noqa: BLE001 - told by the verdict
            self.trouble.append(f"{self.name}: {error!r}")
        self.finished.set()

    def converse(self, channel):
        channel.setblocking(False)
        outstanding = collections.deque()
        to_send = bytearray()
        received = b""
        began = time.monotonic()
        sent = 0
        # Some connections are broken off by the program itself, in the middle of things.
        ends = began + self.random.expovariate(1 / 20)
        try:
            while True:
                now = time.monotonic()
                is_stopping = self.stopped.is_set()
                if is_stopping and not outstanding and not to_send or now > ends and not is_stopping:
                    return
                if not is_stopping:
                    due = int((now - began) * self.rate) - sent
                    while due > 0 and len(outstanding) < MOST_OUTSTANDING and len(to_send) < 65536:
                        message = self.again.popleft() if self.again else self.make()
                        if message.connection is None:
                            message.connection = self.connections
                        message.sendings += 1
                        outstanding.append(message)
                        to_send += message.line
                        due -= 1
                        sent += 1
                    if due > 0:
                        # What could not be offered in time is not made up for.
                        sent += due
                readable, writable, _ = select.select([channel], [channel] if to_send else [], [], 0.01)
                if writable:
                    del to_send[: channel.send(to_send)]
                if readable:
                    data = channel.recv(1 << 16)
                    if not data:
                        return
                    *lines, received = (received + data).split(b"\n")
                    for line in lines:
                        self.answered(outstanding.popleft(), json.loads(line))
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            for message in outstanding:
                message.unanswered += 1
                if message.sendings == 1:
                    self.kept.append(message)
                if message.may_be_sent_again:
                    self.again.append(message)

    def make(self):
        self.offered += 1
        return self.writer.next()

    def answered(self, message, answer):
        self.answers += 1
        status = answer.get("status")
        if status == "queued":
            if message.alink_id is not None and answer.get("id") != message.alink_id:
                self.trouble.append(f"{message.token}: the answer is about another id: {answer}")
            if message.sendings == 1 and not message.receipts:
                self.kept.append(message)
            message.receipts.append(answer["receipt"])
            message.answered_at = message.answered_at or time.monotonic()
            # Now and then a program asks for the same once more.
            if message.kind == "key" and len(message.receipts) == 1 and self.random.random() < 0.02:
                self.again.append(message)
        elif status == "refused":
            self.refused[answer["error"]] += 1
            message.refusal = answer["error"]
            if message.sendings == 1:
                self.refused_places[message.place] = answer["error"]
        else:
            self.trouble.append(f"{message.token}: {answer}")

    def stop(self):
        self.stopped.set()


def company(socket_path, rate, seed):
    """Eight programs of all kinds, which offer `rate` messages a second in all."""
    shares = (("plain", 4), ("plain", 2), ("id", 3), ("id", 2), ("key", 3), ("key", 3), ("topic", 2), ("topic", 1))
    total = sum(share for _, share in shares)
    return [
        Program(f"{kind}{number}", kind, rate * share / total, seed * 100 + number, socket_path,
                first_id=number * 100_000_000)
        for number, (kind, share) in enumerate(shares)
    ]
