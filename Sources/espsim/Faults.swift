import ArgumentParser
import ModemSimulator

struct Faults: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the faults of the catalogue, the orders, and how a scenario is written.")

    func run() throws {
        printNow("The catalogue: faults that users of this firmware have reported.\n")
        for entry in FaultCatalogue.entries {
            printNow("  \(pad(entry.name, 4)) \(pad(entry.order, 30)) \(entry.effect)")
        }
        printNow("\nOrders, for the control socket and for scenarios:\n")
        for line in ModemOrder.help.split(separator: "\n") { printNow("  \(line)") }
        printNow(
            """

            A scenario is a file of lines, each a trigger and an order; # begins a remark:

              at 2.5s ORDER                       once, so long after the start
              every 30s ORDER                     again and again
              after 5 commands ORDER              behind the fifth command line of the host
              every 20000 sent ORDER              at each 20,000th byte of the host
              after 100 received ORDER            behind the hundredth byte for the host
              when host "AT+CIPSTART" ORDER       when the host has said this, once
              whenever module "CONNECT" ORDER     each time the module has said this
            """)
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
