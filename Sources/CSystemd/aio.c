#define _GNU_SOURCE
#include "CSystemd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int csystemd_aio_open(unsigned long *context) {
    aio_context_t made = 0;
    if (syscall(SYS_io_setup, 4, &made) != 0) return -1;
    *context = made;
    return 0;
}

void csystemd_aio_close(unsigned long context) { syscall(SYS_io_destroy, (aio_context_t)context); }

int csystemd_aio_write(unsigned long context, int fd, const void *buffer, size_t length, int64_t offset, int event_fd) {
    struct iocb request = {
        .aio_fildes = (uint32_t)fd,
        .aio_lio_opcode = IOCB_CMD_PWRITE,
        .aio_buf = (uint64_t)(uintptr_t)buffer,
        .aio_nbytes = length,
        .aio_offset = offset,
        .aio_flags = IOCB_FLAG_RESFD,
        .aio_resfd = (uint32_t)event_fd,
        .aio_rw_flags = RWF_DSYNC,
    };
    struct iocb *requests[] = {&request};
    long count = syscall(SYS_io_submit, (aio_context_t)context, 1L, requests);
    if (count == 1) return 0;
    if (count == 0) errno = EAGAIN;
    return -1;
}

bool csystemd_aio_result(unsigned long context, unsigned int milliseconds, int64_t *result) {
    struct io_event event;
    // The kernel's own timespec for this call, which struct timespec is not where time_t is longer than long.
    long patience[] = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    if (syscall(SYS_io_getevents, (aio_context_t)context, 1L, 1L, &event, patience) != 1) return false;
    *result = event.res;
    return true;
}

/// What the kernel keeps at the address that is a context: stable, as libaio looks at it, too.
struct ring {
    unsigned int id, nr, head, tail, magic;
};
static const unsigned int ring_magic = 0xa10a10a1;

/// In microseconds.
static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

bool csystemd_aio_poll(unsigned long context, unsigned int microseconds) {
    const struct ring *ring = (const struct ring *)context;
    if (ring->magic != ring_magic) return false;
    for (int64_t began = now();;) {
        for (int look = 0; look < 64; look++) {
            unsigned int head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
            if (__atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) != head) return true;
        }
        if (now() - began > microseconds) return false;
        // The result may come from a thread of the kernel that has to have this processor.
        sched_yield();
    }
}

int csystemd_open_direct(const char *path) { return open(path, O_RDWR | O_DIRECT | O_CLOEXEC); }

int csystemd_event_fd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
