import Foundation
import Testing

extension EndToEnd {
    @Suite("The commands, from outside", .serialized)
    struct Commands {
        /// A command's end: its exit status and all that it printed.
        private typealias End = (status: Int32, lines: [String])

        private func run(_ arguments: String..., input: String? = nil) throws -> End {
            try ChildProgram.run(Programs.espbridged, arguments, input: input)
        }

        /// A folder with one file, gone at the end of the test.
        private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
            let path = NSTemporaryDirectory() + "espbridged-command-" + UUID().uuidString.prefix(8)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            chmod(path, 0o600)
            defer { try? FileManager.default.removeItem(atPath: path) }
            try body(path)
        }

        // MARK: Documents that come one by one

        @Test("publish: what standard input has now is handed over now, whatever comes later", .timeLimit(.minutes(1)))
        func publishAsItComes() throws {
            let bench = try Workbench(.cloud)
            try bench.start()
            let gate = bench.socketPath + "-gate"
            mkfifo(gate, 0o600)
            let script = """
                { printf %s '{"method":"a.b"} {"meth'; read line <"$1"; echo 'od":"a.c"} oops'; echo '{"method":"a.d"}'; } \
                | "$2" publish --socket "$3"
                """
            let program = try ChildProgram(
                "/bin/sh", ["-c", script, "sh", gate, Programs.espbridged, bench.socketPath])
            try program.waitForLine("\"receipt\":1}")
            #expect(program.output.count == 1)
            _ = try ChildProgram.run("/bin/sh", ["-c", "echo >\"$1\"", "sh", gate])
            #expect(try program.waitForExit() == 1)
            let lines = program.output.sorted()
            #expect(lines.count == 4)
            #expect(lines.filter { $0.contains("queued") }.count == 3)
            #expect(lines.contains { $0.contains("standard input, byte ") && $0.contains("invalid-json") })
        }

        // MARK: A daemon that takes no more clients

