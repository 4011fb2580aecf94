/// Lines of a serial port that a program may assert and release.
public struct ModemLines: OptionSet, Hashable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let dtr = ModemLines(rawValue: 1)
    public static let rts = ModemLines(rawValue: 2)
}

extension Configuration.Serial.ResetLine {
    /// The line itself.
    public var line: ModemLines {
        switch self {
        case .none: []
        case .dtr: .dtr
        case .rts: .rts
        }
    }

    /// What has to be released as soon as the port is open.
    ///
    /// Linux asserts DTR and RTS on opening (tty_port_raise_dtr_rts), which would hold the module in reset from then on.
    /// Boards with two transistors (NodeMCU) pull the reset pin only while RTS is asserted and DTR is not, and GPIO0 the
    /// other way round: there both have to be released, and in one operation. With RTS/CTS the driver has RTS.
    public func releasedOnOpening(hardwareFlowControl: Bool) -> ModemLines {
        guard self != .none else { return [] }
        return hardwareFlowControl ? .dtr : [.dtr, .rts]
    }
}
