import Foundation

/// A program run by a test: its output line by line, ended by its process id.
final class ChildProgram: @unchecked Sendable {
    /// Waited in vain for something a program should have said.
    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    let processIdentifier: pid_t
    private let condition = NSCondition()
    private var lines: [String] = []
    private var openStreams = 2
    private var exitStatus: Int32?

    /// Starts the program; its standard output and standard error are gathered together.
    init(_ path: String, _ arguments: [String], name: String? = nil, environment: [String: String] = [:]) throws {
        self.name = name ?? (path as NSString).lastPathComponent
        let output = Pipe()
        let errors = Pipe()
        // A pipe that another child holds too would never come to its end.
        for handle in [output, errors].flatMap({ [$0.fileHandleForReading, $0.fileHandleForWriting] }) {
            _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        processIdentifier = try Self.spawn(
            path, arguments, ProcessInfo.processInfo.environment.merging(environment) { $1 },
            output: output.fileHandleForWriting.fileDescriptor, errors: errors.fileHandleForWriting.fileDescriptor)
        for pipe in [output, errors] {
            try pipe.fileHandleForWriting.close()
            Thread { [self] in gather(pipe.fileHandleForReading) }.start()
        }
        Thread { [self] in awaitEnd() }.start()
    }

    /// Foundation's Process learns of an end late or not at all on Linux, so this is posix_spawn(3) and waitpid(2).
    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String: String], output: CInt, errors: CInt
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The threads that tests run on block signals, and a child would inherit that and never see SIGTERM.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // Shells and test runners start what runs in the background with these ignored.
        var usual = sigset_t()
        sigemptyset(&usual)
        for number in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM] { sigaddset(&usual, number) }
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + settings { free(pointer) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, path, &actions, &attributes, words, settings)
        guard result == 0 else { throw Silence(description: "\(path): \(String(cString: strerror(result)))") }
        return process
    }

    private func awaitEnd() {
        var status: Int32 = 0
        while waitpid(processIdentifier, &status, 0) < 0, errno == EINTR {}
        condition.lock()
        // As a shell says it: the exit status, or 128 and the signal.
        exitStatus = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
        condition.broadcast()
        condition.unlock()
    }

    var isRunning: Bool {
        condition.lock()
        defer { condition.unlock() }
        return exitStatus == nil
    }

    /// All lines so far.
    var output: [String] {
        condition.lock()
        defer { condition.unlock() }
        return lines
    }

    private func gather(_ handle: FileHandle) {
        var rest: [UInt8] = []
        while true {
            let chunk = handle.availableData
            condition.lock()
            rest.append(contentsOf: chunk)
            let parts = rest.split(separator: 10, omittingEmptySubsequences: false)
            lines.append(contentsOf: parts.dropLast().map { String(decoding: $0, as: UTF8.self) })
            rest = parts.last.map(Array.init) ?? []
            if chunk.isEmpty {
                if !rest.isEmpty { lines.append(String(decoding: rest, as: UTF8.self)) }
                openStreams -= 1
                condition.broadcast()
                condition.unlock()
                return
            }
            condition.broadcast()
            condition.unlock()
        }
    }

    /// Waits until a line contains `text`, and returns it; lines before number `start` do not count.
    @discardableResult
    func waitForLine(_ text: String, from start: Int = 0, seconds: Double = 30) throws -> String {
        var searched = start
        return try waitFor("a line with “\(text)”", seconds: seconds) { lines in
            while searched < lines.count {
                if lines[searched].contains(text) { return lines[searched] }
                searched += 1
            }
            return nil
        }
    }

    /// Waits until `find` finds something in the output.
    @discardableResult
    func waitFor<Found>(_ what: String, seconds: Double = 30, _ find: ([String]) -> Found?) throws -> Found {
        let limit = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = find(lines) { return found }
            let ended = exitStatus != nil && openStreams == 0
            guard !ended, condition.wait(until: limit) else {
                let tail = lines.suffix(25).joined(separator: "\n    ")
                throw Silence(
                    description:
                        "\(name) \(ended ? "ended" : "was silent") while \(what) was awaited; it said:\n    \(tail)")
            }
        }
    }

    /// Sends a signal.
    func signal(_ number: CInt) {
        if isRunning { kill(processIdentifier, number) }
    }

    /// Waits for the end; says the exit status.
    @discardableResult
    func waitForExit(seconds: Double = 20) throws -> Int32 {
        let limit = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while exitStatus == nil || openStreams > 0 {
            guard condition.wait(until: limit) else {
                throw Silence(
                    description: "\(name) did not end; it said: \(lines.suffix(15).joined(separator: "\n    "))")
            }
        }
        return exitStatus ?? -1
    }

    /// Ends the program: SIGTERM, and SIGKILL when that does not help.
    func end(seconds: Double = 10) {
        signal(SIGTERM)
        if (try? waitForExit(seconds: seconds)) == nil { signal(SIGKILL) }
    }

    /// Runs a program to its end and returns status and lines.
    static func run(
        _ path: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
        seconds: Double = 60
    ) throws -> (status: Int32, lines: [String]) {
        guard let input else {
            let child = try ChildProgram(path, arguments, environment: environment)
            return (try child.waitForExit(seconds: seconds), child.output)
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(input.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let child = try ChildProgram(
            "/bin/sh", ["-c", "input=$1; shift; exec \"$@\" <\"$input\"", "sh", file.path, path] + arguments,
            environment: environment)
        return (try child.waitForExit(seconds: seconds), child.output)
    }
}
