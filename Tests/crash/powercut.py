"""A file system of its own whose power can be cut: ext4 in a loop file, EXT4_IOC_SHUTDOWN without flushing its log."""

import fcntl
import os
import struct
import subprocess

from support import at_end, find, until

EXT4_IOC_SHUTDOWN = 0x8004587D
EXT4_GOING_FLAGS_NOLOGFLUSH = 2


def hindrance():
    """Why there can be no power cuts here, or None."""
    if os.geteuid() != 0:
        return "mounting a file system takes root's rights"
    for name in ("mkfs.ext4", "mount", "umount"):
        if find(name) is None:
            return f"{name} is not installed"
    return None


class Disk:
    def __init__(self, folder, megabytes=128):
        self.image = os.path.join(folder, "disk.img")
        self.path = os.path.join(folder, "disk")
        os.mkdir(self.path)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        self._run("mkfs.ext4", "-q", "-F", self.image)
        at_end.append(self.release)
        self.mount()

    @staticmethod
    def _run(name, *arguments):
        subprocess.run([find(name), *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def mount(self):
        self._run("mount", "-o", "loop", self.image, self.path)

    def cut(self):
        """From now on nothing reaches the medium; what was not synced is gone.

        Who still runs may be told that a sync has succeeded which was under way, and has not (see cut_order.py).
        """
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
        finally:
            os.close(folder)

    def power_up(self):
        """Once nothing uses it any more: the medium as the cut left it."""
        until("the file system is unmounted", 20, self._unmounted)
        self.mount()

    def _is_mounted(self):
        # Not os.path.ismount, which asks the file system itself: one without power answers EIO.
        with open("/proc/self/mounts") as mounts:
            return any(line.split()[1] == self.path for line in mounts)

    def _unmounted(self):
        if self._is_mounted():
            subprocess.run([find("umount"), self.path], check=False, stderr=subprocess.DEVNULL)
        return not self._is_mounted()

    def release(self):
        if self._is_mounted():
            subprocess.run([find("umount"), "-l", self.path], check=False)
