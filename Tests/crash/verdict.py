"""Judges a run: what was promised against what the broker got, message by message."""

import bisect
import collections

# A redelivery may follow its cause: what was on its way when the fault came arrives within this time.
SLACK = 0.5


class Verdict:
    """Whatever is in `faults` is a broken promise."""

    def __init__(self, programs, arrivals, events, received):
        self.faults = []
        self.events = sorted(time for time, _ in events)
        self.messages = {message.token: message for program in programs for message in program.kept}
        self.first = {}
        self.times = collections.defaultdict(list)
        self.order = {}
        for number, (time, token, alink_id, fits) in enumerate(arrivals):
            if token == "?" or not fits:
                self.fault(f"the broker got something that nobody sent: {token}")
            self.order.setdefault(token, number)
            self.times[token].append((time, alink_id))
        self.unknown = [message for message in self.messages.values() if not message.is_promised]
        self.judge_delivery(programs)
        self.judge_receipts(received)
        self.judge_duplicates()
        self.judge_order(programs)
        for program in programs:
            self.faults += program.trouble

    def fault(self, text):
        self.faults.append(text)

    def judge_delivery(self, programs):
        promised = [message for message in self.messages.values() if message.is_promised]
        self.promised = len(promised)
        self.lost = [message for message in promised if message.token not in self.times]
        for message in self.lost[:20]:
            self.fault(f"lost: {message.token}, receipt {message.receipts}, sent {message.sendings} times")
        if len(self.lost) > 20:
            self.fault(f"… and {len(self.lost) - 20} more are lost")
        for program in programs:
            for place, word in program.refused_places.items():
                token = f"{program.name}-{place}"
                if token in self.times and token not in self.messages:
                    self.fault(f"refused ({word}), and delivered: {token}")

    def judge_receipts(self, received):
        """One receipt for each message, never given out twice, and no message stored that nobody knows of."""
        owners = {}
        for message in self.messages.values():
            numbers = set(message.receipts)
            if len(numbers) > 1:
                self.fault(f"{message.token} was taken more than once: receipts {message.receipts}")
            for number in numbers:
                other = owners.setdefault(number, message)
                if other is not message:
                    self.fault(f"receipt {number} was given to {other.token} and to {message.token}")
        if received is not None:
            hidden = received - len(owners)
            if not 0 <= hidden <= len(self.unknown):
                self.fault(f"{received} messages were received, {len(owners)} receipts given, "
                           f"{len(self.unknown)} messages have an unknown fate")

    def judge_duplicates(self):
        """A message may come again only after a fault, and as the same message."""
        self.duplicates = 0
        for token, comings in self.times.items():
            self.duplicates += len(comings) - 1
            if len({alink_id for _, alink_id in comings}) > 1:
                self.fault(f"{token} came under different ids: {comings}")
            for (before, _), (after, _) in zip(comings, comings[1:]):
                place = bisect.bisect_left(self.events, before - SLACK)
                if place == len(self.events) or self.events[place] > after:
                    self.fault(f"{token} came twice with nothing wrong between, at {before} and {after}")

    def judge_order(self, programs):
        """First arrivals, and receipts, are in the order in which a connection sent them."""
        for program in programs:
            last = {}
            for message in sorted(program.kept, key=lambda message: message.place):
                if message.sendings > 1 or message.token not in self.order:
                    continue
                arrival = self.order[message.token]
                receipt = message.receipts[0] if message.receipts else None
                before = last.get(message.connection)
                if before and (arrival < before[1] or receipt and before[2] and receipt < before[2]):
                    self.fault(f"{message.token} (receipt {receipt}) overtook {before[0]} (receipt {before[2]})")
                last[message.connection] = (message.token, arrival, receipt)
