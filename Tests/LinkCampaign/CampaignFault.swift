import BridgeCore
import ModemSimulator

/// One kind of trouble, with random values.
struct CampaignFault: Sendable {
    /// The line that begins it.
    var begins: @Sendable (inout SeededGenerator) -> String
    /// The lines that end it; none for what happens once.
    var ends: [String] = []
    var longest = Duration.zero
    /// It strikes at the next occasion, not at once.
    var isLatent = false
    var damagesBytes = false

    private static func once(_ line: String) -> CampaignFault { CampaignFault(begins: { _ in line }) }

    private static func latent(_ line: String) -> CampaignFault {
        CampaignFault(begins: { _ in line }, isLatent: true)
    }

    private static func window(_ begin: String, _ ends: String..., upTo seconds: Int) -> CampaignFault {
        CampaignFault(begins: { _ in begin }, ends: ends, longest: .seconds(seconds))
    }

    private static func drawn(
        _ range: ClosedRange<Int>, ends: [String] = [], upTo seconds: Int = 0, isLatent: Bool = false,
        damages: Bool = false, _ line: @escaping @Sendable (Int) -> String
    ) -> CampaignFault {
        CampaignFault(
            begins: { line(Int.random(in: range, using: &$0)) }, ends: ends, longest: .seconds(seconds),
            isLatent: isLatent, damagesBytes: damages)
    }

    static let all: [CampaignFault] = line + firmware + network + cloud

    /// The serial line and the adapter.
    private static let line: [CampaignFault] = [
        drawn(1...600) { "modem garbage \($0)" },
        drawn(20...3000, ends: ["modem noise 0"], upTo: 300, damages: true) { "modem noise \($0)" },
        drawn(1...64, isLatent: true, damages: true) { "modem lose-sent \($0)" },
        drawn(1...16, isLatent: true, damages: true) { "modem lose-received \($0)" },
        window("modem hangup", "modem replug", upTo: 120),
        CampaignFault(begins: { "modem speed \([9600, 57_600, 230_400, 921_600].randomElement(using: &$0) ?? 9600)" }),
        once("modem stuck-cts"),
        window("modem mute on", "modem mute off", upTo: 300),
    ]

    /// The module and its manners.
    private static let firmware: [CampaignFault] = [
        once("modem reset"),
        drawn(2...12, upTo: 120) { "modem brownout \($0) 8" },
        once("modem echo"),
        // Its three bytes are payload when the module is not idle just then.
        CampaignFault(begins: { _ in "modem escape" }, damagesBytes: true),
        once("modem saved-link 192.0.2.1 1883"),
        window("modem rejoin off", "modem rejoin on", upTo: 300),
        window("modem heap", "modem hangup", "modem replug", upTo: 200),
        latent("modem one-behind"), latent("modem stuck-busy"), latent("modem busy-joining"),
        latent("modem first-error"), latent("modem crash-on-close"), latent("modem miss-escape"),
        latent("modem refuse-dial"),
        drawn(1...40, isLatent: true) { "modem late-ok \(Double($0) / 10)" },
        latent(#"modem interject WIFI DISCONNECT\r\n"#), latent(#"modem interject CLOSED\r\n"#),
        latent(#"modem interject WIFI GOT IP\r\n"#), latent(#"modem interject \r\nbusy p...\r\n"#),
        latent(#"modem lose-text OK\r\n"#), latent(#"modem lose-text \r\nready\r\n"#),
        latent(#"modem lose-text CONNECT\r\n"#), latent("modem lose-text >"), latent("modem lose-text STAIP"),
    ]

    /// Radio and network.
    private static let network: [CampaignFault] = [
        once("modem drop"),
        drawn(1...90, upTo: 90) { "modem drop-hold \($0)" },
        window("modem network down", "modem network up", upTo: 300),
        window("modem ap down", "modem ap up", upTo: 300),
        window("modem ap refuse", "modem ap accept", upTo: 300),
        window("modem dhcp off", "modem dhcp on", upTo: 300),
        window("modem password changed1", "modem password 12345678", upTo: 300),
        drawn(1...40, ends: ["modem loss 0"], upTo: 300) { "modem loss \($0)" },
        drawn(500...3000, ends: ["modem rtt 40-90"], upTo: 300) { "modem rtt \($0)-\($0 + 500)" },
        window("peer refuses", "peer accepts", upTo: 300),
        window("peer ignores", "peer accepts", upTo: 300),
    ]

    private static let cloud: [CampaignFault] = [
        once("cloud kick"),
        window("cloud silent on", "cloud silent off", upTo: 300),
        drawn(1...5, ends: ["cloud accept"], upTo: 300) { "cloud refuse \($0)" },
        drawn(100...4000, ends: ["cloud delay 0"], upTo: 300) { "cloud delay \($0)" },
        drawn(1...7, ends: ["cloud split 0"], upTo: 300) { "cloud split \($0)" },
        once(#"cloud property-set {"level":1}"#), once(#"cloud service reboot {}"#),
        once(#"cloud rrpc {"q":1}"#),
    ]
}
