internal import Foundation

/// The JSON summary of a run.
struct Report: Encodable {
    var mode = ""
    var seed: UInt64 = 0
    var brokers = 0
    /// Kind of failure → how often it was planted.
    var faults: [String: Int] = [:]
    /// How processes ended that nobody had asked to, and how often.
    var ends: [String: Int] = [:]
    var starts = 0
    var events = 0
    var duplicates = 0
    var late = 0
    var accounts = 0
    var triggers = Counts()
    var held = Counts()
    /// Accounts and meters whose usage, restored from the state log, is not what the events add up to; nil: not asked.
    var stateDifferences: Int?
    var stateCounters: Int?
    var deadLetters = 0
    /// Trigger records that only a `read_uncommitted` reader sees: of aborted transactions.
    var abortedTriggers = 0
    var recovery: [String: Spread] = [:]
    var stopSeconds: [Double] = []
    var seconds: [String: Double] = [:]
    var notes: [String: String] = [:]
    var violations: [String: Int] = [:]

    struct Counts: Encodable {
        var expected = 0
        var found = 0
        var missing = 0
        var unexpected = 0
        var different = 0
    }

    struct Spread: Encodable {
        var count: Int
        var median: Double
        var p90: Double
        var max: Double

        init(_ values: [Double]) {
            let sorted = values.sorted()
            func at(_ share: Double) -> Double {
                sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
            }
            (count, median, p90, max) = (sorted.count, at(0.5), at(0.9), sorted.last ?? 0)
        }
    }

    /// Keeps the longest of several measurements.
    mutating func worst(_ what: String, _ value: Double) { seconds[what] = max(seconds[what] ?? 0, value) }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
