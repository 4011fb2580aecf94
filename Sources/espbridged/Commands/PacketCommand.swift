import ArgumentParser
import BridgeCore

/// `espbridged packet`: MQTT bytes, read and made by hand.
struct PacketCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packet",
        abstract: "Explain MQTT 3.1.1 bytes field by field, or make them.",
        subcommands: [PacketDecodeCommand.self, PacketEncodeCommand.self])
}

/// `espbridged packet decode`.
struct PacketDecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Explain MQTT bytes field by field.",
        discussion: """
            The bytes are pairs of hexadecimal digits, with or without blanks, line ends, commas, colons or 0x between \
            them; several packets may follow one another. Passwords are not shown. Exit status: 0 when all is right, \
            1 when a packet is wrong or not complete, 65 when the text is not hexadecimal.
            """)

    @Flag(help: "Print one JSON array with an object for each packet.")
    var json = false

    @Argument(help: "The bytes; standard input when there are none, or for -.")
    var hex: [String] = []

    func run() throws {
        let isGiven = !hex.isEmpty && hex != ["-"]
        let text =
            try isGiven ? hex.joined(separator: " ") : String(decoding: Standard.contents(of: "-"), as: UTF8.self)
        guard let bytes = HexText.bytes(text) else {
            throw Failure.data("the bytes are not hexadecimal: expected pairs of digits such as C0 00")
        }
        guard !bytes.isEmpty else { throw Failure.data("there are no bytes to explain") }
        let explanation = PacketExplanation(of: bytes)
        Standard.say(json ? explanation.json.serialized : explanation.lines.joined(separator: "\n"))
        if !explanation.isFlawless { throw Failure.no }
    }
}
