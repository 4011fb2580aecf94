import Glibc

/// Finds the adapter again when its number has changed.
///
/// `/dev/ttyUSB0` goes to whichever adapter comes first; udev also keeps a name in `/dev/serial/by-id` that belongs to
/// the adapter. That name is noted when the configured path is first opened, and is looked for from then on.
struct PortFinder {
    /// What the configuration says.
    let path: String
    /// Where udev keeps the adapters' own names.
    let folder: String
    /// The adapter's own name, once it is known.
    private(set) var byID: String?

    init(path: String, folder: String = "/dev/serial/by-id") {
        self.path = path
        self.folder = folder
    }

    /// What to open now: the adapter under its own name when that is there, else the configured path.
    var present: String {
        guard let byID, access(byID, F_OK) == 0 else { return path }
        return byID
    }

    /// The port at ``present`` was opened: notes its adapter's own name.
    mutating func opened() {
        guard byID == nil || access(byID ?? "", F_OK) != 0 else { return }
        byID = Folder.names(in: folder).sorted().map { "\(folder)/\($0)" }.first { Self.areSame($0, path) }
    }

    private static func areSame(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino && first.st_rdev == second.st_rdev
    }
}
