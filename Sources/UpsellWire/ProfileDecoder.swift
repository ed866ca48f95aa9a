public import UpsellModel

/// Reads the values of the accounts topic (contract §3 "Profile"; `config/schemas/profile.schema.json`).
///
/// Members that the contract does not name are ignored, `null` is an absent member. Single owner, partition queue.
/// Profiles are few beside usage: this path allocates.
public struct ProfileDecoder: ~Copyable {
    private var document: JSONDocument
    private let maxRecordBytes: Int

    /// Elements of an attribute that is a list; each of them may be compared by any condition.
    public static let attributeElementsMax = 64
    /// Bytes of an attribute's value, and of each element of a list.
    public static let attributeTextBytesMax = 256
    /// Names in `shareable`.
    public static let shareableMax = 256

    /// - Parameter maxRecordBytes: values longer than this are `.oversized`; the default is a topic's default bound.
    public init(maxRecordBytes: Int = 1_048_576) {
        self.maxRecordBytes = maxRecordBytes
        document = JSONDocument(maxBytes: maxRecordBytes)
    }

    /// Decodes and checks one profile.
    ///
    /// - Parameters:
    ///   - recordTime: when the profile took effect where it says nothing.
    ///   - timeZones: rules of an IANA zone by its name, nil for an unknown one.
    /// - Throws: the reason for which the record is dead-lettered.
    public mutating func decode(
        value: RawSpan, recordTime: Timestamp, catalogue: Catalogue, timeZones: (String) -> TimeZoneTable?
    ) throws(Rejection) -> Profile {
        guard value.byteCount <= maxRecordBytes else {
            throw Rejection(.oversized, "the value has \(value.byteCount) bytes; at most \(maxRecordBytes) are taken")
        }
        try document.parse(value)
        guard let plan = try string("plan", 0) else { throw Rejection(.missingField, "plan is missing") }
        try check(plan: plan, "plan", catalogue)
        var profile = Profile(plan: plan, time: try time("time", 0) ?? recordTime)
        if let status = try string("status", 0) {
            guard let known = Profile.Status(rawValue: status) else {
                let names = Profile.Status.allCases.map(\.rawValue).joined(separator: ", ")
                throw Rejection(.wrongType, "status is none of \(names)")
            }
            profile.status = known
        }
        profile.mrr = try integer("mrr", 0)
        if let currency = try string("currency", 0) {
            guard currency.utf8.count == 3, currency.utf8.allSatisfy({ $0 >= 0x41 && $0 <= 0x5a }) else {
                throw Rejection(.wrongType, "currency is not a code of ISO 4217, such as EUR")
            }
            profile.currency = currency
        }
        if let interval = try string("interval", 0) {
            guard let known = Price.Interval(rawValue: interval) else {
                throw Rejection(.wrongType, "interval is neither month nor year")
            }
            profile.interval = known
        }
        profile.since = try time("since", 0)
        profile.firstPurchase = try time("firstPurchase", 0)
        if let period = try object("period", 0) {
            let start = try time("start", period)
            let end = try time("end", period)
            if let start, let end, end <= start {
                throw Rejection(.invalidTime, "period.end is not after period.start")
            }
            profile.period = Profile.PeriodBounds(start: start, end: end, anchor: try time("anchor", period))
        }
        if let zone = try string("timeZone", 0) {
            guard let table = timeZones(zone) else {
                throw Rejection(.unknownTimeZone, "timeZone names no zone of the IANA database")
            }
            profile.timeZone = table
        }
        profile.locale = try string("locale", 0)
        if let trial = try object("trial", 0) {
            let trialPlan = try string("plan", trial)
            if let trialPlan { try check(plan: trialPlan, "trial.plan", catalogue) }
            profile.trial = Profile.Trial(
                plan: trialPlan, start: try time("start", trial), end: try time("end", trial))
        }
        profile.addOns = try addOns()
        profile.overrides = try overrides(catalogue)
        profile.pendingPlan = try string("pendingPlan", 0)
        if let pending = profile.pendingPlan { try check(plan: pending, "pendingPlan", catalogue) }
        profile.effectiveAt = try time("effectiveAt", 0)
        profile.cancelAtPeriodEnd = try boolean("cancelAtPeriodEnd", 0) ?? false
        profile.resetUsage = try boolean("resetUsage", 0) ?? false
        profile.parent = try string("parent", 0)
        profile.owner = try string("owner", 0)
        profile.optOut = try strings("optOut")
        profile.shareable = try shareable()
        profile.attributes = try attributes()
        return profile
    }

