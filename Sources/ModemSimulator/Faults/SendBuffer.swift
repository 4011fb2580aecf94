/// The module's TCP send buffer: 2 segments of 1460 bytes in NonOS (ESP8266_NONOS_SDK, lwipopts.h) and in ESP-AT.
///
/// The firmware goes on when TCP has the bytes, not when the peer has them.
struct SendBuffer {
    static let size = 2920

    /// By connection: what is on its way, oldest first, and whether the module was told that TCP has it.
    private var onItsWay: [SimulatedModem.ConnectionID: [(count: Int, isTold: Bool)]] = [:]

    /// The module sends so many bytes, which arrive later; whether TCP has room for them now, and the module is to be
    /// told so.
    mutating func takes(_ count: Int, of id: SimulatedModem.ConnectionID) -> Bool {
        let before = onItsWay[id, default: []]
        let fits = before.reduce(count) { $0 + $1.count } <= Self.size
        onItsWay[id] = before + [(count, fits)]
        return fits
    }

    /// The oldest bytes have arrived; whether the module is to be told so.
    mutating func arrived(_ id: SimulatedModem.ConnectionID) -> Bool {
        guard let oldest = onItsWay[id]?.first else { return true }
        onItsWay[id]?.removeFirst()
        return !oldest.isTold
    }

    mutating func forget(_ id: SimulatedModem.ConnectionID) { onItsWay[id] = nil }
}
