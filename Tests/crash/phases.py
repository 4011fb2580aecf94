"""Brings the daemon into a phase of its life, to be killed there.

The sleeps await nothing: each draws the moment of the blow within its phase, from the seed.
"""

import signal
import time

from support import until


class Phases:
    def __init__(self, bridge, modem, random):
        self.bridge = bridge
        self.modem = modem
        self.random = random
        self.bag = []

    NAMES = ("starting", "climbing", "online", "online", "draining", "reloading", "stopping")

    def next(self):
        """Each phase comes up as often as the others, in an order of chance."""
        if not self.bag:
            self.bag = list(self.NAMES)
            self.random.shuffle(self.bag)
        return self.bag.pop()

    def bring(self, phase):
        """Starts the daemon and waits for the moment; faults of the link may prevent `online`, which is as well."""
        self.bridge.start()
        if phase == "starting":
            return time.sleep(self.random.uniform(0, 0.12))
        self.bridge.wait_ready()
        if phase == "climbing":
            return time.sleep(self.random.uniform(0, 1.2))
        self.online()
        getattr(self, phase)()

    def online(self):
        self.wait_online(4)
        time.sleep(self.random.uniform(0, 1.5))

    def draining(self):
        self.wait_online(4)
        self.modem.order("ap down")
        time.sleep(self.random.uniform(0.2, 1))
        self.modem.order("ap up")
        self.wait_online(4)
        time.sleep(self.random.uniform(0, 1))

    def reloading(self):
        # A change that keeps the link, or one that does not.
        more = self.random.choice(("[mqtt]\nqos = 1\n", "[log]\nlevel = \"notice\"\n", "[mqtt]\nkeep_alive = 90\n"))
        self.bridge.write_configuration(more)
        self.bridge.child.signal(signal.SIGHUP)
        time.sleep(self.random.uniform(0, 0.2))
        self.bridge.write_configuration()

    def stopping(self):
        self.bridge.child.signal(signal.SIGTERM)
        time.sleep(self.random.uniform(0, 0.3))

    def wait_online(self, seconds):
        try:
            until("online", seconds, lambda: self.bridge.state() == "online", pause=0.05)
        except TimeoutError:
            pass
