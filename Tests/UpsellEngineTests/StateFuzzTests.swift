import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Foreign bytes: cut, changed, spliced. They give an error or an engine that works, never a trap.
struct StateFuzzTests {
    @Test(arguments: [FuzzTests.catalogues[0], FuzzTests.signals])
    func everyCutIsAnError(_ catalogue: Catalogue) throws {
        let run = StateRun(StateHistory(seed: 3, catalogue: catalogue, steps: 80, reloads: false))
        let whole = try #require(run.log.max { $0.delta.count < $1.delta.count })
        var accepted: [Int] = []
        for length in 0..<whole.delta.count {
            var restorer = Self.restorer(whole.catalogue)
            restorer.baseEmpty()
            var reader = BinaryReader(whole.delta, 0..<length)
            if (try? restorer.apply(delta: &reader)) != nil { accepted.append(length) }
        }
        #expect(accepted.filter { !Self.isExtension(whole.delta[$0...], whole.catalogue) } == [])
        #expect(accepted.count <= 1)
        accepted = []
        let slice = try #require(run.images[run.log.count - 1]?[0])
        for length in 0..<slice.count {
            var restorer = Self.restorer(whole.catalogue)
            var reader = BinaryReader(slice, 0..<length)
            if (try? restorer.apply(slice: 0, reader: &reader)) != nil { accepted.append(length) }
        }
        #expect(accepted.filter { !Self.isExtension(slice[$0...], whole.catalogue) } == [])
        #expect(accepted.count <= 1)
    }

    /// A delta or slice may end before what the partition keeps as a whole, as those of the first version do; that one
    /// was cut there is for the frame's length and checksum to say.
    static func isExtension(_ bytes: ArraySlice<UInt8>, _ catalogue: Catalogue) -> Bool {
        bytes.first == UInt8(Program(catalogue).signals.count)
    }

    @Test(arguments: 0..<4)
    func changedBytesNeverTrap(_ lot: Int) throws {
        var dice = SplitMix(state: UInt64(lot) + 77)
        var outcomes = (refused: 0, restored: 0)
        for number in 0..<6 {
            let seed = UInt64(lot * 100 + number + 1)
            let run = StateRun(StateHistory(seed: seed, catalogue: FuzzTests.choice(number), steps: 80))
            for _ in 0..<40 {
                if Self.survives(run, &dice) { outcomes.restored += 1 } else { outcomes.refused += 1 }
            }
        }
        // Both happen, or the mutations say nothing.
        #expect(outcomes.refused > 50 && outcomes.restored > 10, "\(outcomes)")
    }

    /// Restores from a log in which one record is changed, and goes on with the history.
    ///
    /// - Returns: false where the restore was refused.
    static func survives(_ run: StateRun, _ dice: inout SplitMix) -> Bool {
        var log = run.log
        let victim = Int.random(in: log.indices, using: &dice)
        if Bool.random(using: &dice), !log[victim].slices.isEmpty {
            let slice = Int.random(in: log[victim].slices.indices, using: &dice)
            mutate(&log[victim].slices[slice], &dice)
        } else {
            mutate(&log[victim].delta, &dice)
        }
        let start = log.lastIndex(where: \.isComplete) ?? 0
        var restorer = restorer(log[start].catalogue)
        if start == 0 { restorer.baseEmpty() }
        do {
            for record in log[start...] {
                var reader = BinaryReader(record.delta)
                try restorer.apply(delta: &reader)
                for (index, bytes) in zip(record.indexes, record.slices) {
                    reader = BinaryReader(bytes)
                    try restorer.apply(slice: index, reader: &reader)
                }
            }
            var engine = try restorer.finish()
            var effects = Effects()
            for step in run.history.steps.suffix(40) {
                if case .reload = step { continue }
                _ = StateHistory.play(step, &engine, &effects)
            }
            _ = StateRecord.image(engine)
            return true
        } catch {
            return false
        }
    }

    static func mutate(_ bytes: inout [UInt8], _ dice: inout SplitMix) {
        for _ in 0..<Int.random(in: 1...3, using: &dice) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &dice)
            switch Int.random(in: 0..<6, using: &dice) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
            case 1: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][Int.random(in: 0..<5, using: &dice)]
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &dice), at: place)
            case 4: bytes.removeLast(bytes.count - place)
            default:
                // The greatest integer, where an integer may begin.
                bytes.replaceSubrange(place..<(place + 1), with: Array(repeating: 0xff, count: 9) + [1])
            }
        }
    }

    static func restorer(_ catalogue: Catalogue) -> EngineRestorer {
        var restorer = EngineRestorer(
            catalogue: catalogue, partition: PartitionID(0), slices: StateHistory.slices,
            timeZones: StateRecord.zone)
        restorer.numbersMax = 1 << 12
        return restorer
    }
}
