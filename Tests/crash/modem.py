"""The simulated modem, and what goes wrong with it at random."""

import os
import random
import socket
import threading
import time

from support import Child, program, until


class Modem:
    def __init__(self, folder, broker_port, seed):
        self.link = os.path.join(folder, "tty")
        self.control = os.path.join(folder, "modem.control")
        self.program = Child(
            [program("espsim"), "modem", "--fast", "--baud", "0", "--seed", str(seed), "--link", self.link,
             "--control", self.control, "--map", f"broker.test=127.0.0.1:{broker_port}"],
            os.path.join(folder, "modem.log"))
        until("the modem is there", 20, lambda: os.path.exists(self.link) and os.path.exists(self.control))

    def order(self, text):
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(10)
            channel.connect(self.control)
            channel.sendall(text.encode() + b"\n")
            answer = channel.recv(1000).decode()
        if not answer.startswith("ok"):
            raise RuntimeError(f"espsim, {text}: {answer}")


class Weather(threading.Thread):
    """Link faults at random times; each is noted with its time, because a fault excuses a redelivery.

    What loses or changes single bytes is left out: TCP does not, and nothing above it could notice.
    """

    FAULTS = ("drop", "drop", "drop", "hold", "reset", "ap", "network")

    def __init__(self, modem, seed, note, shortest=1.5, longest=6.0):
        super().__init__(daemon=True)
        self.modem = modem
        self.random = random.Random(seed)
        self.note = note
        self.pauses = (shortest, longest)
        self.stopped = threading.Event()
        self.count = 0
        self.trouble = None
        # Links that are down when this one is.
        self.proxies = []

    def run(self):
        try:
            while not self.stopped.wait(self.random.uniform(*self.pauses)):
                self.strike(self.random.choice(self.FAULTS))
        except Exception as error:  # noqa: BLE001 - told by the verdict
            self.trouble = repr(error)
        finally:
            if self.modem.program.is_running():
                self.modem.order("ap up")
                self.modem.order("network up")

    def strike(self, fault):
        seconds = self.random.uniform(0.1, 1.5)
        self.count += 1
        self.note(fault)
        for proxy in self.proxies:
            proxy.down()
        if fault == "hold":
            self.modem.order(f"drop-hold {seconds:.1f}")
        elif fault in ("ap", "network"):
            self.modem.order(f"{fault} down")
            self.stopped.wait(seconds)
            self.modem.order(f"{fault} up")
        else:
            self.modem.order(fault)
        for proxy in self.proxies:
            proxy.up()
        self.note(fault)

    def stop(self):
        self.stopped.set()
        self.join(20)
