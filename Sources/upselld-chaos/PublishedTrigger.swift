internal import Foundation

/// A trigger or held trigger as read back from its topic.
struct PublishedTrigger {
    var id: String
    var key: NaiveFold.TriggerKey
    var content: NaiveFold.Expected

    /// nil where the bytes are no trigger of usage.
    init?(_ value: [UInt8]) {
        struct Event: Decodable {
            struct Input: Decodable {
                var partition: Int
                var offset: Int64
            }
            struct Period: Decodable { var start: String }
            struct Data: Decodable {
                var rule: String
                var meter: String
                var previous: Int64
                var current: Int64
                var crossed: [Int64]
                var period: Period?
                var input: Input?
            }
            var id: String
            var subject: String
            var data: Data
        }
        guard let event = try? JSONDecoder().decode(Event.self, from: Data(value)), let input = event.data.input else {
            return nil
        }
        let data = event.data
        id = event.id
        key = NaiveFold.TriggerKey(partition: input.partition, offset: input.offset, rule: data.rule)
        content = NaiveFold.Expected(
            account: event.subject, meter: data.meter, crossed: data.crossed, previous: data.previous,
            current: data.current, periodStart: data.period?.start)
    }
}
