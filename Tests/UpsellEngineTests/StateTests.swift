import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Engines taken down and put together again from what was written, against one that never stopped.
struct StateTests {
    @Test(arguments: 0..<8)
    func restoredEnginesGoOnAsIfNothingHadHappened(_ lot: Int) throws {
        for number in 0..<6 {
            let seed = UInt64(lot * 1000 + number + 1)
            let history = StateHistory(seed: seed, catalogue: FuzzTests.choice(number))
            let run = StateRun(history)
            let difference = try run.firstDifference(seed: seed)
            #expect(difference == nil, "seed \(seed): \(difference ?? "")")
            if difference != nil { return }
        }
    }

    /// With hold-backs of every kind: what is owed, parked, open, closed, sent and snoozed is state too.
    @Test(arguments: 0..<8)
    func dealingsAreRestoredToo(_ lot: Int) throws {
        var reasons: Set<HoldReason> = []
        var outcomes = 0
        for number in 0..<6 {
            let seed = UInt64(lot * 1000 + number + 501)
            var dice = SplitMix(state: seed)
            let catalogue = DealingsHistory.vary(FuzzTests.catalogues[1], &dice)
            let run = StateRun(StateHistory(seed: seed, catalogue: catalogue, steps: 200, reloads: number % 2 == 0))
            reasons.formUnion(run.said.flatMap { $0.held.map(\.reason) })
            outcomes += run.said.reduce(0) { $0 + $1.outcomes.count }
            let difference = try run.firstDifference(seed: seed)
            #expect(difference == nil, "seed \(seed): \(difference ?? "")")
            if difference != nil { return }
        }
        #expect(reasons.count > 6 && outcomes > 50, "\(reasons) \(outcomes)")
    }

    /// The comparison must be able to fail: without one delta, or one slice, the engine is another.
    @Test
    func aWriteLeftOutIsNoticed() {
        var noticed = 0
        var tried = 0
        for seed in UInt64(1)...8 {
            let run = StateRun(StateHistory(seed: seed, catalogue: FuzzTests.catalogues[0], reloads: false))
            let place = run.log.count / 2
            guard run.log[place].delta.count > 100 else { continue }
            tried += 1
            var log = run.log
            log.remove(at: place)
            guard let restored = try? StateRecord.restore(log[...], isWhole: true) else {
                noticed += 1
                continue
            }
            if StateRecord.image(restored) != run.images[run.log.count - 1] { noticed += 1 }
        }
        #expect(tried > 3)
        #expect(noticed == tried)
    }
}

/// A history played by an engine that never stops.
struct StateRun {
    let history: StateHistory
    /// By step.
    var said: [Effects] = []
    var log: [StateRecord] = []
    /// By record of the log, the step after it.
    var places: [Int] = []
    /// The whole state as it was after some records of the log, the last among them.
    var images: [Int: [[UInt8]]] = [:]

    init(_ history: StateHistory) {
        self.history = history
        var engine = PartitionEngine(catalogue: history.catalogue, partition: PartitionID(0))
        for (index, step) in history.steps.enumerated() {
            var effects = Effects()
            if let record = StateHistory.play(step, &engine, &effects) {
                log.append(record)
                places.append(index + 1)
                if log.count % 6 == 0 || index == history.steps.count - 1 {
                    images[log.count - 1] = StateRecord.image(engine)
                }
            }
            said.append(effects)
        }
    }

    /// Restores from several places of the log and goes on from there.
    func firstDifference(seed: UInt64) throws -> String? {
        if let difference = unwrittenDiffers() { return difference }
        var dice = SplitMix(state: seed ^ 0xdead)
        for _ in 0..<6 {
            guard let end = images.keys.sorted().randomElement(using: &dice) else { return "nothing is written" }
            var start = Int.random(in: 0...end, using: &dice)
            while start > 0, !covers(start, end) { start -= 1 }
            var engine = try StateRecord.restore(log[start...end], isWhole: start == 0)
            if StateRecord.image(engine) != images[end] { return "restored \(start)...\(end): another state" }
            var record = end + 1
            for step in places[end]..<history.steps.count {
                var effects = Effects()
                if let written = StateHistory.play(history.steps[step], &engine, &effects) {
                    if written != log[record] { return "restored \(start)...\(end): writes otherwise at step \(step)" }
                    record += 1
                }
                if effects != said[step] { return "restored \(start)...\(end): step \(step) differs" }
            }
        }
        return nil
    }

    /// Whether a restore that begins at a record has all slices at another.
    func covers(_ start: Int, _ end: Int) -> Bool {
        if log[start...end].contains(where: \.isComplete) { return true }
        return Set(log[start...end].flatMap(\.indexes)).count == StateHistory.slices
    }

    /// Writing changes nothing of what an engine does.
    private func unwrittenDiffers() -> String? {
        var engine = PartitionEngine(catalogue: history.catalogue, partition: PartitionID(0))
        for (index, step) in history.steps.enumerated() {
            if case .write = step { continue }
            var effects = Effects()
            _ = StateHistory.play(step, &engine, &effects)
            if effects != said[index] { return "step \(index) differs where nothing is written" }
        }
        return nil
    }
}

extension Effects {
    static func != (a: Effects, b: Effects) -> Bool {
        a.triggers != b.triggers || a.held != b.held || a.rejected != b.rejected || a.expired != b.expired
            || a.outcomes != b.outcomes || a.opened != b.opened || a.fused != b.fused
    }
}
