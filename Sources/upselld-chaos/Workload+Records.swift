extension Workload {
    static let source = "upselld-chaos"
    static let eventType = "chaos.used"

    /// Account ids, some beyond ASCII: keys are bytes.
    func accountID(_ account: Int) -> String { account % 7 == 0 ? "konto-ü-\(account)" : "acct-\(account)" }

    func key(_ account: Int) -> [UInt8] { Array(accountID(account).utf8) }

    /// A structured CloudEvent; its last member is the event's number, for whoever reads it back.
    func value(_ event: Event) -> [UInt8] {
        Array(
            """
            {"specversion":"1.0","id":"e-\(event.identity)","source":"\(Self.source)","type":"\(Self.eventType)",\
            "subject":"\(accountID(event.account))","time":"\(CivilTime.text(event.time))",\
            "data":{"amount":\(event.amount),"number":\(event.number)}}
            """.utf8)
    }

    /// The event that a record's value is of; nil where the bytes are not exactly this workload's.
    func event(of value: [UInt8]) -> Event? {
        var number = 0
        var unit = 1
        for byte in value.dropLast(2).reversed() {
            guard byte >= 0x30, byte <= 0x39, unit < 1_000_000_000_000 else { break }
            number += Int(byte - 0x30) * unit
            unit *= 10
        }
        guard number < events else { return nil }
        let event = event(number)
        return self.value(event) == value ? event : nil
    }

    /// Limits of an account: a third has a profile, of those half with an override.
    func plan(_ account: Int) -> Plan {
        switch account % 6 {
        case 0: Plan(name: "pro", limits: limits(times: 3))
        case 1:
            Plan(
                name: "basic",
                limits: limits(times: 1).enumerated().map { $0.offset == 0 ? $0.element * 2 : $0.element })
        default: Plan(name: "basic", limits: limits(times: 1))
        }
    }

    /// Value of the account's record on the accounts topic; nil for an account without profile.
    func profile(_ account: Int) -> [UInt8]? {
        switch account % 6 {
        case 0: Array(#"{"plan":"pro"}"#.utf8)
        case 1: Array(#"{"plan":"basic","overrides":{"volume":\#(plan(account).limits[0])}}"#.utf8)
        default: nil
        }
    }

    struct Plan: Equatable {
        var name: String
        /// By meter.
        var limits: [Int64]
    }
}
