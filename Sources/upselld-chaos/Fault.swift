/// A kind of failure.
enum Fault: Hashable, Sendable, CustomStringConvertible {
    /// kill -9, and a restart after up to three seconds.
    case kill
    /// kill -9 while a transaction has its offsets and waits to be committed.
    case hold
    /// SIGSTOP for longer than the session timeout, then SIGCONT: a zombie.
    case stop
    /// A clean stop and a start.
    case restart
    /// One instance more, or that one less.
    case scale
    case net(NetworkFault)
    case brokerRestart
    case brokerPause

    var description: String {
        switch self {
        case .kill: "kill"
        case .hold: "kill-before-commit"
        case .stop: "stop"
        case .restart: "restart"
        case .scale: "scale"
        case .net(let fault): "net-\(fault.rawValue)"
        case .brokerRestart: "broker-restart"
        case .brokerPause: "broker-pause"
        }
    }
}

/// The failures still to be planted, drawn in a seeded order.
struct FaultBag {
    private var left: [Fault]

    init(_ counts: FaultCounts, random: inout SeededGenerator) {
        let single: [(Fault, Int)] = [
            (.kill, counts.kills), (.hold, counts.holds), (.stop, counts.stops), (.restart, counts.restarts),
            (.scale, counts.scales), (.brokerRestart, counts.brokerRestarts), (.brokerPause, counts.brokerPauses),
        ]
        let net = NetworkFault.allCases.map { (Fault.net($0), counts.net) }
        left = (single + net).flatMap { Array(repeating: $0.0, count: $0.1) }
        left.shuffle(using: &random)
    }

    var count: Int { left.count }
    var kinds: Set<Fault> { Set(left) }
    func count(of fault: Fault) -> Int { left.count { $0 == fault } }

    mutating func putBack(_ fault: Fault) { left.append(fault) }

    /// The next one that can be planted now; it is taken out.
    mutating func take(where isPossible: (Fault) -> Bool) -> Fault? {
        guard let index = left.firstIndex(where: isPossible) else { return nil }
        return left.remove(at: index)
    }
}