        @Test("status, why and watch say why they are not served, exit 69", .timeLimit(.minutes(1)))
        func crowded() throws {
            let bench = try Workbench(.cloud)
            try bench.edit("[socket]", "[socket]\nmax_clients = 2")
            try bench.start()
            let clients = try (0..<2).map { _ in try bench.connect() }
            for client in clients { _ = try client.ask(#"{"bridge":"hello"}"#) }
            for command in [["status"], ["status", "--json"], ["why"], ["watch"], ["capture", "-"]] {
                let end = try ChildProgram.run(
                    Programs.espbridged, command + ["--socket", bench.socketPath], seconds: 20)
                #expect(end.status == 69, "\(command): \(end.lines)")
                #expect(end.lines.contains { $0.contains("there are 2 clients already") }, "\(command): \(end.lines)")
            }
        }

        // MARK: help and usage

        @Test(
            "--help and --version everywhere, exit 0",
            arguments: [
                [], ["run"], ["check"], ["status"], ["why"], ["doctor"], ["capture"], ["publish"], ["sign"], ["packet"],
                ["packet", "decode"],
                ["packet", "encode"], ["packet", "encode", "connect"], ["packet", "encode", "subscribe"],
                ["packet", "encode", "publish"], ["packet", "encode", "pingreq"], ["packet", "encode", "disconnect"],
            ])
        func help(command: [String]) throws {
            let help = try ChildProgram.run(Programs.espbridged, command + ["--help"])
            #expect(help.status == 0)
            #expect(help.lines.contains { $0.contains("USAGE: espbridged") })
            let version = try ChildProgram.run(Programs.espbridged, command + ["--version"])
            #expect(version.status == 0)
            #expect(version.lines.count == 1)
            #expect(version.lines.first?.wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
        }

        @Test(
            "--help and --version of the simulator, everywhere",
            arguments: [[], ["modem"], ["cloud"], ["play"], ["faults"]])
        func simulator(command: [String]) throws {
            let help = try ChildProgram.run(Programs.espsim, command + ["--help"])
            #expect(help.status == 0)
            #expect(help.lines.contains { $0.contains("USAGE: espsim") })
            let version = try ChildProgram.run(Programs.espsim, command + ["--version"])
            #expect(version.status == 0)
            #expect(version.lines == (try run("--version").lines))
        }

        @Test(
            "usage errors, exit 64",
            arguments: [
                ["nonsense"], ["--nonsense"], ["check", "--nonsense"], ["check", "superfluous"],
                ["status", "--socket"], ["publish", "--until", "somehow"], ["publish", "--timeout", "0"],
                ["publish", "--timeout", "soon"], ["sign"], ["sign", "--product-key", "pk"],
                ["sign", "--product-key", "pk", "--device-name", "device", "--method", "md4"],
                ["sign", "--product-key", "p k", "--device-name", "device"], ["packet", "encode", "nonsense"],
                ["packet", "encode", "connect"], ["packet", "encode", "publish"], ["packet", "encode", "subscribe"],
                ["packet", "encode", "publish", "--topic", "a/#"], ["packet", "encode", "publish", "--topic", ""],
                ["packet", "encode", "subscribe", "--filter", "a/#/b"],
                ["packet", "encode", "publish", "--topic", "a", "--qos", "3"],
                ["packet", "encode", "connect", "--client-id", "a", "--keep-alive", "65536"],
            ])
        func usage(arguments: [String]) throws {
            let end = try ChildProgram.run(Programs.espbridged, arguments)
            #expect(end.status == 64)
            #expect(!end.lines.isEmpty)
        }

        // MARK: check

        private static let valid = """
            [serial]
            device = "/dev/ttyUSB0"

            [wifi]
            ssid = "workshop"
            password = "canary-wifi"

            [aliyun]
            product_key = "a1B2c3D4e5F"
            device_name = "gateway-1"
            device_secret = "canary-device-secret-0123456789ab"
            """

        @Test("check: a valid file, exit 0")
        func validFile() throws {
            try withFile(Self.valid) { path in
                let end = try run("check", "--config", path)
                #expect(end.status == 0)
                #expect(end.lines == ["\(path) is valid"])
            }
        }

        @Test("check: every mistake with file, line and key, exit 78, no secret in it")
        func mistakes() throws {
            let text =
                Self.valid
                .replacingOccurrences(of: "\"canary-wifi\"", with: "\"canary\\u0007wifi-bell\"")
                .replacingOccurrences(of: "a1B2c3D4e5F", with: "a1 B2")
                .replacingOccurrences(of: "canary-device-secret-0123456789ab", with: "canary device\\u0000secret")
                + "\nregoin = \"cn-beijing\"\n\n[mqtt]\nkeep_alive = 20\nclean_session = \"yes\"\nqos = 2\n\n[sokcet]\n"
            try withFile(text) { path in
                let end = try run("check", "--config", path)
                #expect(end.status == 78)
                for place in [
                    "6: wifi.password:", "9: aliyun.product_key:", "11: aliyun.device_secret:", "12: aliyun.regoin:",
                    "15: mqtt.keep_alive:", "16: mqtt.clean_session:", "17: mqtt.qos:", "19: sokcet:",
                ] {
                    #expect(end.lines.contains { $0.hasPrefix("\(path):\(place) ") }, "\(place) in \(end.lines)")
                }
                #expect(end.lines.count == 8)
                #expect(!end.lines.joined().contains("canary"))
            }
        }

        @Test(
            "check: what is no TOML is said with its line, without quoting it",
            arguments: [
                "device_secret = \"canary-open", "device_secret = canary-bare", "[wifi]\npassword = \"canary\" canary",
            ])
        func notTOML(mistake: String) throws {
            try withFile("[serial]\ndevice = \"/dev/ttyUSB0\"\n\n" + mistake + "\n") { path in
                let end = try run("check", "--config", path)
                #expect(end.status == 78)
                #expect(
                    end.lines.first?.hasPrefix("\(path):\(mistake.hasPrefix("[") ? 5 : 4): ") == true, "\(end.lines)")
                #expect(!end.lines.joined().contains("canary"))
            }
        }

        @Test("check and run: a file that is not there, exit 78", arguments: ["check", "run"])
        func noFile(command: String) throws {
            let end = try run(command, "--config", "/nowhere/espbridged.conf")
            #expect(end.status == 78)
            #expect(end.lines.joined().contains("/nowhere/espbridged.conf: No such file"))
        }

        @Test("run: a file with mistakes, exit 78")
        func runWithMistakes() throws {
            try withFile(Self.valid + "\nqos = 1\n") { path in
                let end = try run("run", "--config", path)
                #expect(end.status == 78)
                #expect(end.lines.contains { $0.hasPrefix("\(path):12: aliyun.qos: ") })
            }
        }

        // MARK: sign

        private static let device = ["--product-key", "pk", "--device-name", "device", "--client-id", "12345"]

        @Test("sign: the platform's own example")
        func sign() throws {
            try withFile("secret\n") { path in
                let end = try ChildProgram.run(
                    Programs.espbridged,
                    ["sign"] + Self.device + ["--timestamp", "789", "--method", "hmacsha1", "--secret-file", path])
                #expect(end.status == 0)
                #expect(
                    end.lines == [
                        "host: pk.iot-as-mqtt.cn-shanghai.aliyuncs.com", "port: 1883",
                        "mqttClientId: 12345|securemode=3,signmethod=hmacsha1,timestamp=789|",
                        "mqttUsername: device&pk",
                        "mqttPassword: fafd82a3d602b37fb0fa8b7892f24a477f851a14",
                    ])
            }
        }

        @Test("sign: as JSON, secret from standard input")
        func signJSON() throws {
            let end = try ChildProgram.run(
                Programs.espbridged, ["sign", "--json", "--secret-file", "-", "--timestamp", "789"] + Self.device,
                input: "secret\n")
            #expect(end.status == 0)
            #expect(end.lines.count == 1)
            let object = try JSONSerialization.jsonObject(with: Data(end.lines.joined().utf8)) as? [String: Any]
            let answer = try #require(object)
            #expect(Set(answer.keys) == ["host", "port", "mqttClientId", "mqttUsername", "mqttPassword"])
            #expect(answer["port"] as? Int == 1883)
            #expect(answer["mqttPassword"] as? String == "fafd82a3d602b37fb0fa8b7892f24a477f851a14")
        }

        @Test("sign: a secret that cannot be read is 74")
        func signWithoutSecret() throws {
            let end = try ChildProgram.run(
                Programs.espbridged, ["sign", "--secret-file", "/nowhere/secret"] + Self.device)
            #expect(end.status == 74)
            #expect(end.lines.joined().contains("/nowhere/secret"))
        }
    }
}
