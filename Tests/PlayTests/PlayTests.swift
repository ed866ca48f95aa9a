import Foundation
import Testing
import UpsellConfiguration
import UpsellTesting

/// Every play of `config/plays` tells its story, under its own names and under others, without Kafka. The same tables go
/// through a real broker in `PlaysOnKafkaTests`.
struct PlayTests {
    @Test(arguments: PlayTables.names)
    func tellsItsStory(_ name: String) throws {
        try play(name, .none)
    }

    private func play(_ name: String, _ renaming: PlayRenaming) throws {
        let site = try PlaySite(file: PlayTables.file(name), renaming: renaming)
        let configuration: Configuration
        do {
            configuration = try site.configuration()
        } catch let error as ConfigurationError {
            Issue.record("\(name), \(renaming.title): \(error.complaints.map(\.description).joined(separator: "\n"))")
            return
        }
        var runner = PlayRunner(site.scenario, catalogue: configuration.catalogue)
        try runner.play(PurePlayDriver(configuration))
        #expect(runner.complaints.isEmpty, "\(renaming.title):\n\(runner.complaints.joined(separator: "\n"))")
    }
}
