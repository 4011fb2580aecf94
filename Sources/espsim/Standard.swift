import Foundation
import Glibc
import ModemSimulator

/// Prints a line that a waiting program sees at once, even through a pipe.
func printNow(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
}

func printError(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// Says where the terminal is; programs wait for this line.
func announce(_ path: String, _ link: String?) {
    printNow("espsim: modem on \(path)" + (link.map { " (link \($0))" } ?? ""))
}

/// Files that are given on the command line.
enum Input {
    /// The text of a file, or of standard input for `-`.
    static func text(of path: String) throws -> String {
        let data =
            path == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: path)
        guard let data else { throw SimulatorError.argument("\(path) cannot be read") }
        return String(decoding: data, as: UTF8.self)
    }
}
