/// What it takes to put new settings into force.
public struct Restart: Equatable, Sendable {
    /// The step from which the link begins anew.
    public var repair: Repair
    /// Whether the port may stay open.
    public var keepsPort: Bool

    public init(repair: Repair, keepsPort: Bool) {
        self.repair = repair
        self.keepsPort = keepsPort
    }

    /// What it takes when `earlier` settings have not come into force yet, because the link is still being left.
    public func after(_ earlier: Restart?) -> Restart {
        guard let earlier else { return self }
        return Restart(repair: max(repair, earlier.repair), keepsPort: keepsPort && earlier.keepsPort)
    }
}
