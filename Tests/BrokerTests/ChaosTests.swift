import Foundation
import Testing
import UpsellTesting

/// Starts brokers of the test's own: some failures are the brokers'. nil where it does not lie beside the package.
private let kafkaTool: String? = {
    let path = TestPaths.package.appendingPathComponent("../shared/kafka/kafka").standardizedFileURL.path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
}()

/// `upselld-chaos` with few failures: that it plants what it is asked for, and that it sees what is wrong.
@Suite(
    .serialized, .enabled(if: TestPaths.brokers != nil && kafkaTool != nil, "no brokers, or no kafka tool"),
    .timeLimit(.minutes(10)))
struct ChaosTests {
    struct Report: Decodable {
        struct Counts: Decodable {
            var expected: Int
            var found: Int
        }
        var events: Int
        var faults: [String: Int]
        var triggers: Counts
        var held: Counts
        var stateCounters: Int?
        var stateDifferences: Int?
        var violations: [String: Int]
    }

    func chaos(_ arguments: [String]) throws -> (status: Int32, report: Report?, errors: String) {
        let tool = try #require(kafkaTool)
        let result = try Subprocess.run(
            TestPaths.executable("upselld-chaos"), arguments + ["--kafka-tool", tool], seconds: 540)
        let report = try? JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        return (result.status, report, result.errors)
    }

    @Test func killedInstancesLoseAndDoubleNothing() throws {
        let run = try chaos([
            "run", "--events", "20000", "--accounts", "300", "--kills", "2", "--holds", "1", "--stops", "0",
            "--restarts", "1", "--scales", "0",
        ])
        let report = try #require(run.report, "\(run.errors)")
        #expect(run.status == 0, "\(run.errors)")
        #expect(report.violations == [:])
        #expect(report.faults == ["kill": 2, "kill-before-commit": 1, "restart": 1])
        #expect(report.events == 20_000)
        #expect(report.triggers.found == report.triggers.expected)
        #expect(report.triggers.expected > 1_000, "the workload is one that crosses something")
        #expect(report.held.found == report.held.expected)
        #expect(report.stateCounters == 900)
        #expect(report.stateDifferences == 0)
    }

    @Test func oneTriggerWrittenTwiceIsAViolation() throws {
        let run = try chaos([
            "run", "--events", "5000", "--accounts", "100", "--instances", "1", "--kills", "0", "--stops", "0",
            "--restarts", "0", "--scales", "0", "--spoil",
        ])
        #expect(run.status == 1, "\(run.errors)")
        let report = try #require(run.report)
        // Both readers may see it: the one that looked on, and the final one.
        #expect((1...2).contains(report.violations["doubled"] ?? 0))
        #expect(report.triggers.found == report.triggers.expected + 1)
    }

    @Test func aWorkloadIsTheSameEveryTimeAndAnotherForAnotherSeed() throws {
        func triggers(_ seed: Int) throws -> Int? {
            try chaos(["plan", "--events", "5000", "--accounts", "100", "--seed", "\(seed)"]).report?.triggers.expected
        }
        let first = try #require(try triggers(1))
        #expect(try triggers(1) == first)
        #expect(try triggers(2) != first)
    }

    @Test func wrongWordsEndWithTheStatusOfAWrongCommandLine() throws {
        #expect(try chaos(["dance"]).status == 64)
        #expect(try chaos(["run", "--kills", "many"]).status == 64)
        #expect(try chaos(["run", "--brokers", "2"]).status == 64)
    }
}
