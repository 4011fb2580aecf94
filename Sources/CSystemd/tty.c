// <termios.h> and <asm/termbits.h> define the same names: this file takes the kernel's, for termios2.
#include "CSystemd.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/serial.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int csystemd_tty_make_raw(int fd, unsigned int baud, bool hardware_flow_control, bool *changed_speed) {
    struct termios2 settings;
    if (ioctl(fd, TCGETS2, &settings) < 0) return -1;
    *changed_speed = settings.c_ospeed != baud;

    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL | BOTHER | (BOTHER << IBSHIFT);
    if (hardware_flow_control) settings.c_cflag |= CRTSCTS;
    settings.c_ispeed = baud;
    settings.c_ospeed = baud;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return ioctl(fd, TCSETS2, &settings);
}

int csystemd_tty_lock(int fd) { return ioctl(fd, TIOCEXCL); }

bool csystemd_tty_is_locked(int fd) {
    int locked = 0;
    return ioctl(fd, TIOCGEXCL, &locked) == 0 && locked;
}

int csystemd_tty_flush(int fd) { return ioctl(fd, TCFLSH, TCIOFLUSH); }

int csystemd_tty_discard_output(int fd) { return ioctl(fd, TCFLSH, TCOFLUSH); }

int csystemd_tty_unsent(int fd) {
    int count = 0;
    return ioctl(fd, TIOCOUTQ, &count) == 0 ? count : 0;
}

int csystemd_tty_set_lines(int fd, bool dtr, bool rts, bool asserted) {
    int lines = (dtr ? TIOCM_DTR : 0) | (rts ? TIOCM_RTS : 0);
    return ioctl(fd, asserted ? TIOCMBIS : TIOCMBIC, &lines);
}

int csystemd_tty_count_errors(int fd, struct csystemd_tty_counters *counters) {
    struct serial_icounter_struct counted = {0};
    if (ioctl(fd, TIOCGICOUNT, &counted) < 0) return -1;
    counters->framing = counted.frame;
    counters->overruns = counted.overrun;
    counters->buffer_overruns = counted.buf_overrun;
    counters->parity = counted.parity;
    counters->breaks = counted.brk;
    return 0;
}

// Documentation/admin-guide/devices.txt: majors 136 to 143 are the Unix98 pty slaves.
bool csystemd_is_pseudo_terminal(unsigned long device) {
    unsigned int number = major(device);
    return number >= 136 && number <= 143;
}

bool csystemd_is_uart(unsigned long device) {
    char link[64], target[256];
    snprintf(link, sizeof link, "/sys/dev/char/%u:%u/subsystem", major(device), minor(device));
    ssize_t length = readlink(link, target, sizeof target);
    return length >= 4 && memcmp(target + length - 4, "/tty", 4) == 0;
}

unsigned int csystemd_device_minor(unsigned long device) { return minor(device); }
