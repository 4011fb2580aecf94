"""The daemon under test: its configuration, its phases, its death."""

import json
import os
import signal
import socket
import threading

from support import Child, program, until


class Bridge:
    def __init__(self, folder, modem_link, database=None, max_bytes=1 << 20, launcher=()):
        self.folder = folder
        self.socket_path = os.path.join(folder, "sock")
        self.database = database or os.path.join(folder, "outbox.db")
        self.configuration = os.path.join(folder, "conf")
        self.modem_link = modem_link
        self.max_bytes = max_bytes
        self.launcher = list(launcher)
        self.starts = 0
        self.child = None
        self.write_configuration()

    def write_configuration(self, more=""):
        text = f"""
[serial]
device = "{self.modem_link}"
[wifi]
ssid = "workshop"
password = "12345678"
[broker]
host = "broker.test"
client_id = "gateway-1"
[socket]
path = "{self.socket_path}"
[outbox]
path = "{self.database}"
max_bytes = {self.max_bytes}
{more}
"""
        with open(self.configuration + ".new", "w") as file:
            file.write(text)
        os.chmod(self.configuration + ".new", 0o600)
        os.rename(self.configuration + ".new", self.configuration)

    def start(self, launcher=None, ignore_file_limit=False):
        """Starts it; returns at once. Its READY comes on a socket of this start's own."""
        self.starts += 1
        old = os.path.join(self.folder, f"daemon.{self.starts - 4}.log")
        if os.path.exists(old):
            os.unlink(old)
        notify = os.path.join(self.folder, "notify")
        if os.path.exists(notify):
            os.unlink(notify)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(notify)
        self.notify.settimeout(0.5)
        self.child = Child(
            [*(self.launcher if launcher is None else launcher), program("espbridged"), "run", "--config",
             self.configuration],
            os.path.join(self.folder, f"daemon.{self.starts}.log"), {**os.environ, "NOTIFY_SOCKET": notify},
            ignore_file_limit)
        self.is_ready = threading.Event()
        threading.Thread(target=self._listen, args=(self.notify, self.child, self.is_ready), daemon=True).start()

    @staticmethod
    def _listen(notify, child, is_ready):
        """Reads all that the daemon tells its service manager: it waits when nobody does."""
        with notify:
            while True:
                try:
                    if b"READY=1" in notify.recv(4096):
                        is_ready.set()
                except TimeoutError:
                    if child.process.returncode is not None:
                        return

    def ready(self):
        return self.is_ready.is_set()

    def wait_ready(self, seconds=30):
        def came():
            if self.ready():
                return True
            if not self.child.is_running():
                raise RuntimeError("the daemon ended by itself:\n" + self.child.said()[-3000:])
            return False

        until("the daemon is ready", seconds, came, pause=0.005)

    def ask(self, request, seconds=5):
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(seconds)
            channel.connect(self.socket_path)
            channel.sendall(json.dumps(request).encode() + b"\n")
            with channel.makefile("rb") as answers:
                return json.loads(answers.readline())

    def status(self):
        return self.ask({"bridge": "status"})

    def state(self):
        try:
            return self.status()["state"]
        except (OSError, ValueError, KeyError):
            return None

    def kill(self):
        self.child.kill()

    def stop(self, seconds=20):
        """SIGTERM; the exit status."""
        self.child.signal(signal.SIGTERM)
        return self.child.wait(seconds)

    def verify(self):
        """`queue verify`: whether the books balance, and what it said."""
        log = os.path.join(self.folder, "verify.log")
        if os.path.exists(log):
            os.unlink(log)
        child = Child([program("espbridged"), "queue", "verify", "--config", self.configuration], log)
        return child.wait(60) == 0, child.said().strip()
