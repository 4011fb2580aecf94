import Logging

/// The kinds of event an administrator may want to filter by: each has its own `MESSAGE_ID=`.
///
/// The identifiers are random (`systemd-id128 new`) and never change meaning: `journalctl
/// MESSAGE_ID=…` and the message catalog rest on them (systemd.journal-fields(7)).
public enum JournalEvent: String, CaseIterable, Sendable {
    case started = "0caf90550a7942faa9fe793bb8039fc2"
    case ready = "e23bf859c7dc4dc99d8110f52215c008"
    case stopping = "ec29e9ba6abd4b1481d4d78edc175a03"
    case stopped = "6e28f4bbd18b48b482fd0671f0a6c2ee"
    case reloaded = "faf6286b804b437d9a9f61b28cc40845"
    case configurationRejected = "4a856c1ecb30430082a7c60624f8a47c"
    case configurationRemark = "3679374da90a48c287861eaf9e3c74db"
    case linkClimbing = "ee1c3ea8beff43d7a4fad5304df2e52a"
    case linkOnline = "7a72bb7a6ee348f2ae110ea8cb7c2eb1"
    case linkLost = "a26a1cb57d124c088f895e1b39b46a78"
    case linkReason = "a015d4c3f4ba41a0b64bd89974f21c2f"
    case personNeeded = "fc8b468d498f4c4c82e3ac7298332382"
    case portTrouble = "857c26bd68704ca8a14327332c36beaa"
    case subscriptionRefused = "4bb0eb104d2a43bd941f9d12caf1117f"
    case subscriptionsChanged = "3e4ad37295db4e7c9d9e59fed95874c7"
    case cloudMessage = "cce5499cf8a54276a96bd63f2ecde4b7"
    case requestRefused = "5e9358723da7424e98fe678e2212632b"
    case clientDropped = "a339afd1037941f6b814f02aa0a443a0"
    case clientRefused = "acaeecf0b16049d19b0e0473b885254e"
    case captureBegan = "46a0203ec9f2405c8f5fb824a4c5f1a5"
    case outboxNotice = "56f8e85b4b784f878e79e933000743c7"
    case messageSetAside = "b2cce56348f640a3ac7389dd4814ba9d"
    case atDialogue = "9a6b255bfc044efd9417497941f12366"
    case mqttPacket = "4075ded59a9b4ac898c1f4b60c5bb457"

    /// The `MESSAGE_ID=` as metadata of a log line.
    public static let metadataKey = "message-id"
}

extension Logger {
    /// A line that carries the `MESSAGE_ID=` of its kind.
    public func event(
        _ event: JournalEvent, level: Logger.Level = .info, _ message: @autoclosure () -> String,
        _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        guard level >= logLevel else { return }
        var fields = metadata()
        fields[JournalEvent.metadataKey] = .string(event.rawValue)
        log(level: level, "\(message())", metadata: fields)
    }
}
