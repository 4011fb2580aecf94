"""A TCP link that can go down, for what has no simulated modem in its way."""

import select
import socket
import threading


class Proxy(threading.Thread):
    def __init__(self, target):
        super().__init__(daemon=True)
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_up = True
        self.forwarded = 0
        self.pairs = {}
        self.lock = threading.Lock()
        self.start()

    def down(self):
        """Cuts what is connected, and refuses what comes."""
        self.is_up = False
        self._close()

    def up(self):
        self.is_up = True

    def _close(self):
        with self.lock:
            for channel in list(self.pairs):
                channel.close()
            self.pairs = {}

    def run(self):
        while True:
            with self.lock:
                channels = [channel for channel in self.pairs if channel.fileno() >= 0]
            try:
                readable, _, _ = select.select([self.listener, *channels], [], [], 0.1)
            except (OSError, ValueError):
                continue
            for channel in readable:
                if channel is self.listener:
                    self._accept()
                else:
                    self._forward(channel)

    def _accept(self):
        client, _ = self.listener.accept()
        if not self.is_up:
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self.target))
        with self.lock:
            self.pairs[client] = server
            self.pairs[server] = client

    def _forward(self, channel):
        try:
            data = channel.recv(1 << 16)
            other = self.pairs[channel]
            if not data:
                raise ConnectionError
            other.sendall(data)
            self.forwarded += len(data)
        except (OSError, KeyError):
            with self.lock:
                other = self.pairs.pop(channel, None)
                if other:
                    self.pairs.pop(other, None)
                    other.close()
                channel.close()
