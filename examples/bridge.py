#!/usr/bin/env python3
"""Talks to espbridged, with the standard library only. As a module, or by itself:

    bridge.py post temp=21.5 door=true     posts properties and waits for the cloud's reply
    bridge.py serve                        prints property sets, and answers them
"""
import json
import os
import socket
import sys

SOCKET = os.environ.get("ESPBRIDGED_SOCKET", "/run/espbridged.sock")


class Bridge:
    """A connection. Requests are answered in order, one line each; events may come between."""

    def __init__(self, path=SOCKET):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile(encoding="utf-8")

    def send(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self):
        line = self.lines.readline()
        if not line:
            raise ConnectionError("espbridged has closed the connection; connect again")
        return json.loads(line)

    def post(self, params, until="confirmed", key=None):
        """Yields the lines about a property post as it gets on: queued, delivered, confirmed or dropped.

        With a key, a repetition after a lost connection sends nothing twice.
        """
        request = {"bridge": "publish", "until": until,
                   "message": {"method": "thing.event.property.post", "params": params}}
        if key:
            request["key"] = key
        self.send(request)
        while True:
            answer = self.read()
            if "event" in answer:
                continue
            yield answer
            if answer["status"] in (until, "refused", "dropped"):
                return

    def serve(self, handle):
        """Hands each property set to `handle`, and answers the cloud with the code that it returns."""
        self.send({"bridge": "subscribe", "methods": ["thing.service.property.set"]})
        while True:
            line = self.read()
            if line.get("event") != "message":
                continue
            request = line["message"]
            self.send({"id": request["id"], "code": handle(request["params"]), "data": {}})


def main(command, *arguments):
    bridge = Bridge()
    if command == "post":
        params = {name: json.loads(value) for name, value in (argument.split("=", 1) for argument in arguments)}
        for answer in bridge.post(params):
            print(answer, flush=True)
        return 0 if answer.get("code") == 200 else 1
    bridge.serve(lambda params: print(params, flush=True) or 200)
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("post", "serve"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
