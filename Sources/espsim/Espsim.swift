import ArgumentParser

@main
struct Espsim: ParsableCommand {
    mutating func run() {}
}
