internal import Foundation
internal import Synchronization

/// Real brokers on loopback, through the `kafka` tool.
final class KafkaCluster: Sendable {
    let brokers: Int
    let views: Int
    private let tool: String
    private let name: String
    private let directory: URL
    private let addresses = Mutex<[String: String]>([:])

    /// - Parameters:
    ///   - views: ways in for clients whose network is to be disturbed apart from the others'; 0 for none.
    ///   - settings: of the brokers, `name=value`.
    ///   - lifetimeSeconds: after which brokers end by themselves, whatever became of this command.
    init(
        tool: String, name: String, brokers: Int, views: Int, settings: [String], lifetimeSeconds: Int, directory: URL
    ) throws {
        self.tool = tool
        self.name = name
        self.brokers = brokers
        self.views = views
        self.directory = directory
        var arguments = ["start", "--brokers", "\(brokers)", "--views", "\(views)", "--ttl", "\(lifetimeSeconds)"]
        for setting in settings { arguments += ["--set", setting] }
        try start(arguments)
        var found: [String: String] = [:]
        for line in try run(["env"]).split(separator: "\n") {
            let words = line.replacingOccurrences(of: "export ", with: "").split(separator: "=", maxSplits: 1)
            if words.count == 2 { found[String(words[0])] = words[1].trimmingCharacters(in: ["\"", "'"]) }
        }
        guard found["UPSELLD_TEST_BROKERS"] != nil else { throw ChaosError("\(tool) env names no brokers") }
        addresses.withLock { $0 = found }
    }

    /// Another program may take a port between the tool's look and the broker's start.
    private func start(_ arguments: [String]) throws {
        for _ in 0..<2 {
            if (try? run(arguments)) != nil { return }
            stop()
        }
        _ = try run(arguments)
    }

    /// Address for undisturbed clients.
    var bootstrap: String { addresses.withLock { $0["UPSELLD_TEST_BROKERS"] ?? "" } }

    /// Address for the clients of a view, from 1; the undisturbed one where there are no views.
    func bootstrap(view: Int) -> String {
        addresses.withLock { $0["UPSELLD_TEST_BROKERS_VIEW\(view)"] ?? $0["UPSELLD_TEST_BROKERS"] ?? "" }
    }

    /// Disturbs a view's way to one broker, or to all.
    func disturb(view: Int, broker: Int?, _ fault: NetworkFault, amount: Int?) throws {
        try net(view, broker, fault.rawValue, amount)
    }

    func heal(view: Int) throws { try net(view, nil, "heal", nil) }

    private func net(_ view: Int, _ broker: Int?, _ fault: String, _ amount: Int?) throws {
        let target = broker.map(String.init) ?? "all"
        _ = try run(["net", "\(view)", target, fault] + (amount.map { ["\($0)"] } ?? []))
    }

    func kill(broker: Int) throws { _ = try run(["kill", "\(broker)"]) }
    func revive(broker: Int) throws { _ = try run(["revive", "\(broker)"]) }
    func pause(broker: Int) throws { _ = try run(["pause", "\(broker)"]) }
    func resume(broker: Int) throws { _ = try run(["resume", "\(broker)"]) }

    /// Ends the brokers and deletes their data.
    func stop() { _ = try? run(["stop"]) }

    private func run(_ arguments: [String]) throws -> String {
        try Child.run(tool, ["--name", name] + arguments, directory: directory)
    }
}

/// What can be done to the network of one instance; the raw value is the tool's word.
enum NetworkFault: String, CaseIterable, Sendable {
    /// Refused and closed.
    case cut
    /// Open, but nothing passes.
    case hang
    case reset
    /// Requests arrive, answers do not: executed, answer lost.
    case mute
    case latency
    case bandwidth
    /// Closes after so many bytes of answers.
    case truncate

    /// Milliseconds, KB/s or bytes; nil where nothing is to be drawn.
    func amount(_ random: inout SeededGenerator) -> Int? {
        switch self {
        case .cut, .hang, .reset, .mute: nil
        case .latency: Int.random(in: 100...1_500, using: &random)
        case .bandwidth: Int.random(in: 4...100, using: &random)
        case .truncate: Int.random(in: 100...100_000, using: &random)
        }
    }
}
