"""mosquitto as a persistent bridge, under the same load and the same kills: how much of what it acknowledged survives."""

import collections
import json
import os
import select
import threading
import time
import zlib

import mqtt
from proxy import Proxy
from support import Child, find, free_port, say


class Yardstick:
    """A mosquitto with `connection … topic # out 1`, a link that goes down when ours does, and a publisher.

    Its queue is unbounded (by default it drops what is more than 1,000 messages without any crash).
    """

    def __init__(self, folder, name, lines, broker_port, rate):
        self.name = name
        self.folder = os.path.join(folder, f"yard-{name}")
        os.mkdir(self.folder)
        self.port = free_port()
        self.proxy = Proxy(broker_port)
        self.configuration = os.path.join(self.folder, "conf")
        with open(self.configuration, "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 0\n"
                       f"persistence true\npersistence_location {self.folder}/\n{lines}"
                       f"log_dest none\nconnection up\naddress 127.0.0.1:{self.proxy.port}\n"
                       f"topic # out 1\nrestart_timeout 1\ncleansession false\nnotifications false\ntry_private false\n"
                       f"bridge_attempt_unsubscribe false\n")
        self.rate = rate
        self.acknowledged = []
        self.stopped = threading.Event()
        self.publisher = threading.Thread(target=self._publish, daemon=True)
        self.restart()

    def start(self, weather):
        weather.proxies.append(self.proxy)
        self.publisher.start()

    def restart(self):
        self.child = Child([find("mosquitto"), "-c", self.configuration], os.path.join(self.folder, "log"))

    def stop_sending(self):
        self.stopped.set()
        self.publisher.join(20)

    def _publish(self):
        number = 0
        while not self.stopped.is_set():
            try:
                channel = mqtt.connected(self.port, f"publisher-{self.name}", clean=True)
            except OSError:
                self.stopped.wait(0.02)
                continue
            with channel:
                try:
                    number = self._converse(channel, number)
                except OSError:
                    number += 1000

    def _converse(self, channel, number):
        """Offers messages until the connection breaks; what was on its way then counts as not acknowledged."""
        outstanding = collections.deque()
        reader = mqtt.PacketReader()
        channel.setblocking(False)
        pad = "x" * 120
        began, sent, waiting = time.monotonic(), 0, b""
        while not self.stopped.is_set() or outstanding:
            due = int((time.monotonic() - began) * self.rate) - sent
            while due > 0 and len(outstanding) < 100 and not self.stopped.is_set():
                number += 1
                body = json.dumps({"token": f"yard-{self.name}-{number}", "crc": zlib.crc32(pad.encode()), "pad": pad})
                waiting += mqtt.publish_packet(number % 60000 + 1, f"yard/{self.name}", body.encode())
                outstanding.append(number)
                due -= 1
                sent += 1
            sent += max(0, due)
            readable, writable, _ = select.select([channel], [channel] if waiting else [], [], 0.01)
            if writable:
                waiting = waiting[channel.send(waiting):]
            if readable:
                data = channel.recv(65536)
                if not data:
                    raise ConnectionError
                for first, _ in reader.feed(data):
                    if first >> 4 == 4:
                        self.acknowledged.append(outstanding.popleft())
        return number

    def settle(self):
        """Until nothing more goes through."""
        quiet_since, last = time.monotonic(), self.proxy.forwarded
        limit = quiet_since + 60
        while time.monotonic() < limit and time.monotonic() - quiet_since < 4:
            time.sleep(0.2)
            if self.proxy.forwarded != last:
                quiet_since, last = time.monotonic(), self.proxy.forwarded

    def report(self, arrivals):
        prefix = f"yard-{self.name}-"
        came = {token for _, token, _, _ in arrivals if token.startswith(prefix)}
        lost = sum(f"{prefix}{number}" not in came for number in self.acknowledged)
        share = 100 * lost / max(1, len(self.acknowledged))
        say(f"mosquitto, autosave {self.name}: {len(self.acknowledged)} acknowledged, {lost} of them lost ({share:.1f} %)")
