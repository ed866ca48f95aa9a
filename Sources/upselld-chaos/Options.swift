internal import Foundation

/// What the command line asks for.
struct Options: Sendable {
    enum Mode: String, CaseIterable, Sendable {
        case run, plan, failover, outage, slot, expiry
    }

    var mode = Mode.run
    var kafkaTool = "../shared/kafka/kafka"
    var upselld = ""
    var directory: String?
    var keep = false
    var spoil = false
    var brokers = 1
    var instances = 3
    var seed: UInt64 = 1
    var events = 200_000
    var accounts = 2_000
    var partitions = 8
    var days = 10
    var deadline = 1_500
    var drain = 180
    var sessionTimeout = 6_000
    var seconds = 70
    var faults = FaultCounts()
    var settings: [String] = []

    static let help = """
        upselld-chaos [MODE] [OPTIONS]: runs upselld against real Kafka, plants failures, and checks what comes out.

        Modes
          run        a workload under failures of every kind; the default
          plan       only says what the workload of these options has to come to
          failover   kill -9 of one of two instances, also with a transaction open; clean stops; restarts
          outage     every broker away for --seconds
          slot       two processes in one slot
          expiry     a stopped daemon whose group offsets expire

        Options (defaults)
          --kafka-tool PATH (../shared/kafka/kafka)   --upselld PATH (beside this command)
          --directory PATH (a temporary one)          --keep       leaves the directory with configuration and logs
          --brokers 1|3 (1)     --instances N (3)     --seed N (1) --events N (200000)  --accounts N (2000)
          --partitions N (8)    --days N (10)         of event time
          --kills N (10)        kill -9               --holds N (0) kill -9 between send_offsets and commit
          --stops N (3)         SIGSTOP longer than the session timeout
          --restarts N (2)      clean stop and start  --scales N (2) an instance added or removed
          --net N (0)           of each kind: cut, hang, reset, mute, latency, bandwidth, truncate
          --broker-restarts N (0)                     --broker-pauses N (0)
          --session-timeout MS (6000)                 --deadline SECONDS (1500) of the failures
          --drain SECONDS (180) to read what is left  --seconds N (70) of the outage
          --set KEY=VALUE       a setting for every instance, repeatable
          --spoil               writes one trigger twice by itself: the run has to end with a violation

        Lines for people go to standard error, a JSON summary to standard output.
        Exit status: 0 all promises kept, 1 a violation, 64 usage, 70 the run itself failed.

        """

    /// - Throws: `ChaosError` with `isUsage`.
    init(_ arguments: [String]) throws(ChaosError) {
        var words = arguments[...]
        if let first = words.first, !first.hasPrefix("-") {
            guard let mode = Mode(rawValue: first) else { throw ChaosError("no mode \(first)", isUsage: true) }
            self.mode = mode
            words.removeFirst()
        }
        while let option = words.popFirst() {
            switch option {
            case "--keep": keep = true
            case "--spoil": spoil = true
            default:
                guard let value = words.popFirst() else { throw ChaosError("\(option) wants a value", isUsage: true) }
                try set(option, value)
            }
        }
        guard [1, 3].contains(brokers) else { throw ChaosError("--brokers is 1 or 3", isUsage: true) }
    }

    private mutating func set(_ option: String, _ value: String) throws(ChaosError) {
        if let field = Self.texts[option] {
            self[keyPath: field] = value
        } else if let field = Self.numbers[option] {
            guard let number = Int(value), number >= 0 else {
                throw ChaosError("\(option) wants a number, got \(value)", isUsage: true)
            }
            self[keyPath: field] = number
        } else if option == "--seed", let number = UInt64(value) {
            seed = number
        } else if option == "--directory" {
            directory = value
        } else if option == "--set", value.contains("=") {
            settings.append(value)
        } else {
            throw ChaosError("\(option) \(value): unknown", isUsage: true)
        }
    }

    // Key paths are not Sendable, so these are made anew; the command line is read once.
    private static var texts: [String: WritableKeyPath<Options, String>] {
        ["--kafka-tool": \.kafkaTool, "--upselld": \.upselld]
    }

    private static var numbers: [String: WritableKeyPath<Options, Int>] {
        [
            "--brokers": \.brokers, "--instances": \.instances, "--events": \.events, "--accounts": \.accounts,
            "--partitions": \.partitions, "--days": \.days, "--deadline": \.deadline, "--drain": \.drain,
            "--session-timeout": \.sessionTimeout, "--seconds": \.seconds, "--kills": \.faults.kills,
            "--holds": \.faults.holds, "--stops": \.faults.stops, "--restarts": \.faults.restarts,
            "--scales": \.faults.scales, "--net": \.faults.net, "--broker-restarts": \.faults.brokerRestarts,
            "--broker-pauses": \.faults.brokerPauses,
        ]
    }
}

/// How many failures of each kind a run plants.
struct FaultCounts: Sendable {
    var kills = 10
    var holds = 0
    var stops = 3
    var restarts = 2
    var scales = 2
    var net = 0
    var brokerRestarts = 0
    var brokerPauses = 0
}
