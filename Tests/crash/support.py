"""Children that end with their maker, ports, folders, and waiting for an event with a limit."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def build_folder():
    """The optimised build when there is one: `ESPBRIDGED_BUILD`, .build/release or .build/debug."""
    named = os.environ.get("ESPBRIDGED_BUILD")
    if named:
        return named
    release = os.path.join(REPOSITORY, ".build", "release")
    if os.path.exists(os.path.join(release, "espbridged")):
        return release
    return os.path.join(REPOSITORY, ".build", "debug")


def program(name):
    """A program of ours: of the optimised build, or of the debug build beside it (espsim is built only there)."""
    for folder in (build_folder(), os.path.join(REPOSITORY, ".build", "debug")):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    raise SystemExit(f"{name} is not built")


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def work_folder(name):
    """A folder that goes when this process ends."""
    folder = tempfile.mkdtemp(prefix=f"espbridged-{name}-")
    _folders.append(folder)
    return folder


_folders = []


def until(what, seconds, condition, pause=0.02):
    """Waits until `condition()` gives something true, and returns that."""
    limit = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= limit:
            raise TimeoutError(f"waited {seconds} s in vain until {what}")
        time.sleep(pause)


class Child:
    """A program whose output goes to a file; it is ended by its process id, at the latest with this process."""

    living = set()

    def __init__(self, arguments, log, environment=None, ignore_file_limit=False):
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
                # Python ignores SIGXFSZ, and so does a child that inherits it.
                restore_signals=not ignore_file_limit)
        Child.living.add(self)

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def said(self):
        with open(self.log, "rb") as file:
            return file.read().decode(errors="replace")

    def kill(self):
        self.process.kill()
        self.wait()

    def signal(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def wait(self, seconds=20):
        status = self.process.wait(seconds)
        Child.living.discard(self)
        return status

    def end(self, seconds=10):
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


@atexit.register
def end_all():
    for child in list(Child.living):
        child.process.kill()
        child.process.wait()
    for undo in reversed(at_end):
        undo()
    for folder in _folders:
        if os.environ.get("ESPBRIDGED_KEEP"):
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


# What else is to be undone once all children have ended.
at_end = []

# What stops this process ends its children too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
