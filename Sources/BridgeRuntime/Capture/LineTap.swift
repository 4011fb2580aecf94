import BridgeCore
import NIOCore

/// Hears what goes over the serial line and over MQTT, for programs that record it; costs nothing while there are none.
///
/// Lives on the event loop. Each thing heard is a line of JSON for those programs, secrets masked.
final class LineTap {
    /// What must be shown nowhere.
    var secrets: [String] {
        didSet { if secrets != oldValue { recorder = nil } }
    }
    private var isWanted: () -> Bool = { false }
    private var tell: (_ line: [UInt8], _ isStream: Bool) -> Void = { _, _ in }
    private var recorder: LineRecorder?
    private var streamIsOpen = false

    init(secrets: [String]) { self.secrets = secrets }

    /// Says who records, and whether somebody does.
    func listen(
        while isWanted: @escaping () -> Bool, tell: @escaping (_ line: [UInt8], _ isStream: Bool) -> Void
    ) {
        self.isWanted = isWanted
        self.tell = tell
    }

    // MARK: The serial line

    /// An attempt begins.
    func begun(_ repair: Repair) { note(.order("begin \(repair)")) }

    func sent(_ bytes: [UInt8], inDataMode: Bool) {
        record { $0.sent(bytes, inDataMode: inDataMode, now: .now) }
    }

    func received(_ buffer: ByteBuffer, inDataMode: Bool, isConfidential: Bool) {
        record {
            $0.received(
                Array(buffer.readableBytesView), inDataMode: inDataMode, isConfidential: isConfidential, now: .now)
        }
    }

    /// What came of it.
    func heard(_ report: AttemptReport) {
        switch report {
        case .climbed(let rung): note(.outcome("climbed \(rung.rawValue)"))
        case .failed(let failure): note(.outcome("failed \(failure.word)"))
        case .left: note(.outcome("left"))
        default: break
        }
    }

    private func note(_ entry: Transcript.Entry) { record { $0.noted(entry, now: .now) } }

    private func record(_ entries: (inout LineRecorder) -> [Transcript.Entry]) {
        guard isWanted() else {
            recorder = nil
            return
        }
        var current = recorder ?? LineRecorder(secrets: secrets)
        for entry in entries(&current) { tell(CaptureEvent.line(entry), false) }
        recorder = current
    }

    // MARK: MQTT

    /// The connection to the broker stands.
    func streamOpened() {
        streamIsOpen = true
        if isWanted() { tell(CaptureEvent.stream(.opened, at: .now), true) }
    }

    /// Bytes of the connection to the broker; those that are sent come masked (``ConnectMask``).
    func stream(_ bytes: [UInt8], sent: Bool) {
        guard isWanted() else { return }
        tell(CaptureEvent.stream(sent ? .sent(bytes) : .received(bytes), at: .now), true)
    }

    func streamClosed() {
        guard streamIsOpen else { return }
        streamIsOpen = false
        if isWanted() { tell(CaptureEvent.stream(.closed, at: .now), true) }
    }
}
