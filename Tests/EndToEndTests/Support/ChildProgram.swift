import Foundation

/// A program run by a test: its output line by line, ended by its process id.
final class ChildProgram: @unchecked Sendable {
    /// Waited in vain for something a program should have said.
    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    private let process = Process()
    private let condition = NSCondition()
    private var lines: [String] = []
    private var openStreams = 2

    /// Starts the program; its standard output and standard error are gathered together.
    init(_ path: String, _ arguments: [String], name: String? = nil, environment: [String: String] = [:]) throws {
        self.name = name ?? (path as NSString).lastPathComponent
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.terminationHandler = { [condition] _ in
            condition.lock()
            condition.broadcast()
            condition.unlock()
        }
        try process.run()
        for pipe in [output, errors] {
            let thread = Thread { [self] in gather(pipe.fileHandleForReading) }
            thread.start()
        }
    }

    var processIdentifier: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

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
    func waitFor<Found>(_ what: String, seconds: Double = 30, _ find: ([String]) -> Found?) throws -> Found {
        let limit = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = find(lines) { return found }
            let ended = !process.isRunning && openStreams == 0
            guard !ended, condition.wait(until: limit) else {
                let tail = lines.suffix(25).joined(separator: "\n    ")
                throw Silence(
                    description:
                        "\(name) \(ended ? "ended" : "was silent") while \(what) was awaited; it said:\n    \(tail)")
            }
        }
    }

    /// Sends a signal.
    func signal(_ number: CInt) { kill(process.processIdentifier, number) }

    /// Waits for the end; says the exit status.
    func waitForExit(seconds: Double = 20) throws -> Int32 {
        let limit = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while process.isRunning || openStreams > 0 {
            guard condition.wait(until: limit) else {
                throw Silence(
                    description: "\(name) did not end; it said: \(lines.suffix(15).joined(separator: "\n    "))")
            }
        }
        return process.terminationStatus
    }

    /// Ends the program: SIGTERM, and SIGKILL when that does not help.
    func end(seconds: Double = 10) {
        guard process.isRunning else { return }
        process.terminate()
        if (try? waitForExit(seconds: seconds)) == nil { signal(SIGKILL) }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
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
