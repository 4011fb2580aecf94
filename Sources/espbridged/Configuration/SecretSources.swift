import BridgeCore
import Glibc

/// Where secrets come from: the configuration file itself, a file of their own, or a systemd credential.
struct SecretSources {
    private let configurationPath: String
    private let credentials: String?
    /// Remarks about permissions.
    private(set) var warnings: [String] = []

    init(configurationPath: String, credentials: String?) {
        self.configurationPath = configurationPath
        self.credentials = credentials
    }

    /// Takes `name`, else `name_file`, else the credential; noting what is wrong in `reader`.
    mutating func secret(_ name: String, credential: String, _ reader: inout TableReader) -> Secret {
        let plain = reader.string(name)
        let file = reader.string(name + "_file")
        if plain != nil, file != nil {
            reader.note(name + "_file", "expected one of \(name) and \(name)_file, not both")
        }
        if let plain, !plain.isEmpty {
            warnIfReadable(configurationPath, "holds \(reader.key(name)) in clear and")
            return Secret(plain)
        }
        if let file, !file.isEmpty {
            let path = file.hasPrefix("/") ? file : folder + file
            do throws(Standard.FileError) {
                let secret = try read(path)
                warnIfReadable(path, "holds a secret and")
                if secret.isEmpty { reader.note(name + "_file", "\(path) is empty") }
                return secret
            } catch {
                reader.note(name + "_file", error.description)
                return Secret("")
            }
        }
        // Not every service has every credential. The unit takes them from the folder beside the configuration, so
        // that is where a root shell (`espbridged check`) finds them too.
        for place in [credentials, folder + "espbridged.d"].compactMap(\.self) {
            if let secret = try? read("\(place)/\(credential)"), !secret.isEmpty { return secret }
        }
        return Secret("")
    }

    private var folder: String {
        configurationPath.lastIndex(of: "/").map { String(configurationPath[...$0]) } ?? ""
    }

    /// The file without the line end that editors and echo put behind it.
    private func read(_ path: String) throws(Standard.FileError) -> Secret {
        var bytes = try Standard.read(file: path)[...]
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Standard.FileError(description: "\(path): is not UTF-8 text")
        }
        return Secret(text)
    }

    private mutating func warnIfReadable(_ path: String, _ what: String) {
        var file = stat()
        guard stat(path, &file) == 0, file.st_mode & S_IROTH != 0 else { return }
        let warning = "\(path): \(what) is readable by everybody (chmod o-r \(path))"
        if !warnings.contains(warning) { warnings.append(warning) }
    }
}
