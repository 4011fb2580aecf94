import BridgeCore
import Testing

@testable import ModemSimulator

/// Orders at a time, at a count, and when a text is seen.
@Suite("Scenarios")
struct ScenarioTests {
    @Test("the lines of a scenario")
    func parses() throws {
        let scenario = try Scenario(
            parsing: """
                # a bad day

                  at 2.5s drop  # with a remark
                every 300ms garbage 3
                after 5 commands one-behind
                every 20000 sent lose-sent 7
                when host "AT+CIP #START" refuse-dial
                whenever module "CONNECT" F1
                """)
        #expect(
            scenario.entries == [
                .init(.at(.milliseconds(2500)), .fault(.dropped)),
                .init(.every(.milliseconds(300)), .fault(.garbage(3))),
                .init(.count(.commands, 5, isRepeated: false), .line(.oneBehind)),
                .init(.count(.sent, 20_000, isRepeated: true), .line(.losesFromHost(7))),
                .init(.text(.host, Array("AT+CIP #START".utf8), isRepeated: false), .line(.refusesDial)),
                .init(.text(.module, Array("CONNECT".utf8), isRepeated: true), .fault(.restarted)),
            ])
    }

    @Test(
        "a mistake is told with its line",
        arguments: [
            "at 2 drop", "at 2s", "at 2s fly", "every 0s drop", "after 0 commands drop", "after 3 sheep drop",
            "when AT drop", "when host \"\" drop", "when nobody \"AT\" drop", "drop", "at -1s drop", "at 1e99s drop",
        ])
    func mistakes(line: String) {
        #expect(throws: Scenario.ParseError(line: 2, text: line)) { try Scenario(parsing: "# \n\(line)\n") }
    }

    @Test(
        "orders that are not understood",
        arguments: [
            "", "fly", "drop 3", "loss 101", "rtt 5-2", "garbage -1", "F24", "F1 2", "interject \\q",
            "saved-link broker", "brownout 0 5", "speed 5",
        ])
    func refused(order: String) { #expect(ModemOrder(line: order) == nil) }

    @Test("at a time, counted from the start")
    func time() throws {
        var client = NaiveClient(scenario: try Scenario(parsing: "at 10s reset"))
        _ = client.ask("ATE0")
        #expect(client.wait(.seconds(7)).isEmpty)
        #expect(client.wait(.seconds(3)).hasSuffix("ready\r\n"))
        #expect(client.wait(.seconds(3_600)).isEmpty)
    }

    @Test("again and again")
    func period() throws {
        var client = NaiveClient(scenario: try Scenario(parsing: "every 60s reset"))
        let heard = client.wait(.seconds(3_600))
        #expect(heard.components(separatedBy: "ready\r\n").count == 61)
    }

    @Test("at the third command; the fourth is as usual")
    func commands() throws {
        var client = NaiveClient(scenario: try Scenario(parsing: "after 3 commands reset"))
        _ = client.ask("ATE0")
        #expect(client.ask("AT") == "\r\nOK\r\n")
        #expect(client.ask("AT").hasSuffix("ready\r\n"))
        #expect(client.ask("ATE0").hasSuffix("\r\nOK\r\n"))
    }

    @Test("at a byte: what came before it has reached the module, what comes after meets the fault")
    func bytes() throws {
        var client = NaiveClient.transparent()
        client.line.add(try #require(Scenario.Entry(line: "after 1000 sent lose-sent 300")))
        client.line.send(String(repeating: "a", count: 1000) + String(repeating: "b", count: 1000))
        _ = client.wait()
        #expect(client.arrived == String(repeating: "a", count: 1000) + String(repeating: "b", count: 700))
    }

    @Test("when a text is seen, in pieces and with a false start", arguments: [Scenario.Side.host, .module])
    func text(side: Scenario.Side) throws {
        let pattern = side == .host ? "ATE0" : "ROR"
        var client = NaiveClient(scenario: try Scenario(parsing: "when \(side.rawValue) \"\(pattern)\" reset"))
        client.line.send("ATAT")
        client.line.advance(by: .milliseconds(50))
        client.line.send("E0\r\n")
        #expect(client.wait().hasSuffix("ready\r\n"))
    }

    @Test("whenever: at each occurrence")
    func whenever() throws {
        var client = NaiveClient(scenario: try Scenario(parsing: "whenever host \"AT+GMR\" reset"))
        for _ in 0..<3 { #expect(client.ask("AT+GMR").hasSuffix("ready\r\n")) }
    }
}
