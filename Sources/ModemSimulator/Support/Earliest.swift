import BridgeCore

/// The earlier of two moments; a missing one is never.
///
/// The deadlines of the simulator's parts are asked for at each step of virtual time, so this makes no arrays.
func earliest(_ one: Moment?, _ other: Moment?) -> Moment? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
}

extension Sequence {
    /// The earliest of the moments of the elements.
    func earliest(_ moment: (Element) -> Moment) -> Moment? {
        reduce(nil) { ModemSimulator.earliest($0, moment($1)) }
    }
}
