/// libsystemd, and the few parts of the kernel's interfaces that Swift cannot see.
#ifndef CSYSTEMD_H
#define CSYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

/// Tells the service manager something, as sd_notify(3) does, but never waits: sd_notify blocks its caller, and here the
/// event loop, for as long as nobody reads NOTIFY_SOCKET and its queue is full.
///
/// Returns 1, 0 when there is no service manager, or -1 with errno set (EAGAIN: the queue is full).
int csystemd_notify(const char *state);

/// Makes the terminal raw at `baud` bits a second, 8N1, any integer rate (termios2, BOTHER; see ioctl_tty(2)).
///
/// VMIN is 1 and VTIME 0; OPOST, echo, signals and modem control are off, CLOCAL and CREAD on, HUPCL off, so that
/// closing the port does not drop DTR. `*changed_speed` tells whether the line ran at another speed before.
/// Returns 0, or -1 with errno set.
int csystemd_tty_make_raw(int fd, unsigned int baud, bool hardware_flow_control, bool *changed_speed);

/// Refuses further opens of the terminal by others (TIOCEXCL). Returns 0, or -1 with errno set.
int csystemd_tty_lock(int fd);

/// Whether somebody has locked the terminal with TIOCEXCL.
bool csystemd_tty_is_locked(int fd);

/// Throws away what was received but not read, and what was written but not sent. Returns 0 or -1.
int csystemd_tty_flush(int fd);

/// Throws away what was written but not sent. Returns 0 or -1.
int csystemd_tty_discard_output(int fd);

/// Bytes that were written and have not been sent (TIOCOUTQ); always 0 on a pseudo-terminal, which has no such buffer.
int csystemd_tty_unsent(int fd);

/// Asserts or releases DTR, RTS or both at once (TIOCMBIS, TIOCMBIC; ioctl_tty(2)). Returns 0, or -1 with errno set, as on
/// a pseudo-terminal, which has no such lines.
int csystemd_tty_set_lines(int fd, bool dtr, bool rts, bool asserted);

/// What the UART has counted (TIOCGICOUNT).
struct csystemd_tty_counters {
    int framing, overruns, buffer_overruns, parity, breaks;
};

/// Returns 0, or -1 with errno set, as on a pseudo-terminal and with drivers that do not count.
int csystemd_tty_count_errors(int fd, struct csystemd_tty_counters *counters);

/// Whether `device` (a `st_rdev`) is the terminal side of a pseudo-terminal.
bool csystemd_is_pseudo_terminal(unsigned long device);

/// Whether `device` (a `st_rdev`) is a terminal of a serial driver, by its place in /sys (sysfs(5)); it is not opened.
bool csystemd_is_uart(unsigned long device);

/// The minor part of a device number.
unsigned int csystemd_device_minor(unsigned long device);

/// A context for writes that are under way while their thread goes on (io_setup(2)). Returns 0, or -1 with errno set.
int csystemd_aio_open(unsigned long *context);

/// Waits for what is under way (io_destroy(2)).
void csystemd_aio_close(unsigned long context);

/// Begins to write to the medium: when the result is there, so are the bytes (RWF_DSYNC; pwritev2(2)). `event_fd`, an eventfd(2),
/// becomes readable then.
///
/// The file has to be open with O_DIRECT: else the write is done, and waited for, before this returns. Until the result is there
/// the buffer may not change. Returns 0, or -1 with errno set.
int csystemd_aio_write(unsigned long context, int fd, const void *buffer, size_t length, int64_t offset, int event_fd);

/// Takes the result of a write, bytes or a negated errno; waits for it for so long. False when there is none.
bool csystemd_aio_result(unsigned long context, unsigned int milliseconds, int64_t *result);

/// Looks for the result of a write for so long, without sleeping; whether it is there. It lets other threads have the processor
/// meanwhile (sched_yield(2)), and returns later when they keep it.
bool csystemd_aio_poll(unsigned long context, unsigned int microseconds);

/// Opens a file for reading and writing past the page cache (O_DIRECT; open(2)). Returns a descriptor, or -1 with errno set.
int csystemd_open_direct(const char *path);

/// A counter to wait for, that never blocks (eventfd(2)). Returns a descriptor, or -1 with errno set.
int csystemd_event_fd(void);

#endif
