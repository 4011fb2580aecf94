import BridgeCore
import Glibc

/// Secrets that stand in a file of their own.
enum SecretFile {
    /// The file without the line end that editors and echo put behind it.
    static func read(_ path: String) throws(Standard.FileError) -> Secret {
        try secret(Standard.read(file: path), name: path)
    }

    /// The same for a command: `-` is standard input, and a person at a terminal is asked without echo.
    static func contents(of file: String, prompt: String) throws -> Secret {
        do throws(Standard.FileError) {
            guard file == "-" else { return try read(file) }
            if isatty(STDIN_FILENO) == 1, let typed = getpass(prompt) { return Secret(String(cString: typed)) }
            return try secret(Standard.readInput(), name: Standard.inputName)
        } catch {
            throw Failure.io(error.description)
        }
    }

    private static func secret(_ bytes: [UInt8], name: String) throws(Standard.FileError) -> Secret {
        var bytes = bytes[...]
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Standard.FileError(description: "\(name): is not UTF-8 text")
        }
        return Secret(text)
    }
}
