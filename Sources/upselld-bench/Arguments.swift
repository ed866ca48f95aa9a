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
    if arguments.first == "engine" { return runEngineBenchmark(&arguments) }
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
                   upselld-bench engine [--accounts N] [--events N] [--days N] [--rounds N] [--config FILE \
                                 [--set KEY=VALUE]]
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

/// The engine alone: no broker.
private func runEngineBenchmark(_ arguments: inout [String]) {
    var engine = EngineBenchmark()
    arguments.removeFirst()
    func take(_ name: String) -> String? {
        guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
        let value = arguments[index + 1]
        arguments.removeSubrange(index...index + 1)
        return value
    }
    engine.accounts = take("--accounts").flatMap { Int($0) } ?? engine.accounts
    engine.events = take("--events").flatMap { Int($0) } ?? engine.events
    engine.days = take("--days").flatMap { Int64($0) } ?? engine.days
    engine.rounds = take("--rounds").flatMap { Int($0) } ?? engine.rounds
    engine.configuration = take("--config")
    while let pair = take("--set") {
        let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
        if parts.count == 2 { engine.overrides.append((parts[0], parts[1])) }
    }
    guard arguments.isEmpty, engine.accounts > 0, engine.events > 0, engine.rounds > 0, engine.days > 0 else {
        say(
            "usage: upselld-bench engine [--accounts N] [--events N] [--days N] [--rounds N] "
                + "[--config FILE [--set KEY=VALUE]]")
        exit(64)
    }
    do {
        try engine()
    } catch {
        say("failed: \(error)")
        exit(70)
    }
}

/// Writes a line at once, also into a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
