import BridgeCore
import Glibc

/// Where secrets come from: the configuration file itself, a file of their own, or a systemd credential.
struct SecretSources {
    private let configurationPath: String
    private let credentials: String?
    /// Remarks about permissions, and about secrets that are not used.
    private(set) var warnings: [String] = []

    init(configurationPath: String, credentials: String?) {
        self.configurationPath = configurationPath
        self.credentials = credentials
    }

    /// Takes `name`, else `name_file`, else the credential; noting what is wrong in `reader`. An empty value is none.
    mutating func secret(_ name: String, credential: String, _ reader: inout TableReader) -> Secret {
        let plain = reader.string(name) ?? ""
        let file = reader.string(name + "_file") ?? ""
        if !plain.isEmpty, !file.isEmpty {
            reader.note(name + "_file", "expected one of \(name) and \(name)_file, not both")
        }
        guard plain.isEmpty, file.isEmpty else {
            if let place = place(of: credential) {
                warn("\(place) is not used: \(reader.key(plain.isEmpty ? name + "_file" : name)) comes before it")
            }
            return plain.isEmpty ? read(file, name, &reader) : inClear(plain, name, credential, reader)
        }
        return place(of: credential).flatMap { try? SecretFile.read($0) } ?? Secret("")
    }

    private mutating func inClear(
        _ value: String, _ name: String, _ credential: String, _ reader: TableReader
    ) -> Secret {
        if isReadableByAll(configurationPath) {
            warn(
                "\(configurationPath) holds \(reader.key(name)) and is readable by everybody: better put it into "
                    + "\(folder)espbridged.d/\(credential)")
        }
        return Secret(value)
    }

    private mutating func read(_ file: String, _ name: String, _ reader: inout TableReader) -> Secret {
        let path = path(of: file)
        do throws(Standard.FileError) {
            let secret = try SecretFile.read(path)
            if isReadableByAll(path) { warn("\(path) holds a secret and is readable by everybody: chmod o-r \(path)") }
            if secret.isEmpty { reader.note(name + "_file", "\(path) is empty") }
            return secret
        } catch {
            reader.note(name + "_file", error.description)
            return Secret("")
        }
    }

    /// The file of a credential that is there and not empty.
    ///
    /// Not every service has every credential. The unit takes them from the folder beside the configuration, so that
    /// is where a shell (`espbridged check`) finds them too.
    private mutating func place(of credential: String) -> String? {
        let places = [credentials, folder + "espbridged.d"].compactMap(\.self).map { "\($0)/\(credential)" }
        for place in places {
            if let secret = try? SecretFile.read(place), !secret.isEmpty { return place }
            // The service itself need not read the folder.
            if credentials == nil, access(place, R_OK) != 0, errno == EACCES {
                warn("\(place) may be there, but you are not permitted to read it")
            }
        }
        return nil
    }

    /// A file as the configuration names it: without a leading slash, beside the configuration.
    func path(of file: String) -> String { file.hasPrefix("/") ? file : folder + file }

    private var folder: String {
        configurationPath.lastIndex(of: "/").map { String(configurationPath[...$0]) } ?? ""
    }

    private func isReadableByAll(_ path: String) -> Bool {
        var file = stat()
        return stat(path, &file) == 0 && file.st_mode & S_IROTH != 0
    }

    private mutating func warn(_ warning: String) {
        if !warnings.contains(warning) { warnings.append(warning) }
    }
}
