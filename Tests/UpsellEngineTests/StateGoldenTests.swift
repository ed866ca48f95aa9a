import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Bytes of format version 1, which stay readable for ever; a change that moves them is another version.
struct StateGoldenTests {
    static let slices = 2

    @Test
    func bytesAreThoseOfVersion1() throws {
        let golden = try Self.play()
        let hex = golden.map { $0.map(Self.hex).joined() }
        #expect(hex[0] == GoldenState.delta, "delta")
        #expect(hex[1] == GoldenState.change, "change")
        #expect(hex[2] == GoldenState.slice0, "slice 0")
        #expect(hex[3] == GoldenState.slice1, "slice 1")
    }

    /// What is in the files: every aggregation and window, dimensions, closed periods, episodes, a profile with
    /// everything, readings that wait, a number that is used again.
    @Test
    func goldenBytesAreRead() throws {
        var restorer = EngineRestorer(
            catalogue: Self.catalogue, partition: PartitionID(0), slices: Self.slices, timeZones: StateRecord.zone)
        restorer.baseEmpty()
        for text in [GoldenState.delta, GoldenState.change] {
            var reader = BinaryReader(Self.bytes(text))
            try restorer.apply(delta: &reader)
            #expect(reader.isAtEnd)
        }
        var fromSlices = EngineRestorer(
            catalogue: Self.catalogue, partition: PartitionID(0), slices: Self.slices, timeZones: StateRecord.zone)
        var reader = BinaryReader(Self.bytes(GoldenState.change))
        try fromSlices.apply(delta: &reader)
        #expect(fromSlices.missingSlices == [0, 1])
        for (index, text) in [GoldenState.slice0, GoldenState.slice1].enumerated() {
            reader = BinaryReader(Self.bytes(text))
            try fromSlices.apply(slice: index, reader: &reader)
            #expect(reader.isAtEnd)
        }
        let one = try restorer.finish()
        let other = try fromSlices.finish()
        for meter in Self.catalogue.meters.indices {
            for account in ["acme", "next"] {
                let usage = one.usage(account: account, meter: MeterID(meter))
                #expect(other.usage(account: account, meter: MeterID(meter)) == usage)
            }
        }
        #expect(one.usage(account: "acme", meter: MeterID(4)) == 30)
        #expect(one.usage(account: "acme", meter: MeterID(8), dimension: "mail") == 4)
        #expect(one.usage(account: "gone", meter: MeterID(0)) == nil)
        #expect(one.statistics.waitingNow == 2)
        #expect(one.effectiveLimit(account: "acme", meter: MeterID(0)) == .of(120))
    }

    // MARK: How they came about

    static let catalogue = UpsellEngineTests.catalogue(
        "meter calls sum month", "meter hits count day", "meter peak max month anniversary", "meter seats sum gauge",
        "meter disk latest gauge", "meter recent sum rolling 2", "meter who unique month unique 5",
        "meter days active_days rolling 7", "meter parts sum month by part 3", "meter hot sum rolling 1 by part 2",
        "meter total sum lifetime",
        "plan free calls=100 hits=6 seats=20 disk=40 parts=20", "plan pro calls=1000 seats=40",
        "addon pack calls=20",
        "rule calls calls percent 50 100", "rule seats seats percent 50", "rule disk disk absolute 20",
        "rule parts parts percent 50", "accounts wait", "dedup 12")

    /// - Returns: a delta, the one after it, both slices.
    static func play() throws -> [[UInt8]] {
        var engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
        var effects = Effects()
        var events = ScenarioEvents()
        let start = ScenarioTime.at("2026-01-30T12:00")
        func use(_ account: String, _ hours: Int64, _ uses: (Int, Int64, String?)...) {
            events.add(
                account, at: start + hours * .millisecondsPerHour,
                uses.map { ScenarioEvents.Use(MeterID($0.0), $0.1, dimension: $0.2) })
            events.play(into: &engine, &effects)
        }
        func profile(_ account: String, _ profile: Profile) {
            engine.apply(
                profile: profile, account: account, recordTime: start,
                coordinates: InputCoordinates(input: InputID(1), offset: 7), mode: .live, into: &effects)
        }
        profile("gone", Profile(plan: "pro", time: start))
        var full = Profile(plan: "free", time: start)
        full.timeZone = ScenarioTime.berlin
        full.status = .pastDue
        full.addOns = [Profile.Holding(addOn: "pack", quantity: 1, until: start + 40 * .millisecondsPerDay)]
        full.overrides = [Profile.Override(meter: "hits", limit: nil), Profile.Override(meter: "seats", limit: "30")]
        full.pendingPlan = "pro"
        full.effectiveAt = start + 50 * .millisecondsPerDay
        full.period = Profile.PeriodBounds(anchor: start - 3 * .millisecondsPerDay)
        profile("acme", full)
        use("acme", 0, (0, 70, nil), (1, 1, nil), (2, -5, nil), (3, 18, nil), (4, 10, nil), (10, 1000, nil))
        use("acme", 1, (3, -15, nil), (5, 7, nil), (6, 11, nil), (7, 1, nil), (8, 12, "search"), (9, 3, "a"))
        use("acme", 2, (6, 12, nil), (8, 4, "mail"), (9, 3, "b"), (9, 3, "c"))
        use("later", 2, (0, 5, nil), (8, 1, "search"))
        use("gone", 3, (0, 1, nil))
        var writer = BinaryWriter()
        engine.writeDelta(into: &writer)
        var written = [writer.bytes]
        engine.removeAccount("gone", into: &effects)
        profile("next", Profile(plan: "pro", time: start + 1))
        use("next", 3, (0, 3, nil))
        // February: periods close and count on for a day.
        use("acme", 37, (0, 1, nil), (4, 30, nil), (8, 4, "mail"))
        use("acme", 36, (0, 2, nil), (5, 1, nil))
        writer = BinaryWriter()
        engine.writeDelta(into: &writer)
        written.append(writer.bytes)
        for index in 0..<slices {
            writer = BinaryWriter()
            engine.writeSlice(index, of: slices, into: &writer)
            written.append(writer.bytes)
        }
        return written
    }

    static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap { $0.hexDigitValue }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}
