import BridgeCore

/// What one firmware says and does; the rest of the machine is common to the dialects.
///
/// Sources: "ESP8266 AT Instruction Set" V3.0.1 (Espressif 2019); the constants of libat.a in
/// ESP8266_NONOS_SDK v3.0.5.
struct Firmware: Sendable {
    /// The lines of AT+GMR before `OK`.
    var version: String
    /// Longer command lines are dropped without a word.
    var lineLimit: Int
    /// Most bytes of one AT+CIPSEND=<n>.
    var sendLimit = 2048
    /// Pause between two dials in transparent mode.
    var redialPause = Duration.milliseconds(100)
    var synRetry = Duration.seconds(1)
    /// SYN and three retransmissions with a time-out of 1 s.
    var dialLimit = Duration.milliseconds(3100)
    /// Three retransmissions of data without an acknowledgement.
    var dataLimit = Duration.milliseconds(6400)
    /// Four questions to one name server without an answer.
    var lookupLimit = Duration.seconds(7)
    /// Looks at the station's state before AT+CWJAP gives up.
    var joinPolls = 14
    /// Five DHCP DISCOVER without an answer.
    var addressLimit = Duration.seconds(30)
    /// Bytes of one `+IPD`, a TCP segment.
    var segmentSize = 1460

    /// NonOS AT 1.7.5, October 2021.
    static let nonOS17 = Firmware(
        version: """
            AT version:1.7.5.0(Oct  9 2021 09:26:04)\r\n\
            SDK version:3.0.5(b29dcd3)\r\n\
            compile time:Oct 15 2021 18:05:30\r\n\
            Bin version(Wroom 02):1.7.5\r\n
            """,
        lineLimit: 256)
}
