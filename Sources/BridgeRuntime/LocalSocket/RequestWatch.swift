import BridgeCore

/// What is remembered of a request until its last line.
final class RequestWatch {
    let until: Until
    var identity: LocalAnswer.Identity
    var isPending = true
    var isWatched = false

    init(until: Until, identity: LocalAnswer.Identity) {
        self.until = until
        self.identity = identity
    }

    /// An estimate of the memory it takes.
    var bytes: Int { 256 + (identity.tag?.count ?? 0) }
}
