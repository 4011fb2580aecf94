extension MQTTConnection {
    /// A sign of life is wanted now, whenever the next one is due.
    public mutating func probe(now: Moment) -> [Effect] {
        guard phase == .online, pings.isEmpty else { return [] }
        var effects: [Effect] = []
        ping(now: now, &effects)
        return effects
    }
}
