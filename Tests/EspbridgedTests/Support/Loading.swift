import BridgeCore

@testable import espbridged

extension TemporaryFolder {
    /// Loads `text` as a configuration: the lines of its mistakes, without the folder, and its warnings.
    func load(_ text: String, mode: Int = 0o600, credentials: String? = nil) throws -> Loading {
        let file = try write("espbridged.conf", text, mode: mode)
        do throws(ConfigurationFile.Rejected) {
            let loaded = try ConfigurationFile.load(file, credentials: credentials)
            return Loading(configuration: loaded.configuration, warnings: loaded.warnings.map(shortened))
        } catch {
            return Loading(mistakes: error.lines.map(shortened))
        }
    }

    private func shortened(_ line: String) -> String {
        line.split(separator: path + "/", omittingEmptySubsequences: false).joined()
    }
}

/// What came of loading a file.
struct Loading {
    var configuration: Configuration?
    var mistakes: [String] = []
    var warnings: [String] = []
}
