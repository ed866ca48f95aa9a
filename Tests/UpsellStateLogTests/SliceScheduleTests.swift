import Testing
import UpsellStateLog

@Suite struct SliceScheduleTests {
    @Test func withoutDeltasNothingIsDue() {
        var schedule = SliceSchedule(restoreFrom: 10)
        #expect(schedule.due == nil)
        schedule.wrote(deltaBytes: 65_535)
        #expect(schedule.due == nil)
        schedule.wrote(deltaBytes: 1)
        #expect(schedule.due == SliceID(0, of: 64))
        #expect(schedule.restoreFrom == 10)
    }

    @Test func aSliceIsPaidForByThreeTimesItsSize() {
        var schedule = SliceSchedule(count: 4, ratio: 3, minimumBytes: 100, restoreFrom: 0)
        schedule.wrote(deltaBytes: 100)
        schedule.wrote(slice: SliceID(0, of: 4), bytes: 50, lowerBound: 5)
        schedule.wrote(deltaBytes: 149)
        #expect(schedule.due == nil)
        schedule.wrote(deltaBytes: 1)
        #expect(schedule.due == SliceID(1, of: 4))
        schedule.wrote(slice: SliceID(1, of: 4), bytes: 1, lowerBound: 6)
        schedule.wrote(deltaBytes: 99)
        #expect(schedule.due == nil)
    }

    @Test func aLargeDeltaMakesSeveralDue() {
        var schedule = SliceSchedule(count: 4, minimumBytes: 100, restoreFrom: 0)
        schedule.wrote(deltaBytes: 450)
        var written: [Int] = []
        while let due = schedule.due, written.count < 10 {
            written.append(due.index)
            schedule.wrote(slice: due, bytes: 10, lowerBound: 7)
        }
        #expect(written == [0, 1, 2, 3])
        #expect(schedule.restoreFrom == 7)
    }

    @Test func aRestoreReadsFromTheOldestNewestCopy() {
        var schedule = SliceSchedule(count: 3, minimumBytes: 1, restoreFrom: 100)
        for (turn, bound) in [Int64(200), 300, 400, 500].enumerated() {
            schedule.wrote(deltaBytes: 1_000)
            let due = SliceID(turn % 3, of: 3)
            #expect(schedule.due == due)
            schedule.wrote(slice: due, bytes: 1, lowerBound: bound)
            #expect(schedule.restoreFrom == [100, 100, 200, 300][turn])
        }
    }

    @Test func anEpochWithEverythingMovesAllBounds() {
        var schedule = SliceSchedule(count: 3, minimumBytes: 1, restoreFrom: 100)
        schedule.wroteEverything(lowerBound: 250)
        #expect(schedule.restoreFrom == 250)
        schedule.wroteEverything(lowerBound: 90)
        #expect(schedule.restoreFrom == 250, "a late lower bound moves nothing back")
    }

    /// Random loads: what a restore reads stays within the bound that the type promises, slices stay a third of the
    /// deltas, and a schedule that was rebuilt while reading agrees with the one that wrote.
    @Test(arguments: 1...20)
    func aRestoreReadsABoundedMultipleOfTheState(seed: UInt64) throws {
        struct Epoch {
            var start: Int64
            var delta: Int
            var slices: [(SliceID, Int)]
        }
        var generator = SeededGenerator(state: seed)
        let minimum = 1_000
        var schedule = SliceSchedule(minimumBytes: minimum, restoreFrom: 0)
        var sizes = [Int](repeating: 0, count: 64)
        var end: Int64 = 0
        var log: [Epoch] = []
        var deltas = 0
        var slices = 0
        let deltaMax = [100, 5_000, 200_000][Int(seed % 3)]
        for _ in 0..<3_000 {
            var epoch = Epoch(start: end, delta: Int.random(in: 0...deltaMax, using: &generator), slices: [])
            // State grows by less than what is written about it.
            sizes[Int.random(in: 0..<64, using: &generator)] += Int.random(in: 0...epoch.delta / 2, using: &generator)
            schedule.wrote(deltaBytes: epoch.delta)
            deltas += epoch.delta
            // With one lower bound for the whole epoch, as a writer knows it.
            while let due = schedule.due {
                epoch.slices.append((due, sizes[due.index]))
                schedule.wrote(slice: due, bytes: sizes[due.index], lowerBound: end)
                slices += sizes[due.index]
            }
            end += Int64(epoch.delta + epoch.slices.reduce(0) { $0 + $1.1 })
            log.append(epoch)
            let state = sizes.reduce(0, +)
            let bound = 4 * state + 64 * minimum + 2 * deltaMax
            #expect(end - schedule.restoreFrom <= Int64(bound))
        }
        // All but the newest are paid for.
        let newest = try #require(log.last { !$0.slices.isEmpty }?.slices.last?.1)
        #expect(slices > 0 && 3 * (slices - newest) <= deltas)
        #expect(schedule.restoreFrom > 0)

        let start = try #require(log.firstIndex { $0.start >= schedule.restoreFrom })
        var restored = SliceSchedule(minimumBytes: minimum, restoreFrom: log[start].start)
        for epoch in log[start...] {
            restored.wrote(deltaBytes: epoch.delta)
            for (slice, bytes) in epoch.slices { restored.wrote(slice: slice, bytes: bytes, lowerBound: epoch.start) }
        }
        #expect(restored.restoreFrom == schedule.restoreFrom)
        // The turn goes on behind the newest slice.
        restored.wrote(deltaBytes: 1_000_000)
        schedule.wrote(deltaBytes: 1_000_000)
        #expect(restored.due == schedule.due)
    }
}
