import BridgeCore
import Testing

@Suite("Secrets")
struct SecretTests {
    @Test("nothing that prints a secret shows it")
    func masked() {
        let secret = Secret("canary")
        var dumped = ""
        dump(secret, to: &dumped)
        dump([secret], to: &dumped)
        for text in ["\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", dumped] {
            #expect(!text.contains("canary"))
            #expect(text.contains("•••"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("its length is not shown either")
    func length() {
        #expect("\(Secret("a"))" == "\(Secret("abcdefghijklmnop"))")
    }

    @Test("a configuration shows none of its secrets")
    func configuration() {
        var configuration = Configuration()
        configuration.wifi.password = Secret("canary-1")
        configuration.aliyun = .init()
        configuration.aliyun?.deviceSecret = Secret("canary-2")
        configuration.broker = .init()
        configuration.broker?.password = Secret("canary-3")
        var text = "\(configuration)" + String(reflecting: configuration)
        dump(configuration, to: &text)
        #expect(!text.contains("canary"))
    }
}
