"""The real daemon between the simulated modem and the simulated cloud, a program that publishes all the while, and a
record of when everything happened. Standard library only; everything on loopback and in a folder of its own.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ESPBRIDGED_BUILD", f"{ROOT}/.build/debug")
HOST = "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com"
LIMIT_ONLINE = 90.0


class Trouble(Exception):
    """The laboratory itself does not do what it should."""


def until(limit, condition, pause=0.05):
    """Waits for a condition; its value, or None when it did not come true in `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            return None
        time.sleep(pause)


class Lab:
    def __init__(self, mode="transparent", firmware="nonos-1.7", remember=False, seed=1, options=(), unlimited=False, tls=False):
        self.folder = tempfile.mkdtemp(prefix="espbridged-faults.")
        self.children = []
        self.arrived = {}      # number of the message: how often it came to the cloud
        self.journal = []      # (when, line) of the daemon
        self.events = []       # (when, event) of the cloud
        self.programs = []
        self.open = True
        try:
            self._start(mode, firmware, remember, seed, options, unlimited, tls)
        except BaseException:
            self.close()
            raise

    def _start(self, mode, firmware, remember, seed, options, unlimited, tls):
        authority = f"{self.folder}/tls"
        if tls:
            subprocess.run([f"{ROOT}/scripts/make-test-authority", authority, HOST], check=True)
        secret = f"{self.folder}/secret"
        with open(secret, "w") as file:
            file.write("not-a-real-secret-0123456789abcd")
        os.chmod(secret, 0o600)
        cloud = self._child([f"{BUILD}/espsim", "cloud", "--json", "--listen", "127.0.0.1:0", "--product-key", "a1B2c3D4e5F",
                             "--device-name", "gateway-1", "--secret-file", secret, "--control", f"{self.folder}/cloud"]
                            + (["--unlimited"] if unlimited else [])
                            + (["--tls-certificate", f"{authority}/server.pem", "--tls-key", f"{authority}/server-key.pem"] if tls else []),
                            stdout=subprocess.PIPE)
        port = re.search(rb"127\.0\.0\.1:(\d+)", cloud.stdout.readline())
        if not port:
            raise Trouble("the cloud names no port")
        self._read(cloud.stdout, self._cloud_said)
        modem = self._child([f"{BUILD}/espsim", "modem", "--firmware", firmware, "--seed", str(seed), "--link", f"{self.folder}/tty",
                             "--control", f"{self.folder}/modem", "--map", f"{HOST}=127.0.0.1:{int(port[1])}", *options]
                            + (["--remember"] if remember else []), stdout=subprocess.PIPE)
        modem.stdout.readline()
        self._read(modem.stdout, lambda line: None)
        with open(f"{self.folder}/conf", "w") as file:
            file.write(f"""
                [serial]
                device = "{self.folder}/tty"
                [wifi]
                ssid = "workshop"
                password = "12345678"
                [modem]
                mode = "{mode}"
                [aliyun]
                product_key = "a1B2c3D4e5F"
                device_name = "gateway-1"
                device_secret_file = "{secret}"
                max_rate = {0 if unlimited else 10}
                [socket]
                path = "{self.folder}/sock"
                [outbox]
                path = "{self.folder}/outbox.db"
                """)
            if tls:
                file.write(f'\n[mqtt]\nsecurity = "tls"\nca_file = "{authority}/authority.pem"\n')
        os.chmod(f"{self.folder}/conf", 0o600)
        self.daemon = self._child([f"{BUILD}/espbridged", "run", "--config", f"{self.folder}/conf"], stderr=subprocess.PIPE)
        self._read(self.daemon.stderr, self._daemon_said)
        if not until(20, lambda: os.path.exists(f"{self.folder}/sock")):
            raise Trouble("the daemon does not start: " + self.last_words())

    def _child(self, command, **pipes):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **pipes)
        self.children.append(child)
        return child

    def _read(self, pipe, take):
        def run():
            for line in pipe:
                take(line.decode("utf-8", "replace").rstrip("\n"))
        threading.Thread(target=run, daemon=True).start()

    def _daemon_said(self, line):
        self.journal.append((time.monotonic(), line))

    def _cloud_said(self, line):
        try:
            event = json.loads(line)
        except ValueError:
            return
        self.events.append((time.monotonic(), event))
        if event.get("event") != "message":
            return
        found = re.search(r'"n":"([^"]+)"', event.get("payload", ""))
        number = found[1] if found else event.get("payload", "")
        self.arrived[number] = self.arrived.get(number, 0) + 1

    def last_words(self):
        return " | ".join(line for _, line in self.journal[-5:])

    # What a person can do.

    def order(self, text):
        """`cloud …` goes to the cloud, `sleep S` waits, everything else goes to the modem."""
        who, what = "modem", text
        if text.startswith("sleep "):
            return time.sleep(float(text[6:]))
        if text.startswith("cloud "):
            who, what = "cloud", text[6:]
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(f"{self.folder}/{who}")
            control.sendall(what.encode() + b"\n")
            answer = control.makefile().readline().strip()
        if answer != "ok":
            raise Trouble(f"{text}: {answer}")

    def status(self):
        with socket.socket(socket.AF_UNIX) as bridge:
            bridge.settimeout(20)
            bridge.connect(f"{self.folder}/sock")
            bridge.sendall(b'{"bridge":"status"}\n')
            return json.loads(bridge.makefile().readline())

    def wait_online(self):
        if not until(LIMIT_ONLINE, lambda: self.status().get("state") == "online", 0.2):
            raise Trouble("not online in time: " + self.last_words())

    def publish(self, name, pause):
        program = Program(f"{self.folder}/sock", name, pause)
        self.programs.append(program)
        return program

    # The judgement.

    def lost(self):
        """Messages that were answered `queued` and never came to the cloud."""
        return sorted(number for program in self.programs for number in program.queued if number not in self.arrived)

    def damaged(self):
        """Messages at the cloud that no program has sent so."""
        return sum(1 for number in self.arrived if not any(number in program.queued for program in self.programs))

    def queued(self):
        return sum(len(program.queued) for program in self.programs)

    def close(self):
        self.open = False
        for program in self.programs:
            program.stop()
        for child in reversed(self.children):
            child.terminate()
        for child in reversed(self.children):
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Program:
    """A local program that publishes a numbered message every `pause` seconds, and notes what became of each."""

    def __init__(self, path, name, pause):
        self.name, self.pause = name, pause
        self.queued, self.delivered = {}, {}
        self.running = True
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._write, self._listen)]
        for thread in self.threads:
            thread.start()

    def _write(self):
        number = 0
        while self.running:
            number += 1
            key = f"{self.name}-{number}"
            line = {"bridge": "publish", "until": "delivered", "tag": key,
                    "message": {"method": "thing.event.property.post", "params": {"n": key}}}
            try:
                self.socket.sendall(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            except OSError:
                return
            time.sleep(self.pause)

    def _listen(self):
        try:
            for line in self.socket.makefile():
                answer = json.loads(line)
                key, now = answer.get("tag"), time.monotonic()
                if answer.get("status") == "queued":
                    self.queued[key] = now
                elif answer.get("status") == "delivered":
                    self.delivered[key] = now
        except (OSError, ValueError):
            return

    def stop(self):
        """Writes no more; answers are still taken until the laboratory is closed."""
        self.running = False
        self.threads[0].join(10)
