import BridgeCore
import Testing

@Suite("Changes of the settings that come one behind the other")
struct RestartTests {
    private let redial = Restart(repair: .dial, keepsPort: true)
    private let otherPort = Restart(repair: .reset, keepsPort: false)

    @Test("one alone takes what it takes")
    func alone() {
        #expect(redial.after(nil) == redial)
    }

    @Test("behind one that is not in force yet it takes what both take")
    func together() {
        #expect(redial.after(otherPort) == otherPort)
        #expect(otherPort.after(redial) == otherPort)
        #expect(Restart(repair: .join, keepsPort: true).after(redial) == Restart(repair: .join, keepsPort: true))
    }
}
