import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct PowerTests {
    @Test func restartSaysOKThenGarbageThenReady() {
        var bench = Bench()
        bench.send("AT+RST\r\n")
        let noise = BootNoise.heard(at: 115_200, cause: 2)
        #expect(bench.output == Array("\r\nOK\r\n".utf8) + noise)
        bench.output = []
        bench.send("AT\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nready\r\n")
        #expect(bench.ask("AT") == "AT\r\r\n\r\nOK\r\n")
    }

    @Test func resetForgetsWhatIsNotStored() {
        var bench = Bench.connected()
        let connection = bench.lastDial
        _ = bench.ask("AT+CIPMODE=1")
        bench.feed(.struck(.restarted))
        bench.wait(.seconds(1))
        #expect(bench.effects.contains(.abandon(connection)))
        _ = bench.ask("ATE0")
        #expect(bench.ask("AT+CIPMODE?") == "+CIPMODE:0\r\n\r\nOK\r\n")
        #expect(bench.ask("AT+CIPSTATUS") == "STATUS:5\r\n\r\nOK\r\n")
    }

    @Test func spontaneousResetStandsInTheStream() {
        var bench = Bench.transparent()
        bench.feed(.arrived(bench.lastDial, [0x30]))
        bench.feed(.struck(.restarted))
        bench.wait(.seconds(1))
        #expect(bench.output.first == 0x30)
        #expect(bench.heard().hasSuffix("\r\nready\r\n"))
    }

    @Test func restoreErasesTheFlash() {
        var bench = Bench(echo: true)
        _ = bench.ask("AT+CWJAP_DEF=\"workshop\",\"12345678\"")
        _ = bench.ask("AT+UART_DEF=9600,8,1,0,0")
        bench.effects = []
        _ = bench.ask("AT+RESTORE")
        #expect(bench.effects == [.setSpeed(baud: 115_200)])
        _ = bench.ask("ATE0")
        #expect(bench.ask("AT+CWMODE?") == "+CWMODE:2\r\n\r\nOK\r\n")
        bench.wait(.seconds(10))
        #expect(bench.heard() == "")
    }

    @Test func withoutSupplyNothingIsTakenOrSaid() {
        var bench = Bench.connected()
        bench.feed(.poweredOff)
        #expect(bench.ask("AT") == "")
        #expect(bench.modem.deadline == nil)
        bench.feed(.poweredOn)
        bench.wait(.seconds(1))
        #expect(bench.heard().hasSuffix("\r\nready\r\n"))
    }

    // MARK: Garbage

    @Test(arguments: [1, 2, 4])
    func bootTextIsLegibleAtTheSpeedOfTheROM(cause: Int) {
        let heard = BootNoise.heard(at: 74_880, cause: cause)
        #expect(
            String(decoding: heard, as: UTF8.self).hasPrefix("\r\n ets Jan  8 2013,rst cause:\(cause), boot mode:(3,6)")
        )
    }

    @Test func bootTextIsGarbageAtOtherSpeeds() {
        let heard = BootNoise.heard(at: 115_200, cause: 2)
        let text = BootNoise.text(cause: 2).utf8.count
        #expect((text / 2...text * 2).contains(heard.count))
        #expect(heard.contains { $0 >= 0x80 })
        #expect(!heard.contains(Array("ets Jan".utf8)))
    }

    @Test(arguments: [(9600, 9650), (115_200, 112_500), (74_880, 76_923)])
    func smallDifferenceOfSpeedDoesNotMatter(sending: Int, receiving: Int) {
        let bytes = (0...255).map { UInt8($0) }
        #expect(BootNoise.resample(bytes, from: sending, to: receiving) == bytes)
    }

    @Test func mutedModuleNeitherTakesNorSays() {
        var bench = Bench.connected()
        bench.feed(.struck(.muted(true)))
        #expect(bench.ask("AT+CIPMUX?") == "")
        bench.feed(.arrived(bench.lastDial, [1]))
        bench.feed(.struck(.muted(false)))
        #expect(bench.heard() == "")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }

    @Test func garbageHasItsLengthAndFollowsTheSeed() {
        func garbage(seed: UInt64) -> [UInt8] {
            var bench = Bench { $0.seed = seed }
            bench.feed(.struck(.garbage(40)))
            return bench.output
        }
        #expect(garbage(seed: 1).count == 40)
        #expect(garbage(seed: 1) == garbage(seed: 1))
        #expect(garbage(seed: 1) != garbage(seed: 2))
    }
}
