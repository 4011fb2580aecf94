// swift-tools-version: 6.2
import PackageDescription

/// Every target of this package: a warning is an error.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// For the long campaign, which needs an optimised build and no sockets: the simulator without NIO and TLS, whose release
/// build takes minutes (`scripts/campaign`).
let isForCampaign = Context.environment["ESPBRIDGED_CAMPAIGN"] != nil
let socketParts: [String] = ["Faces", "Control/ControlServer.swift", "Cloud/SimulatedCloud.swift"]
let socketDependencies: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]

let package = Package(
    name: "espbridged",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "espbridged", targets: ["espbridged"]),
        .executable(name: "espsim", targets: ["espsim"]),
        .library(name: "ModemSimulator", targets: ["ModemSimulator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Every decision, and nothing that touches the world: no clock, no descriptor, no task, no log.
        .target(
            name: "BridgeCore",
            dependencies: [
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        // Carries the decisions out.
        .target(
            name: "BridgeRuntime",
            dependencies: [
                "BridgeCore", "CSystemd",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: strict),
        // libsystemd, and the C macros that Swift cannot see.
        .target(
            name: "CSystemd",
            linkerSettings: [.linkedLibrary("systemd")]),
        .executableTarget(
            name: "espbridged",
            dependencies: [
                "BridgeCore", "BridgeRuntime",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            swiftSettings: strict),
        // A simulated ESP8266 and a small Aliyun cloud. Never uses the daemon's modem driver.
        .target(
            name: "ModemSimulator",
            dependencies: [
                "BridgeCore",
                .product(name: "Crypto", package: "swift-crypto"),
            ] + (isForCampaign ? [] : socketDependencies),
            exclude: isForCampaign ? socketParts : [],
            swiftSettings: strict),
        .executableTarget(
            name: "espsim",
            dependencies: [
                "BridgeCore",
                "ModemSimulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // The machines of the link against the simulator in virtual time, with faults at random moments.
        .target(
            name: "LinkCampaign",
            dependencies: ["BridgeCore", "ModemSimulator"],
            path: "Tests/LinkCampaign",
            swiftSettings: strict),
        .executableTarget(
            name: "link-campaign",
            dependencies: ["LinkCampaign"],
            path: "Tests/link-campaign",
            swiftSettings: strict),
        .testTarget(
            name: "LinkCampaignTests",
            dependencies: ["LinkCampaign"],
            swiftSettings: strict),
        // What several test targets need.
        .target(
            name: "TestSupport",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict),
        .testTarget(
            name: "BridgeCoreTests",
            dependencies: ["BridgeCore", "ModemSimulator", "TestSupport"],
            resources: [.copy("Fixtures")],
            swiftSettings: strict),
        .testTarget(
            name: "BridgeRuntimeTests",
            dependencies: [
                "BridgeRuntime", "TestSupport",
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ModemSimulatorTests",
            dependencies: ["ModemSimulator"],
            swiftSettings: strict),
        .testTarget(
            name: "EspbridgedTests",
            dependencies: ["BridgeCore", "TestSupport", "espbridged"],
            swiftSettings: strict),
        // The real programs, real brokers, a pseudo-terminal.
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["BridgeCore", "TestSupport", "espbridged", "espsim"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
