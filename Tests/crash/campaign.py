#!/usr/bin/env python3
"""The crash campaign: programs on the socket, link faults, and a daemon that is killed again and again.

At the end every message that was answered `queued` has to be at the broker, and the books have to balance.
"""

import argparse
import os
import random
import signal
import sys
import time

import powercut
from bridge import Bridge
from broker import Broker
from modem import Modem, Weather
from phases import Phases
from programs import company
from support import say, until, work_folder
from verdict import Verdict
from yardstick import Yardstick


class Campaign:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.folder = work_folder("crash")
        self.events = []
        self.broker = Broker(self.folder)
        self.modem = Modem(self.folder, self.broker.port, options.seed)
        self.disk = powercut.Disk(self.folder) if options.power_cuts else None
        self.bridge = Bridge(
            self.folder, self.modem.link, self.disk and os.path.join(self.disk.path, "outbox.db"),
            max_bytes=options.max_bytes)
        self.phases = Phases(self.bridge, self.modem, self.random)
        self.weather = Weather(self.modem, options.seed, self.note)
        self.programs = company(self.bridge.socket_path, options.rate, options.seed)
        self.yardsticks = [
            Yardstick(self.disk.path if self.disk else self.folder, name, lines, self.broker.port, options.rate)
            for name, lines in (("default", ""), ("1s", "autosave_interval 1\n")) if options.yardstick
        ]
        self.kills = {}

    def note(self, event):
        self.events.append((time.monotonic(), event))

    def run(self):
        began = time.monotonic()
        for worker in (*self.programs, self.weather):
            worker.start()
        for yardstick in self.yardsticks:
            yardstick.start(self.weather)
        while (time.monotonic() - began < self.options.seconds
               and (not self.options.kills or sum(self.kills.values()) < self.options.kills)):
            phase = self.phases.next()
            self.phases.bring(phase)
            self.fell(phase)
        self.finish()

    def fell(self, phase):
        """The kill, or the power cut, in this phase."""
        self.note("kill")
        victims = [self.bridge.child, *(yardstick.child for yardstick in self.yardsticks)]
        # No power, no processor: first nobody answers any more, then the medium keeps what it has (see cut_order.py).
        for victim in victims:
            victim.signal(signal.SIGKILL)
        if self.disk:
            self.disk.cut()
        for victim in victims:
            victim.wait()
        if self.disk:
            self.disk.power_up()
        self.kills[phase] = self.kills.get(phase, 0) + 1
        count = sum(self.kills.values())
        if count % 10 == 0:
            say(f"{count} {self.blow}s, {sum(len(program.kept) for program in self.programs)} messages taken, "
                f"{self.weather.count} link faults")
        if self.random.random() < 0.3:
            # Awaits nothing: draws how long the daemon is away.
            time.sleep(self.random.uniform(0, 0.5))
        for yardstick in self.yardsticks:
            yardstick.restart()

    @property
    def blow(self):
        return "power cut" if self.disk else "kill"

    def finish(self):
        """Good weather, one last start, and everything is delivered."""
        self.weather.stop()
        self.bridge.start()
        self.bridge.wait_ready()
        before = [program.answers for program in self.programs]
        until("each program has sent again what was not answered, and is answered", 30, lambda: all(
            program.answers > count and not program.again for program, count in zip(self.programs, before)))
        for program in self.programs:
            program.stop()
        for program in self.programs:
            program.join(30)
        for yardstick in self.yardsticks:
            yardstick.stop_sending()
        self.note("quiet")
        until("all is delivered", self.options.drain, lambda: self.bridge.status()["outbox"]["waiting"] == 0, pause=0.2)
        for yardstick in self.yardsticks:
            yardstick.settle()

    def judge(self):
        outbox = self.bridge.status()["outbox"]
        status = self.bridge.stop()
        balanced, words = self.bridge.verify()
        arrivals = self.broker.arrivals()
        ours = [arrival for arrival in arrivals if not arrival[1].startswith("yard")]
        verdict = Verdict(self.programs, ours, self.events, outbox["received"])
        dropped = sum(outbox["dropped"].values())
        if outbox["received"] != outbox["delivered"] + outbox["waiting"] + dropped or dropped:
            verdict.fault(f"the status does not add up, or something was dropped: {outbox}")
        if not balanced:
            verdict.fault(f"queue verify: {words}")
        if status != 0:
            verdict.fault(f"SIGTERM ended the daemon with {status}")
        if not self.broker.is_sound() or not self.modem.program.is_running() or self.weather.trouble:
            verdict.fault(f"the surroundings broke: {self.weather.trouble}")
        if any(program.is_alive() for program in self.programs):
            verdict.fault("a program did not end")
        self.report(verdict, outbox, words)
        for yardstick in self.yardsticks:
            yardstick.report(arrivals)
        return verdict

    def report(self, verdict, outbox, words):
        refused = {}
        for program in self.programs:
            for word, count in program.refused.items():
                refused[word] = refused.get(word, 0) + count
        count = sum(self.kills.values())
        say(f"{count} {self.blow}s {self.kills}, {self.weather.count} link faults, "
            f"{sum(program.connections for program in self.programs)} connections")
        say(f"offered {sum(program.offered for program in self.programs)}, refused {refused}")
        say(f"queued {verdict.promised}, of unknown fate {len(verdict.unknown)}, "
            f"came more than once {verdict.duplicates}, lost {len(verdict.lost)}")
        say(f"books: {outbox['received']} received, {outbox['delivered']} delivered; {words.splitlines()[-1:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--seconds", type=float, default=150, help="no new kill after that")
    parser.add_argument("--kills", type=int, default=0, help="so many at most; 0: as many as there is time for")
    parser.add_argument("--rate", type=float, default=2000, help="messages a second offered in all")
    parser.add_argument("--max-bytes", type=int, default=1 << 20, help="[outbox] max_bytes")
    parser.add_argument("--drain", type=float, default=180, help="seconds for what waits at the end")
    parser.add_argument("--power-cuts", action="store_true", help="cut the power instead of killing; root")
    parser.add_argument("--yardstick", action="store_true", help="mosquitto bridges under the same load and kills")
    options = parser.parse_args()
    if options.power_cuts and powercut.hindrance():
        say(f"skipped: power cuts: {powercut.hindrance()}")
        return 0
    say(f"seed {options.seed}")
    campaign = Campaign(options)
    campaign.run()
    verdict = campaign.judge()
    for fault in verdict.faults[:60]:
        print(f"FAULT: {fault}", flush=True)
    if verdict.faults:
        print(campaign.bridge.child.said()[-3000:])
    say(f"{len(verdict.faults)} faults; seed {options.seed}")
    return 1 if verdict.faults else 0


sys.exit(main())
