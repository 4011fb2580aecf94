import Glibc

/// Files, standard input and standard error, as the commands use them.
enum Standard {
    /// A file could not be read or written.
    struct FileError: Error, CustomStringConvertible {
        let description: String
    }

    /// Larger files are no configuration, no secret and no message.
    static let largestFile = 64 << 20

    /// All bytes of a file.
    static func read(file path: String) throws(FileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(description: "\(path): \(reason)") }
        defer { close(descriptor) }
        return try read(descriptor, name: path)
    }

    /// All bytes of a file, or of standard input for `-`.
    static func contents(of file: String) throws -> [UInt8] {
        do throws(FileError) {
            return try file == "-" ? readInput() : read(file: file)
        } catch {
            throw Failure.io(error.description)
        }
    }

    static let inputName = "standard input"

    /// All bytes of standard input.
    static func readInput() throws(FileError) -> [UInt8] { try read(STDIN_FILENO, name: inputName) }

    /// What standard input has next, waiting until it has something; empty at its end.
    static func readSome() throws(FileError) -> ArraySlice<UInt8> { try readSome(STDIN_FILENO, name: inputName) }

    private static func readSome(_ descriptor: CInt, name: String) throws(FileError) -> ArraySlice<UInt8> {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(description: "\(name): \(reason)") }
            return chunk[..<count]
        }
    }

    private static func read(_ descriptor: CInt, name: String) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let some = try readSome(descriptor, name: name)
            guard !some.isEmpty else { return bytes }
            bytes.append(contentsOf: some)
            guard bytes.count <= largestFile else {
                throw FileError(description: "\(name): larger than \(largestFile) bytes")
            }
        }
    }

    /// Writes text as it is, to a terminal or a file.
    ///
    /// An answer that cannot be given ends the program with 74, so that a script does not take the lack of one for good.
    static func write(_ text: String, to descriptor: CInt) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                // To whom could standard error's own trouble be told?
                guard descriptor == STDOUT_FILENO else { return }
                complain("standard output: \(reason)")
                exit(74)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// A line on standard output that a program behind a pipe sees at once; `print` would keep it until there are many.
    static func say(_ text: String) { write("\(text)\n", to: STDOUT_FILENO) }

    /// A line on standard error.
    static func complain(_ text: String) { write("espbridged: \(text)\n", to: STDERR_FILENO) }

    private static var reason: String { String(cString: strerror(errno)) }
}