    // MARK: Parts

    /// Attributes as JSON, and as the texts that conditions compare: a string unescaped, a number as written, `true`,
    /// `false`; of a list its elements that are one of these; nothing of an object or null.
    private func attributes() throws(Rejection) -> [Profile.Attribute] {
        guard let attributes = try object("attributes", 0) else { return [] }
        var list: [Profile.Attribute] = []
        let end = document.next(attributes)
        var index = attributes + 1
        while index < end {
            var json = JSONWriter()
            document.write(index, to: &json)
            list.append(
                Profile.Attribute(
                    name: document.key(index).text, json: String(decoding: json.bytes, as: UTF8.self),
                    texts: try texts(index)))
            index = document.next(index)
        }
        return list
    }

    private func texts(_ attribute: Int) throws(Rejection) -> [String] {
        guard document.kind(attribute) == .array else { return try scalar(attribute).map { [$0] } ?? [] }
        var texts: [String] = []
        var count = 0
        let end = document.next(attribute)
        var index = attribute + 1
        while index < end {
            count += 1
            guard count <= Self.attributeElementsMax else {
                throw Rejection(.oversized, "an attribute has more than \(Self.attributeElementsMax) elements")
            }
            if let text = try scalar(index) { texts.append(text) }
            index = document.next(index)
        }
        return texts
    }

    private func scalar(_ index: Int) throws(Rejection) -> String? {
        switch document.kind(index) {
        case .null, .array, .object: return nil
        case .false, .true, .number, .string: break
        }
        let text = document.text(index)
        guard text.byteCount <= Self.attributeTextBytesMax else {
            throw Rejection(.oversized, "a value of attributes is longer than \(Self.attributeTextBytesMax) bytes")
        }
        return text.text
    }

    /// Names of attributes that triggers may carry; one that the profile lacks is kept for the day it comes.
    private func shareable() throws(Rejection) -> [String] {
        let names = try strings("shareable")
        guard names.count <= Self.shareableMax else {
            throw Rejection(.oversized, "shareable has more than \(Self.shareableMax) names")
        }
        for name in names where name.isEmpty { throw Rejection(.wrongType, "an element of shareable is empty") }
        guard Set(names).count == names.count else { throw Rejection(.wrongType, "shareable has a name twice") }
        return names
    }

    private func addOns() throws(Rejection) -> [Profile.Holding] {
        var holdings: [Profile.Holding] = []
        guard let list = try array("addOns") else { return [] }
        let end = document.next(list)
        var index = list + 1
        while index < end {
            guard document.kind(index) == .object else {
                throw Rejection(.wrongType, "an element of addOns is not an object")
            }
            guard let id = try string("id", index) else {
                throw Rejection(.missingField, "an element of addOns has no id")
            }
            let quantity = try integer("quantity", index) ?? 1
            if quantity < 0 { throw Rejection(.negativeQuantity, "a quantity of addOns is negative") }
            holdings.append(Profile.Holding(addOn: id, quantity: quantity, until: try time("until", index)))
            index = document.next(index)
        }
        return holdings
    }

    /// A number, or the word `unlimited`; `null` overrides nothing.
    private func overrides(_ catalogue: Catalogue) throws(Rejection) -> [Profile.Override] {
        var overrides: [Profile.Override] = []
        guard let object = try object("overrides", 0) else { return [] }
        let end = document.next(object)
        var index = object + 1
        while index < end {
            let meter = document.key(index).text
            switch document.kind(index) {
            case .null: break
            case .string where equal(document.text(index), "unlimited"):
                overrides.append(Profile.Override(meter: meter, limit: nil))
            case .number:
                // A meter that is not known today is kept for a later catalogue; its scale is not known either.
                let scale = catalogue.meter(named: meter).map { catalogue[$0].scale } ?? 9
                let limit = try decimal(index, "an override", scale: scale)
                if limit < 0 { throw Rejection(.negativeQuantity, "an override is negative") }
                overrides.append(Profile.Override(meter: meter, limit: document.text(index).text))
            default: throw Rejection(.wrongType, "an override is neither a number nor \"unlimited\"")
            }
            index = document.next(index)
        }
        return overrides
    }

