"""A real mosquitto that never loses anything, and the recorder on it."""

import os
import sys

from support import Child, find, free_port, until


class Broker:
    def __init__(self, folder):
        self.port = free_port()
        configuration = os.path.join(folder, "broker.conf")
        with open(configuration, "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 0\n"
                       "max_packet_size 1000000\nlog_dest stderr\nlog_type error\nlog_type warning\n")
        self.program = Child([find("mosquitto"), "-c", configuration], os.path.join(folder, "broker.log"))
        self.path = os.path.join(folder, "arrivals")
        log = os.path.join(folder, "recorder.log")
        here = os.path.dirname(os.path.abspath(__file__))

        def recording():
            self.recorder = Child([sys.executable, os.path.join(here, "recorder.py"), str(self.port), self.path], log)
            until("the recorder records", 10, lambda: "recording" in self.recorder.said() or not self.recorder.is_running())
            return self.recorder.is_running()

        until("the broker listens", 20, recording)

    def arrivals(self):
        """(seconds, token, alink id, whether the content fits its sum) of all that came, in order."""
        found = []
        with open(self.path) as file:
            for line in file:
                words = line.split()
                if len(words) == 4:
                    found.append((float(words[0]), words[1], words[2], words[3] == "1"))
        return found

    def is_sound(self):
        return self.program.is_running() and self.recorder.is_running()

    def end(self):
        self.recorder.end()
        self.program.end()
