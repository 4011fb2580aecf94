import BridgeCore

/// What is broken between the module and its host: bytes on the line, and the firmware's manners.
///
/// Each stands for trouble that users of the AT firmware have reported. A fault is armed by ``FaultyModem`` and strikes
/// at the next occasion, once, unless its description says otherwise.
public enum LineFault: Equatable, Sendable {
    /// So many contiguous bytes of the next payload do not reach the module, as when its receive buffer runs over
    /// without flow control (espressif/esp-at issues 444, 455, 458).
    case losesFromHost(Int)
    /// So many bytes of the next payload do not reach the host: a short `+IPD`, or a gap in transparent mode
    /// (RT-Thread at_device issue 85).
    case losesToHost(Int)
    /// The next command is answered `busy p...`, and is carried out nevertheless: its reply comes later, to the wrong
    /// question (esp-at issue 731).
    case oneBehind
    /// Every line but `AT+RST` is answered `busy p...`, until a reset (esp-at issue 109).
    case staysBusy
    /// What happens to the next `SEND OK`.
    case sendOK(SendOKTrouble)
    /// Text in the middle of the next thing that the module says, an echo or a reply (ESP8266_NONOS_SDK issue 59).
    case interjects(String)
    /// The next dial is answered with RST: `ERROR`, and `CLOSED` after it.
    case refusesDial
    /// The next `+IPD` comes only after the `CLOSED` of its link, glued to it (ESP8266_NONOS_SDK issue 124).
    case closedEarly
    /// The next notification of passive receive, a `+IPD` without data, is left out (lwesp issue 46).
    case losesNotification
    /// The next `OK` comes late (ESP8266_NONOS_SDK issue 188: over a second).
    case lateOK(Duration)
    /// The next `AT+CIPCLOSE` crashes the firmware (WiFiEsp issue 29).
    case crashesOnClose
    /// The next occurrence of a text is left out, such as `WIFI DISCONNECT` (esp-at issue 184).
    case losesText(String)
    /// No memory is left: one line of it, then nothing until the supply is cut (ESP8266_NONOS_SDK issue 184).
    case heapExhausted
    /// Flow control was saved and CTS is not connected: nothing is said any more, over resets too, until AT+UART_DEF
    /// without flow control or AT+RESTORE.
    case transmitterStuck
    /// One of the three bytes of the next `+++` is lost: the module stays in transparent mode.
    case missesEscape
    /// The module leaves transparent mode although nobody asked, as after an accidental `+++`.
    case leavesDataMode
    /// While the module joins by itself after a boot, commands are answered `busy p...` (WiFiEspAT issue 115). Stays.
    case busyWhileJoining
    /// After the next boot, the first command is answered ERROR: a stray byte came before it.
    case firstCommandFails
    /// So many of a million bytes, in both directions, have one bit flipped. Stays until set to 0.
    case noise(perMillion: Int)

    /// What can happen to a `SEND OK`.
    public enum SendOKTrouble: String, Equatable, Sendable, CaseIterable {
        /// It never comes (esp-at issue 154).
        case lost
        /// It comes after 2.5 seconds, perhaps behind the reply to something else (mbed-os issue 11544).
        case late
        /// `SEND FAIL` comes first (ESP8266_NONOS_SDK issue 60).
        case failFirst = "fail-first"
    }
}
