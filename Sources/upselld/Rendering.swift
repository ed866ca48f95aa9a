internal import Synchronization
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry
internal import UpsellWords

/// Finds the words of triggers in a configuration's templates and rules; nil where it has none.
///
/// A trigger whose words cannot be filled in goes out without; each reason is said once.
func rendering(of configuration: Configuration, log: Log) -> MessageRendering? {
    guard !configuration.words.isEmpty || configuration.catalogue.rules.contains(where: { $0.message != nil }) else {
        return nil
    }
    let renderer = MessageRenderer(
        book: WordsBook(configuration.words), catalogue: configuration.catalogue, zone: TimeZones.table(named:))
    let said = Said()
    return { trigger in
        do throws(WordsComplaint) {
            return try renderer.message(for: trigger)
        } catch {
            let text = error.description
            if said.isNews(text) {
                log.error(
                    "words could not be filled in; triggers go out without",
                    [.rule: .text(trigger.rule), .reason: .text(text)])
            }
            return nil
        }
    }
}

/// What was complained about, up to a bound.
private final class Said: Sendable {
    private let texts = Mutex<Set<String>>([])

    func isNews(_ text: String) -> Bool { texts.withLock { $0.count < 1_000 && $0.insert(text).inserted } }
}
