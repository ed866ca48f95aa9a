internal import Foundation

/// A usage event in CloudEvents' structured mode, as the demo's feeds produce it.
struct CloudEvent: Encodable {
    let specversion = "1.0"
    var id: String
    var source: String
    var type: String
    var subject: String
    /// RFC 3339.
    var time: String
    var data: [String: Int64]
}

/// An account's profile (contract §2).
struct ProfileDocument: Encodable {
    var plan: String
    let status = "active"
    /// In minor units of the currency.
    var mrr: Int64?
    var currency: String?
    var interval: String?
    let locale = "en"
    var attributes: [String: String]
    /// RFC 3339.
    var time: String
}

extension Encodable {
    /// JSON with sorted keys, so that the same value is the same bytes.
    func json() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self))
        } catch {
            preconditionFailure("texts and whole numbers always have a JSON form: \(error)")
        }
    }
}
