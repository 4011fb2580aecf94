import BridgeCore
import Glibc
import TOMLKit

/// Reads and judges `/etc/espbridged.conf`.
///
/// All mistakes are found, not just the first; each names file, line, key and what was expected. Nothing is printed
/// here, and no message holds a secret.
enum ConfigurationFile {
    /// A configuration that is in order, with remarks that do not stop it.
    struct Loaded {
        var configuration: Configuration
        var warnings: [String]
    }

    /// Why a file cannot be used.
    struct Rejected: Error, CustomStringConvertible {
        /// One line each: `FILE:LINE: KEY: what is wrong`.
        var lines: [String]

        var description: String { lines.joined(separator: "\n") }
    }

    /// - Parameter credentials: systemd's credentials directory, when there is one (systemd.exec(5)).
    static func load(_ path: String, credentials: String? = environmentCredentials) throws(Rejected) -> Loaded {
        let bytes: [UInt8]
        do throws(Standard.FileError) {
            bytes = try Standard.read(file: path)
        } catch {
            throw Rejected(lines: [error.description])
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Rejected(lines: ["\(path): is not UTF-8 text"])
        }
        // The parser would take it for the end of the file.
        if let end = bytes.firstIndex(of: 0) {
            let line = 1 + bytes[..<end].count { $0 == UInt8(ascii: "\n") }
            throw Rejected(lines: ["\(path):\(line): a NUL character has no place in a text file"])
        }
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw Rejected(lines: [syntaxError(error, path: path)])
        } catch {
            throw Rejected(lines: ["\(path): cannot be read as TOML"])
        }

        var secrets = SecretSources(configurationPath: path, credentials: credentials)
        var reader = ConfigurationReader(secrets: secrets)
        let configuration = reader.read(table)
        secrets = reader.secrets
        let locator = KeyLocator(text)
        var mistakes = reader.mistakes + configuration.mistakes.filter { !reader.hasNoted($0.key) }
        for key in Set(locator.keysWithNUL) where !mistakes.contains(where: { $0.key == key }) {
            mistakes.append(ConfigurationMistake(key, "has a NUL character (\\u0000), which has no place in a value"))
        }
        guard mistakes.isEmpty else {
            let located = mistakes.map { (mistake: $0, line: locator.line(of: $0.key)) }
            throw Rejected(
                lines: located.sorted { ($0.line ?? 0) < ($1.line ?? 0) }.map { mistake, line in
                    let place = line.map { "\(path):\($0)" } ?? path
                    return mistake.key.isEmpty
                        ? "\(place): \(mistake.message)" : "\(place): \(mistake.key): \(mistake.message)"
                })
        }
        return Loaded(configuration: configuration, warnings: secrets.warnings)
    }

    static var environmentCredentials: String? {
        getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) }
    }

    /// The parser's words, without what it quotes from the file: that may be a part of a secret.
    private static func syntaxError(_ error: TOMLParseError, path: String) -> String {
        let place = error.source.begin
        let message = error.description.prefix { $0 != "'" && $0 != "\"" && $0 != "\n" }
        var words = message.hasSuffix(", saw ") ? message.dropLast(6) : message
        if words.hasSuffix(": expected ") { words = words.dropLast(11) }
        while words.last == " " || words.last == "," || words.last == ":" { words = words.dropLast() }
        return "\(path):\(place.line): column \(place.column): \(words.isEmpty ? "not valid TOML" : String(words))"
    }
}
