import BridgeCore

/// What one firmware says and does; the rest of the machine is common to the dialects.
///
/// Sources: "ESP8266 AT Instruction Set" V3.0.1 (Espressif 2019) and the constants of libat.a in ESP8266_NONOS_SDK v2.0.0
/// and v3.0.5 for NonOS; "ESP-AT User Guide" 2.3 and libesp8266_at_core.a 2.3.0.0 for ESP-AT.
struct Firmware: Sendable {
    /// The lines of AT+GMR, with the `OK` after them.
    var version: String
    /// Names of the commands that exist, with `_CUR` and `_DEF`.
    var commands: Set<String>

    // MARK: The command line

    /// Longer command lines are not carried out.
    var lineLimit = 256
    /// NonOS drops a line that is too long without a word; ESP-AT answers ERROR.
    var refusesLongLines = false
    /// NonOS looks for `AT` anywhere in a line; ESP-AT wants it at the beginning.
    var findsHeadAnywhere = true
    /// ESP-AT echoes each byte as it comes; NonOS no LF, but CR LF at the end of a command, which makes `AT\r\r\n`.
    var echoesLineFeed = false
    /// NonOS tells the reason in a line before ERROR; ESP-AT tells it on another UART.
    var explainsErrors = true
    /// NonOS has a `busy s...` of its own while a payload is on its way.
    var saysBusySending = true
    var speeds = 110...4_608_000
    var mostSystemMessages = 3

    // MARK: Wi-Fi

    var wifiModes = 1...3
    /// Says `DHCP TIMEOUT` and leaves the network after ``addressLimit``.
    var givesUpOnAddresses = true
    /// Five DHCP DISCOVER without an answer.
    var addressLimit = Duration.seconds(30)
    /// Looks at the station's state before AT+CWJAP gives up; in ``ModemTiming/joinPoll``.
    var joinPolls = 14
    /// How many times ``ModemTiming/joinPoll`` pass before the first look, and between two.
    var joinPeriods = (first: 1, next: 1)
    /// The last word of a failed AT+CWJAP.
    var joinFailure = "FAIL"
    /// What AT+CWJAP? tells after the signal strength.
    var networkDetails = ""
    /// What AT+CWLAP tells after the frequency calibration: ciphers, 802.11 b, g and n, WPS.
    var scanDetails = ["4", "4", "7", "0"]
    /// Silences WIFI texts while CIPMODE is 1, in command mode too; ESP-AT does so only in transparent mode itself.
    var silencesWiFiByMode = true

    // MARK: Links

    /// Most bytes of one AT+CIPSEND=<n>.
    var sendLimit = 2048
    /// What follows the OK of AT+CIPSEND=<n>.
    var prompt = "> "
    var synRetry = Duration.seconds(1)
    /// SYN and three retransmissions with a time-out of 1 s.
    var dialLimit = Duration.milliseconds(3100)
    /// Three retransmissions of data without an acknowledgement.
    var dataLimit = Duration.milliseconds(6400)
    /// Four questions to one name server without an answer.
    var lookupLimit = Duration.seconds(7)
    /// Bytes of one `+IPD`, a TCP segment.
    var segmentSize = 1460
    /// Most bytes of one AT+CIPRECVDATA.
    var readLimit = 2048
    /// Bytes that a link keeps in passive receive before the peer has to wait.
    var receiveWindow = 2920
    /// NonOS forgets what was not read when the peer closes; ESP-AT says CLOSED only when all was read.
    var withholdsClosed = false
    /// Says CLOSED after the ERROR of a dial that failed: always, or now and then (ESP-AT, where it is not documented).
    var alwaysClosesFailedDial = true
    /// ESP-AT puts addresses into quotation marks in `+IPD` and `+CIPDOMAIN`, and text after names.
    var quotesAddresses = false
    /// The ESP-AT family: its own forms of AT+CWDHCP, AT+CIPSTATUS, AT+CIPRECVDATA, AT+PING and the like.
    var isESPAT = false

    // MARK: Transparent mode

    var packetSize = TransparentBuffer.capacity
    /// Bytes that are kept while a packet is in flight.
    var packetReserve = TransparentBuffer.capacity
    /// ESP-AT wants silence before `+++` in any case.
    var needsSilenceBeforeEscape = false
    /// NonOS says CLOSED after `+++` when the connection is lost.
    var tellsLossAfterEscape = true
}
