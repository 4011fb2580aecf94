/// The faults of this firmware family that users have reported, by number, each with an order that shows it.
public enum FaultCatalogue {
    /// One fault.
    public struct Entry: Equatable, Sendable {
        /// `F1` to `F23`.
        public let name: String
        /// The line of a scenario or of the control socket, with usual values.
        public let order: String
        /// What is seen.
        public let effect: String
    }

    public static let entries = [
        Entry("F1", "reset", "boot garbage and `ready` at any time, in the middle of transparent data too"),
        Entry("F2", "drop", "in transparent mode TCP is dialled anew without a word"),
        Entry("F3", "lose-sent 16", "contiguous bytes of the host do not reach the network"),
        Entry("F4", "lose-received 1", "bytes of the network do not reach the host; `+IPD` is short"),
        Entry("F5", "one-behind", "`busy p...` for a command that is carried out all the same: replies are one behind"),
        Entry("F6", "stuck-busy", "`busy p...` without end, until a reset"),
        Entry("F7", "send-ok fail-first", "`SEND FAIL` and then `SEND OK`; or it is lost, or late"),
        Entry("F8", #"interject 0,CONNECT\r\n"#, "an asynchronous text in the middle of an echo or reply"),
        Entry("F9", "refuse-dial", "AT+CIPSTART: `ERROR`, and `CLOSED` behind it"),
        Entry("F10", "closed-early", "`CLOSED` before the last data, and glued to them"),
        Entry("F11", "lose-notification", "passive receive without its notification"),
        Entry("F12", "late-ok 1.5", "`OK` long after the result line"),
        Entry("F13", "crash-on-close", "AT+CIPCLOSE crashes the firmware"),
        Entry("F14", "rejoin off", "the module does not join again until it is restarted"),
        Entry("F15", #"lose-text WIFI DISCONNECT\r\n"#, "the access point is lost without `WIFI DISCONNECT`"),
        Entry("F16", "heap", "no memory: no reply at all until the supply is cut"),
        Entry("F17", "speed 9600", "the module runs at another, saved speed"),
        Entry("F18", "stuck-cts", "saved flow control with CTS open: the module is mute"),
        Entry("F19", "escape", "transparent mode is left by accident; `miss-escape`: a `+++` is missed"),
        Entry("F20", "echo", "echo is back, and mixed with replies"),
        Entry("F21", "saved-link 192.0.2.1 1883", "the module is in transparent mode at start"),
        Entry("F22", "busy-joining", "texts and `busy p...` of a join by itself before the first command"),
        Entry("F23", "first-error", "the first command after a boot is answered ERROR"),
    ]

    static func entry(_ name: String) -> Entry? { entries.first { $0.name == name.uppercased() } }
}

extension FaultCatalogue.Entry {
    fileprivate init(_ name: String, _ order: String, _ effect: String) {
        self.init(name: name, order: order, effect: effect)
    }
}
