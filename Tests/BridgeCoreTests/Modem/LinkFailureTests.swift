import Testing

@testable import BridgeCore

@Suite struct LinkFailureTests {
    static let all: [LinkFailure] =
        [
            .settingsChanged, .portMissing(path: "/dev/ttyUSB0"),
            .portNotPermitted(path: "/dev/ttyUSB0", group: "dialout"),
            .portNotPermitted(path: "/dev/ttyUSB0", group: nil),
            .portHeld(path: "/dev/ttyUSB0", holders: ["minicom[4711]"]),
            .portHeld(path: "/dev/ttyUSB0", holders: []), .portNotATerminal(path: "/dev/null"),
            .portUnusable(path: "/dev/ttyUSB0", detail: "no speed 12345"), .portLost(path: "/dev/ttyUSB0"),
            .modemSilent, .modemGarbled, .modemBusy, .noReady, .modemRestarted(during: .joining),
            .commandFailed(command: "AT+CWMODE=1", reply: "ERROR"), .commandTimedOut(command: "AT+GMR"),
            .firmwareUnsupported(version: "0.51"), .wrongPassword(ssid: "workshop"),
            .noSuchAccessPoint(ssid: "workshop"), .joinTimedOut(ssid: "workshop"),
            .joinFailed(ssid: "workshop", code: 4), .joinFailed(ssid: "workshop", code: nil),
            .noAddress(ssid: "workshop"), .accessPointLost(ssid: "workshop"), .nameNotResolved(host: "h.example"),
            .connectionRefused(host: "h.example", port: 1883), .hostUnreachable(host: "h.example", port: 1883),
            .addressLost, .closedWhileDialling(host: "h.example", port: 1883),
            .transparentModeRefused(reply: "ERROR"), .connectionClosed, .sendFailed(reply: "SEND FAIL"),
            .bytesLost(fromModem: true), .bytesLost(fromModem: false), .noConnectAcknowledgement,
            .noSubscribeAcknowledgement,
            .pingTimedOut, .publishTimedOut, .protocolViolation(detail: "reserved type 15"),
            .modemRestartedOnline,
        ] + ConnectReturnCode.allCases.map(LinkFailure.refused)

    @Test(arguments: all)
    func speaksInASentence(_ failure: LinkFailure) {
        #expect(failure.word.allSatisfy { $0 == "-" || $0.isLowercase })
        for sentence in [failure.description, failure.advice] {
            #expect(sentence.hasSuffix("."))
            #expect(sentence.first?.isUppercase == true || sentence.hasPrefix("h.example") || sentence.hasPrefix("\""))
            #expect(!sentence.contains("Optional("))
        }
    }

    @Test func wordsDiffer() {
        #expect(Set(Self.all.map(\.word)).count == Self.all.count - 4)
    }

    @Test(
        arguments: [
            (.wrongPassword(ssid: "w"), .needsPerson, .join),
            (.firmwareUnsupported(version: "0.9"), .needsPerson, .reset),
            (.portNotPermitted(path: "p", group: nil), .needsPerson, .reopen),
            (.portNotATerminal(path: "p"), .needsPerson, .reopen),
            (.refused(.unacceptableProtocolVersion), .needsPerson, .dial),
            (.refused(.identifierRejected), .needsPerson, .dial),
            (.refused(.serverUnavailable), .backOff, .dial),
            (.refused(.badUserNameOrPassword), .needsPerson, .dial),
            (.refused(.notAuthorized), .needsPerson, .dial),
            (.pingTimedOut, .atOnce, .dial), (.publishTimedOut, .atOnce, .dial),
            (.protocolViolation(detail: ""), .atOnce, .dial),
            (.modemRestarted(during: .joining), .atOnce, .reset), (.modemRestartedOnline, .atOnce, .reset),
            (.modemSilent, .backOff, .reset), (.modemGarbled, .backOff, .reset), (.modemBusy, .backOff, .reset),
            (.noReady, .backOff, .reset), (.commandTimedOut(command: "AT"), .backOff, .reset),
            (.noAddress(ssid: "w"), .backOff, .join), (.accessPointLost(ssid: "w"), .backOff, .join),
            (.addressLost, .backOff, .join), (.noSuchAccessPoint(ssid: "w"), .backOff, .join),
            (.nameNotResolved(host: "h"), .backOff, .dial), (.connectionRefused(host: "h", port: 1), .backOff, .dial),
            (.noConnectAcknowledgement, .backOff, .dial),
            (.connectionClosed, .atOnce, .dial), (.sendFailed(reply: "ERROR"), .atOnce, .dial),
            (.bytesLost(fromModem: true), .atOnce, .dial), (.bytesLost(fromModem: false), .atOnce, .reset),
            (.portLost(path: "p"), .atOnce, .reopen), (.portHeld(path: "p", holders: []), .backOff, .reopen),
        ] as [(LinkFailure, Patience, Repair)])
    func hasAPolicy(failure: LinkFailure, patience: Patience, repair: Repair) {
        #expect(failure.patience == patience)
        #expect(failure.repair == repair)
    }

    @Test func adviceSaysWhatTheCloudMeans() {
        #expect(LinkFailure.refused(.identifierRejected).advice.contains("30 and 1200"))
        #expect(LinkFailure.refused(.badUserNameOrPassword).advice.contains("region"))
        #expect(LinkFailure.refused(.notAuthorized).advice.contains("disabled"))
        #expect(LinkFailure.noConnectAcknowledgement.advice.contains("plain TCP"))
        #expect(LinkFailure.portNotPermitted(path: "p", group: "dialout").advice.contains("dialout"))
    }
}