    private func check(plan: String, _ place: String, _ catalogue: Catalogue) throws(Rejection) {
        if catalogue.plan(named: plan) == nil {
            throw Rejection(.unknownPlan, "\(place) names no plan of the catalogue")
        }
    }

    // MARK: Members

    private func member(_ name: StaticString, _ object: Int) -> Int? {
        guard let index = document.member(name.bytes, of: object), document.kind(index) != .null else { return nil }
        return index
    }

    private func string(_ name: StaticString, _ object: Int) throws(Rejection) -> String? {
        guard let index = member(name, object) else { return nil }
        guard document.kind(index) == .string else { throw Rejection(.wrongType, "\(name) is not a string") }
        let text = document.text(index)
        if text.byteCount == 0 { throw Rejection(.wrongType, "\(name) is empty") }
        return text.text
    }

    private func time(_ name: StaticString, _ object: Int) throws(Rejection) -> Timestamp? {
        guard let index = member(name, object) else { return nil }
        guard document.kind(index) == .string, let instant = RFC3339.parse(document.text(index)) else {
            throw Rejection(.invalidTime, "\(name) is not a time of RFC 3339 between the years 1 and 9999")
        }
        return instant
    }

    private func integer(_ name: StaticString, _ object: Int) throws(Rejection) -> Int64? {
        guard let index = member(name, object) else { return nil }
        guard document.kind(index) == .number else { throw Rejection(.wrongType, "\(name) is not a number") }
        return try decimal(index, "\(name)", scale: 0)
    }

    private func decimal(_ index: Int, _ place: String, scale: Int) throws(Rejection) -> Int64 {
        do throws(ExactDecimal.ParseError) {
            return try ExactDecimal.parse(document.text(index), scale: scale)
        } catch {
            switch error {
            case .malformed: throw Rejection(.wrongType, "\(place) is not a number")
            case .tooManyDecimals: throw Rejection(.tooManyDecimals, "\(place) has more than \(scale) decimals")
            case .overflow: throw Rejection(.overflow, "\(place) does not fit in 64 bits at scale \(scale)")
            }
        }
    }

    private func boolean(_ name: StaticString, _ object: Int) throws(Rejection) -> Bool? {
        guard let index = member(name, object) else { return nil }
        switch document.kind(index) {
        case .true: return true
        case .false: return false
        default: throw Rejection(.wrongType, "\(name) is neither true nor false")
        }
    }

    private func object(_ name: StaticString, _ parent: Int) throws(Rejection) -> Int? {
        guard let index = member(name, parent) else { return nil }
        guard document.kind(index) == .object else { throw Rejection(.wrongType, "\(name) is not an object") }
        return index
    }

    private func array(_ name: StaticString) throws(Rejection) -> Int? {
        guard let index = member(name, 0) else { return nil }
        guard document.kind(index) == .array else { throw Rejection(.wrongType, "\(name) is not an array") }
        return index
    }

    private func strings(_ name: StaticString) throws(Rejection) -> [String] {
        guard let list = try array(name) else { return [] }
        var strings: [String] = []
        let end = document.next(list)
        var index = list + 1
        while index < end {
            guard document.kind(index) == .string else {
                throw Rejection(.wrongType, "an element of \(name) is not a string")
            }
            strings.append(document.text(index).text)
            index = document.next(index)
        }
        return strings
    }
}

extension JSONDocument {
    /// Writes a value as compact JSON, members in their order.
    func write(_ index: Int, to json: inout JSONWriter) {
        switch kind(index) {
        case .null, .true, .false, .number: json.raw(text(index))
        case .string: json.string(text(index))
        case .array:
            json.beginArray()
            let end = next(index)
            var element = index + 1
            while element < end {
                json.element()
                write(element, to: &json)
                element = next(element)
            }
            json.endArray()
        case .object:
            json.beginObject()
            let end = next(index)
            var member = index + 1
            while member < end {
                json.key(key(member))
                write(member, to: &json)
                member = next(member)
            }
            json.endObject()
        }
    }
}
