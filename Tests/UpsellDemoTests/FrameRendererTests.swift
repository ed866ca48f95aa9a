import Foundation
import Testing

@testable import UpsellDemo

@Suite struct FrameRendererTests {
    static let model: ViewModel = {
        var model = ViewModel()
        model.title = "a simulated month"
        model.place = "2025-09-14"
        model.events = 12_345
        model.triggers = 30
        for number in 0..<30 {
            model.gauges.append(
                .init(
                    account: "account-\(number)", plan: "basic", meter: "api_calls", unit: "requests",
                    usage: Int64(500 * number), limit: 10_000))
        }
        model.gauges.append(
            .init(account: "big", plan: "enterprise", meter: "users", unit: "seats", usage: 5, limit: nil))
        model.lines = (0..<30).map { number in
            TriggerLine(
                account: "account-\(number)", meter: "api_calls", meterUnit: "requests", unit: "percent", crossed: [80],
                current: 8_012, limit: 10_000, plan: "basic", time: "2025-09-12T14:00:00.000Z", cause: "usage")
        }
        return model
    }()

    @Test(arguments: [20, 40, 60, 80, 120, 200], [5, 10, 24, 50, 100])
    func aFrameFitsTheTerminal(width: Int, height: Int) {
        let renderer = FrameRenderer(width: width, height: height, colours: false)
        let frame = renderer.frame(Self.model)
        #expect(frame.count <= max(4, height - 1))
        for line in frame { #expect(renderer.columns(line) <= width, "\(line)") }
    }

    @Test func aBarShowsTheShare() {
        let renderer = FrameRenderer(width: 120, height: 24, colours: false)
        func line(usage: Int64) -> String {
            renderer.table([
                .init(
                    account: "acme", plan: "basic", meter: "api_calls", unit: "requests", usage: usage, limit: 10_000)
            ]).joined(separator: "\n")
        }
        let half = line(usage: 5_000)
        #expect(half.filter { $0 == "█" }.count == half.filter { $0 == "·" }.count)
        #expect(half.hasSuffix("50 %  5,000 of 10,000"))
        let over = line(usage: 15_000)
        #expect(!over.contains("·"))
        #expect(over.hasSuffix("150 %  15,000 of 10,000"))
    }

    /// A terminal of 80 columns is the usual one: nothing may be cut there.
    @Test(arguments: [
        (120, true, true, true), (80, true, true, true), (62, false, true, true), (45, false, false, true),
        (36, false, false, false),
    ])
    func whatMattersLeastGoesFirst(width: Int, plan: Bool, numbers: Bool, bar: Bool) {
        let table = FrameRenderer(width: width, height: 24, colours: false).table([
            .init(
                account: "bluebird-books", plan: "Basic", meter: "storage", unit: "bytes", usage: 9_508_412_467,
                limit: 10_000_000_000),
            .init(
                account: "fjord-films", plan: "Enterprise", meter: "integrations", unit: "integrations", usage: 5,
                limit: 10),
        ])
        #expect(table.allSatisfy { $0.contains("Enterprise") || $0.contains("Basic") } == plan)
        #expect((table.first?.hasSuffix("95 %  9.51 GB of 10 GB") == true) == numbers)
        #expect(table.allSatisfy { $0.contains("▕") } == bar)
        #expect(!table.contains { $0.contains("…") })
    }

    @Test func theHeadDropsItsNameBeforeItsFigures() {
        let head = FrameRenderer(width: 50, height: 24, colours: false).frame(Self.model).first
        #expect(head == "2025-09-14 · 12,345 events · 30 triggers")
        #expect(
            FrameRenderer(width: 80, height: 24, colours: false).frame(Self.model).first
                == "a simulated month · 2025-09-14 · 12,345 events · 30 triggers")
    }

    @Test func noLimitAndLimitZeroHaveNoShare() {
        #expect(ViewModel.Gauge(account: "", plan: "", meter: "", unit: "", usage: 7, limit: nil).share == nil)
        #expect(ViewModel.Gauge(account: "", plan: "", meter: "", unit: "", usage: 7, limit: 0).share == nil)
        #expect(
            ViewModel.Gauge(account: "", plan: "", meter: "", unit: "", usage: .max, limit: .max / 2).share == 20_000)
    }

    @Test func coloursAreOnlyThereWhereTheyAreWanted() {
        #expect(
            FrameRenderer(width: 80, height: 24, colours: true).frame(Self.model).contains { $0.contains("\u{1B}[") })
        #expect(
            !FrameRenderer(width: 80, height: 24, colours: false).frame(Self.model).contains { $0.contains("\u{1B}") })
    }

    @Test func namesCannotSteerTheTerminal() {
        let renderer = FrameRenderer(width: 80, height: 24, colours: false)
        #expect(renderer.fit("a\u{1B}[2Jb", 80) == "a�[2Jb")
        #expect(renderer.fit("abcdef", 4) == "abc…")
        #expect(renderer.fit("日本語", 4) == "日…")
        #expect(renderer.fit("日本", 4) == "日本")
    }

    @Test(arguments: [
        ("percent", [80, 90] as [Decimal], "usage", "80, 90 % of api_calls (8,012 of 10,000, plan basic)"),
        ("remaining", [0], "usage", "0 left of api_calls (8,012 of 10,000, plan basic)"),
        ("absolute", [5000], "limit_changed", "5,000 api_calls (8,012 of 10,000, plan basic) [limit_changed]"),
    ])
    func aTriggerIsASentence(unit: String, crossed: [Decimal], cause: String, expected: String) {
        let line = TriggerLine(
            account: "acme", meter: "api_calls", meterUnit: "requests", unit: unit, crossed: crossed, current: 8_012,
            limit: 10_000, plan: "basic", time: "2025-09-12T14:00:59.000Z", cause: cause)
        #expect(FrameRenderer.sentence(line) == "2025-09-12 14:00  acme: \(expected)")
        let narrow = FrameRenderer(width: 60, height: 24, colours: false).triggers([line])
        #expect(narrow.count == 1 && narrow.allSatisfy { $0.hasPrefix("09-12  acme: ") })
    }

    @Test func quantitiesHaveTheirUnit() {
        #expect(amount(1_234_567, "requests") == "1,234,567")
        #expect(
            [0, 500, 1_000, 9_508_412_467].map { amount($0, "bytes") } == ["0 bytes", "500 bytes", "1 kB", "9.51 GB"])
    }

    @Test func numbersAreGrouped() {
        #expect([0, 999, 1_000, 1_234_567, -12_345].map(grouped) == ["0", "999", "1,000", "1,234,567", "-12,345"])
    }
}
