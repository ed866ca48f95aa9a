/// How often each fault really hit, and what the daemon did about it; sums over seeds.
package struct FaultCounts: Sendable, Equatable {
    package enum Fault: Int, Sendable, CaseIterable {
        // What the simulation does.
        case crash, crashInTransaction, pause, networkCut, coordinatorCut, foreignFence, outage, answerLost, refused,
            late, slowMarker
        case gracefulStop, leave, addedInstance, offsetsExpired, slotTwin
        // What follows from it.
        case sessionExpired, fencedProcess, transactionTimedOut, rebalance, abortedTransaction, rebuiltProducer,
            zombieRefused
        case partitionLost, revokeSettled, revokeOverdue, deadOwnerFenced, offsetUnstable, unknownOutcomeCommitted
        case unknownOutcomeAborted
        // What the histories are made of.
        case genesis, restore, restoreFromOffset, slice, trim, tickOnlyEpoch, duplicate, deadLetter, held, trigger
        case inputGap, control, outcome, openRecord

        package var name: String { "\(self)" }
    }

    package private(set) var counts = [Int](repeating: 0, count: Fault.allCases.count)

    package init() {}

    package subscript(fault: Fault) -> Int {
        get { counts[fault.rawValue] }
        set { counts[fault.rawValue] = newValue }
    }

    package mutating func add(_ other: FaultCounts) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// Faults that never hit.
    package var missing: [Fault] { Fault.allCases.filter { self[$0] == 0 } }

    /// Faults planted by the simulation itself.
    package var planted: Int {
        [
            Fault.crash, .pause, .networkCut, .coordinatorCut, .foreignFence, .outage, .answerLost, .refused, .late,
            .gracefulStop, .leave,
            .addedInstance, .offsetsExpired, .slotTwin,
        ].reduce(0) { $0 + self[$1] }
    }

    package init?(line: String) {
        let numbers = line.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == counts.count else { return nil }
        counts = numbers
    }

    /// Counts in the order of `Fault`, for another process to read.
    package var line: String { counts.map(String.init).joined(separator: " ") }
}
