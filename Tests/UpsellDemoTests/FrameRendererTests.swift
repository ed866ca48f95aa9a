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
                    account: "account-\(number)", plan: "basic", meter: "api_calls", usage: Int64(500 * number),
                    limit: 10_000))
        }
        model.gauges.append(.init(account: "big", plan: "enterprise", meter: "users", usage: 5, limit: nil))
        model.lines = (0..<30).map { number in
            TriggerLine(
                account: "account-\(number)", meter: "api_calls", unit: "percent", crossed: ["80"], current: "8012",
                limit: "10000",
                plan: "basic", time: "2025-09-12T14:00:00.000Z", cause: "usage")
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
        let line = renderer.gauge(
            .init(account: "acme", plan: "basic", meter: "api_calls", usage: 5_000, limit: 10_000))
        #expect(line.filter { $0 == "█" }.count == line.filter { $0 == "·" }.count)
        #expect(line.hasSuffix("50 %  5,000 of 10,000"))
        let over = renderer.gauge(
            .init(account: "acme", plan: "basic", meter: "api_calls", usage: 15_000, limit: 10_000))
        #expect(!over.contains("·"))
        #expect(over.hasSuffix("150 %  15,000 of 10,000"))
    }

    @Test func noLimitAndLimitZeroHaveNoShare() {
        #expect(ViewModel.Gauge(account: "", plan: "", meter: "", usage: 7, limit: nil).share == nil)
        #expect(ViewModel.Gauge(account: "", plan: "", meter: "", usage: 7, limit: 0).share == nil)
        #expect(ViewModel.Gauge(account: "", plan: "", meter: "", usage: .max, limit: .max / 2).share == 20_000)
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
        ("percent", ["80", "90"], "usage", "80, 90 % of api_calls (8,012 of 10,000, plan basic)"),
        ("remaining", ["0"], "usage", "0 left of api_calls (8,012 of 10,000, plan basic)"),
        ("absolute", ["5000"], "limit_changed", "5,000 api_calls (8,012 of 10,000, plan basic) [limit_changed]"),
    ])
    func aTriggerIsASentence(unit: String, crossed: [String], cause: String, expected: String) {
        let line = TriggerLine(
            account: "acme", meter: "api_calls", unit: unit, crossed: crossed, current: "8012", limit: "10000",
            plan: "basic", time: "2025-09-12T14:00:59.000Z", cause: cause)
        #expect(FrameRenderer.sentence(line) == "2025-09-12 14:00  acme: \(expected)")
    }

    @Test func numbersAreGrouped() {
        #expect([0, 999, 1_000, 1_234_567, -12_345].map(grouped) == ["0", "999", "1,000", "1,234,567", "-12,345"])
    }
}
