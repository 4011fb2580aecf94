import ArgumentParser
import TOMLKit

@main
struct Espbridged: ParsableCommand {
    mutating func run() {}
}
