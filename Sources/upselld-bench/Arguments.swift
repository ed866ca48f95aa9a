internal import Foundation
internal import UpsellConfiguration

/// Reads the arguments and runs one benchmark.
func runBenchmark() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    if arguments == ["decode"] { return decodeBenchmark() }
    func take(_ name: String) -> String? {
        guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
        let value = arguments[index + 1]
        arguments.removeSubrange(index...index + 1)
        return value
    }
    let brokers = take("--brokers") ?? ProcessInfo.processInfo.environment["UPSELLD_TEST_BROKERS"]
    let command = arguments.first.flatMap { ["fill", "restore"].contains($0) ? $0 : nil }
    if command != nil { arguments.removeFirst() }
    var rate = RateBenchmark(brokers: brokers ?? "")
    var restore = RestoreBenchmark(brokers: brokers ?? "")
    let number = { (name: String) in take(name).flatMap { Int($0) } }
    if let events = number("--events") { (rate.events, restore.events) = (events, events) }
    if let accounts = number("--accounts") { (rate.accounts, restore.accounts) = (accounts, accounts) }
    if let partitions = number("--partitions") { (rate.partitions, restore.partitions) = (partitions, partitions) }
    rate.rounds = number("--rounds") ?? rate.rounds
    restore.run = take("--run") ?? restore.run
    while let pair = take("--set") {
        let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
        if parts.count == 2 { rate.kafka.append(KafkaSetting(name: parts[0], value: parts[1], place: "--set")) }
    }
    guard brokers != nil, arguments.isEmpty, rate.events >= rate.accounts, rate.rounds > 0 else {
        say(
            """
            usage: upselld-bench decode
                   upselld-bench --brokers HOST:PORT [--events N] [--accounts N] [--partitions N] [--rounds N] \
                                 [--set KEY=VALUE]
                   upselld-bench fill|restore --brokers HOST:PORT [--run NAME] [--events N] [--accounts N] \
                                 [--partitions N]
            """
        )
        exit(64)
    }
    do {
        switch command {
        case "fill": try restore.fill()
        case "restore": try restore.restore()
        default: try rate()
        }
    } catch {
        say("failed: \(error)")
        exit(70)
    }
}

/// Writes a line at once, also into a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
