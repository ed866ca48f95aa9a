internal import Dispatch
internal import Synchronization

/// Runs blocking work beside everything else, at most `width` pieces at a time.
final class OperationLane: Sendable {
    private let lanes: [DispatchQueue]
    private let turn = Atomic(0)

    init(label: String, width: Int) {
        lanes = (0..<width).map { DispatchQueue(label: "\(label).\($0)") }
    }

    /// Any thread.
    func run(_ work: @escaping @Sendable () -> Void) {
        let lane = turn.add(1, ordering: .relaxed).oldValue % lanes.count
        lanes[lane].async(execute: work)
    }
}
