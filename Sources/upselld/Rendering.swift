internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry
internal import UpsellWords

/// What finds the words of triggers under a configuration; nil where it has none.
///
/// The words were checked when they were loaded, so that what goes wrong here is a bound (such as a text that grew too
/// long for one account): the trigger goes out without words, and the log says why.
func rendering(of configuration: Configuration, log: Log) -> MessageRendering? {
    guard !configuration.words.isEmpty else { return nil }
    let renderer = MessageRenderer(book: WordsBook(configuration.words), catalogue: configuration.catalogue) {
        TimeZones.table(named: $0)
    }
    return { trigger in
        do {
            return try renderer.message(for: trigger)
        } catch {
            log.error("A message could not be written", [.reason: .text("\(error)"), "rule": .text(trigger.rule)])
            return nil
        }
    }
}
