import Testing

@testable import BridgeCore

/// The runner on its own: event gives action.
@Suite struct ChatTests {
    static let start = Moment(nanoseconds: 1_000_000_000)
    static let dial = ATCommand("AT+CIPSTART=\"TCP\",\"10.0.0.1\",1883")

    static func after(_ milliseconds: Int) -> Moment { start + .milliseconds(milliseconds) }

    /// A chat in the middle of AT+CIPSTART.
    static func dialling() -> Chat {
        var chat = Chat(.dialling(ssid: "workshop", host: "10.0.0.1", port: 1883, command: dial, mode: .transparent))
        #expect(chat.begun(now: start) == [.say(.command(.singleLink))])
        #expect(chat.received(.line(ATLine("OK")), now: start) == [.say(.command(dial))])
        return chat
    }

    @Test func anErrorLingersForALateClosed() {
        var chat = Self.dialling()
        #expect(chat.received(.line(ATLine("ERROR")), now: Self.after(50)) == [])
        #expect(chat.deadline == Self.after(350))
        #expect(chat.timerFired(now: Self.after(349)) == [])
        let failure = LinkFailure.connectionRefused(host: "10.0.0.1", port: 1883)
        #expect(chat.timerFired(now: Self.after(350)) == [.failed(failure)])
        #expect(chat.deadline == nil)
    }

    @Test func theLateClosedEndsTheWait() {
        var chat = Self.dialling()
        #expect(chat.received(.line(ATLine("ERROR")), now: Self.after(3100)) == [])
        let failure = LinkFailure.hostUnreachable(host: "10.0.0.1", port: 1883)
        #expect(chat.received(.line(ATLine("CLOSED")), now: Self.after(3150)) == [.failed(failure)])
    }

    @Test(arguments: [(2499, "refused"), (2500, "unreachable")])
    func timeTellsRefusedFromUnreachable(milliseconds: Int, word: String) throws {
        var chat = Self.dialling()
        _ = chat.received(.line(ATLine("ERROR")), now: Self.after(milliseconds))
        guard case .failed(let failure)? = chat.timerFired(now: Self.after(milliseconds + 300)).first else {
            Issue.record("no failure")
            return
        }
        #expect(failure.word == word)
    }

    @Test func furtherBusyDoesNotPutTheRepetitionOff() {
        var chat = Self.dialling()
        #expect(chat.received(.line(ATLine("busy p...")), now: Self.after(0)) == [])
        #expect(chat.received(.line(ATLine("busy p...")), now: Self.after(500)) == [])
        #expect(chat.deadline == Self.start + Chat.busyPause)
        #expect(chat.timerFired(now: Self.start + Chat.busyPause) == [.say(.command(Self.dial))])
    }

    @Test func lateAnswersToARepeatedCommandArePassedOver() {
        var chat = Chat(ChatScript.identifying(during: .resetting))
        #expect(chat.begun(now: Self.start) == [.say(.command(.echoOff))])
        #expect(chat.timerFired(now: Self.after(1000)) == [.say(.command(.echoOff))])
        #expect(chat.received(.line(ATLine("OK")), now: Self.after(1100)) == [])
        #expect(chat.received(.line(ATLine("OK")), now: Self.after(1200)) == [])
        #expect(chat.timerFired(now: Self.after(1400)) == [.say(.command(.version))])
    }

    /// A module that said busy once and then fell silent was asked for ever (found by campaign seeds 1239, 3687).
    @Test func silenceBehindBusyEnds() {
        var chat = Chat(ChatScript.identifying(during: .syncing))
        _ = chat.begun(now: Self.start)
        _ = chat.received(.line(ATLine("busy p...")), now: Self.start)
        var said = 0
        while let deadline = chat.deadline {
            guard chat.timerFired(now: deadline) == [.say(.command(.echoOff))] else { break }
            said += 1
        }
        #expect(said == 3)
        #expect(chat.deadline == nil)
    }

    @Test func anEarlyTimerDoesNothing() {
        var chat = Self.dialling()
        #expect(chat.timerFired(now: Self.after(19_999)) == [])
        #expect(chat.timerFired(now: Self.after(20_000)) == [.failed(.commandTimedOut(command: Self.dial.masked))])
        #expect(chat.timerFired(now: Self.after(90_000)) == [])
        #expect(chat.received(.line(ATLine("OK")), now: Self.after(90_000)) == [])
    }

    /// A reason line without ERROR behind it still says why nothing came.
    @Test func aClueCountsWhenNothingFollows() {
        var chat = Self.dialling()
        #expect(chat.received(.line(ATLine("DNS Fail")), now: Self.after(50)) == [])
        #expect(chat.timerFired(now: Self.after(20_000)) == [.failed(.nameNotResolved(host: "10.0.0.1"))])
    }
}
