import Glibc
import Synchronization

/// Ctrl-C as an ordinary end: a command that goes on for ever notices it, tidies up, and exits with 0.
enum Interrupt {
    private static let flag = Atomic(false)

    /// SIGINT and SIGTERM are noted from now on, instead of ending the program.
    static func watch() {
        // Made before a signal can need it.
        flag.store(false, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in Interrupt.flag.store(true, ordering: .relaxed) }
        }
    }

    static var hasCome: Bool { flag.load(ordering: .relaxed) }

    /// Waits, or until a signal comes.
    static func pause(milliseconds: Int32) {
        if !hasCome { poll(nil, 0, milliseconds) }
    }
}
