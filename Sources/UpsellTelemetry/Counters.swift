internal import Synchronization

/// The daemon's own numbers: cells of the metric catalogue, created on first use and kept for the life of the process.
///
/// Take a cell once and add to it once a batch; taking one locks, adding to one is a single atomic instruction.
public final class Counters: Sendable {
    private let cells = Mutex<[Key: Cell]>([:])

    private struct Key: Hashable {
        var metric: Metric
        var labels: [String]
    }

    public init() {}

    /// The cell of a metric for these label values; the same object for the same arguments.
    ///
    /// - Parameter labels: one value for each of `metric.labels`, in that order.
    public func cell(_ metric: Metric, _ labels: String...) -> Cell {
        precondition(labels.count == metric.labels.count, "one value for each label of \(metric.name)")
        return cells.withLock { cells in
            let key = Key(metric: metric, labels: labels)
            if let cell = cells[key] { return cell }
            let cell = Cell()
            cells[key] = cell
            return cell
        }
    }

    /// Sum over all label values of a metric; 0 where nothing was counted.
    public func total(_ metric: Metric) -> Int64 {
        cells.withLock { cells in cells.reduce(0) { $0 + ($1.key.metric == metric ? $1.value.value : 0) } }
    }

    /// Every cell with its value: metrics in the order of the catalogue, cells of one metric by their label values.
    public func snapshot() -> [Sample] {
        let order = Dictionary(uniqueKeysWithValues: Metric.all.enumerated().map { ($1, $0) })
        var samples = cells.withLock { cells in
            cells.map { Sample(metric: $0.key.metric, labels: $0.key.labels, value: $0.value.value) }
        }
        samples.sort { a, b in
            let (first, second) = (order[a.metric] ?? 0, order[b.metric] ?? 0)
            return first != second ? first < second : a.labels.lexicographicallyPrecedes(b.labels)
        }
        return samples
    }

    /// The snapshot in Prometheus' text format 0.0.4.
    public func exposition() -> String {
        var text = ""
        var last: Metric?
        for sample in snapshot() {
            if sample.metric != last {
                text += "# HELP \(sample.metric.name) \(sample.metric.help)\n"
                text += "# TYPE \(sample.metric.name) \(sample.metric.kind.rawValue)\n"
                last = sample.metric
            }
            text += "\(sample.metric.name)\(sample.labelText) \(sample.value)\n"
        }
        return text
    }

    /// One number.
    public final class Cell: Sendable {
        private let number = Atomic<Int64>(0)

        public var value: Int64 { number.load(ordering: .relaxed) }
        /// Counters: adds to it.
        public func add(_ amount: Int) { number.add(Int64(amount), ordering: .relaxed) }
        /// Gauges: replaces it.
        public func set(_ value: Int64) { number.store(value, ordering: .relaxed) }
    }

    public struct Sample: Sendable, Equatable {
        public var metric: Metric
        public var labels: [String]
        public var value: Int64

        /// `{topic="upselld.usage"}`, or nothing.
        var labelText: String {
            guard !labels.isEmpty else { return "" }
            let pairs = zip(metric.labels, labels).map { name, value in
                var escaped = ""
                for character in value {
                    switch character {
                    case "\\": escaped += "\\\\"
                    case "\"": escaped += "\\\""
                    case "\n": escaped += "\\n"
                    default: escaped.append(character)
                    }
                }
                return "\(name)=\"\(escaped)\""
            }
            return "{" + pairs.joined(separator: ",") + "}"
        }
    }
}
