"""What programs send, and what is remembered of each message until the verdict."""

import json
import random
import zlib

KINDS = ("plain", "id", "key", "topic")
PADS = ("温度 21.5 °C", "+++", "0123456789 abcdefghij ", "\\u0041\\\"quoted\\\" ", "lorem ipsum dolor sit amet ")


class Message:
    """One message of a program; it may be sent more than once."""

    __slots__ = ("token", "kind", "line", "alink_id", "place", "connection", "sendings", "receipts", "answered_at",
                 "refusal", "unanswered")

    def __init__(self, token, kind, line, alink_id):
        self.token = token
        self.kind = kind
        self.line = line
        self.alink_id = alink_id
        self.place = 0          # among what its program sent
        self.connection = None  # the one it was first sent on
        self.sendings = 0
        self.receipts = []      # of each `queued`, in the order of the answers
        self.answered_at = None
        self.refusal = None     # the last one
        self.unanswered = 0     # sendings whose answer never came

    @property
    def is_promised(self):
        return bool(self.receipts)

    @property
    def may_be_sent_again(self):
        """Whether a second sending is known for one by the bridge: by its key, or by id and content."""
        return self.kind in ("id", "key")


class Writer:
    """Makes a program's messages, all different, of sizes from some bytes to 20 kB."""

    def __init__(self, name, kind, seed, first_id):
        self.name = name
        self.kind = kind
        self.random = random.Random(seed)
        self.count = 0
        self.first_id = first_id

    def _pad(self):
        chance = self.random.random()
        if chance < 0.9:
            size = self.random.randint(0, 60)
        elif chance < 0.98:
            size = self.random.randint(60, 900)
        elif chance < 0.997:
            size = self.random.randint(900, 6000)
        else:
            size = self.random.randint(6000, 20000)
        text = self.random.choice(PADS)
        return (text * (size // len(text) + 1))[:size]

    def next(self):
        self.count += 1
        token = f"{self.name}-{self.count}"
        pad = self._pad()
        params = {"token": token, "crc": zlib.crc32(pad.encode()), "pad": pad}
        alink_id = None
        if self.kind == "topic":
            request = {"bridge": "publish", "topic": f"/raw/{self.name}", "payload": params}
        else:
            document = {"method": "thing.event.property.post", "params": params}
            if self.kind == "id" or self.kind == "key" and self.count % 2:
                alink_id = str(self.first_id + self.count)
                document["id"] = alink_id
            request = document
            if self.kind == "key":
                request = {"bridge": "publish", "message": document, "key": f"key-{token}"}
        message = Message(token, self.kind, json.dumps(request, ensure_ascii=False).encode() + b"\n", alink_id)
        message.place = self.count
        return message
