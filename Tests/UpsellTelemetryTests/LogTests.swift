import Synchronization
import Testing
import UpsellTelemetry

@Suite struct LogTests {
    final class Lines: Sendable {
        let all = Mutex<[String]>([])
        var first: String { all.withLock { $0.first ?? "" } }
        var count: Int { all.withLock { $0.count } }
    }

    func log(_ format: Log.Format, level: Log.Level = .info, into lines: Lines) -> Log {
        Log(level: level, destination: .function(format, { line in lines.all.withLock { $0.append(line) } }))
    }

    @Test func textLineHasTimeLevelSentenceAndData() {
        let lines = Lines()
        log(.text, into: lines).warning("Partition lost", [.topic: "upselld.usage", .partition: 3])
        #expect(lines.first.hasSuffix("Z warning Partition lost topic=upselld.usage partition=3"))
        #expect(
            lines.first.count == "2026-11-23T05:14:35.123Z".count
                + " warning Partition lost topic=upselld.usage partition=3".count)
    }

    @Test func inputCanNeitherBreakALineNorSteerATerminal() {
        let lines = Lines()
        log(.text, into: lines).error("Refused", [.reason: "two\nlines \u{1B}[2J \"quoted\""])
        #expect(lines.first.hasSuffix(#"Refused reason="two\nlines \u001b[2J \"quoted\"""#))
        #expect(!lines.first.contains("\n"))
    }

    @Test func jsonKeepsDataApartFromTimeAndLevel() {
        let lines = Lines()
        log(.json, into: lines).info("Started", ["time": "noon", .count: 7, "live": true])
        #expect(lines.first.hasPrefix("{\"time\":\"2"))
        #expect(
            lines.first.hasSuffix(#""level":"info","message":"Started","data":{"time":"noon","count":7,"live":true}}"#))
    }

    @Test func jsonWithoutDataIsClosedOnce() {
        let lines = Lines()
        log(.json, into: lines).info("Started")
        #expect(lines.first.hasSuffix(#""message":"Started"}"#))
    }

    @Test(arguments: Log.Level.allCases)
    func levelLetsThroughWhatIsAtLeastAsUrgent(level: Log.Level) {
        let lines = Lines()
        let log = log(.text, level: level, into: lines)
        for urgency in Log.Level.allCases { log.write(urgency, "Word", [:]) }
        #expect(lines.count == level.rawValue + 1)
    }

    @Test func debugDataIsNotBuiltWhereItIsNotWritten() {
        let lines = Lines()
        let built = Mutex(0)
        func value() -> LogValue {
            built.withLock { $0 += 1 }
            return 1
        }
        log(.text, level: .info, into: lines).debug("Batch", [.count: value()])
        #expect(built.withLock { $0 } == 0)
        log(.text, level: .debug, into: lines).debug("Batch", [.count: value()])
        #expect(built.withLock { $0 } == 1)
        #expect(lines.count == 1)
    }
}
