/// The accounts with the most usage of a meter, for the end of an access log.
struct Ranking: Equatable {
    var meter: String
    var unit: String
    /// Over all accounts, in integers of the meter's scale.
    var total: Int64
    /// Most first; equal ones by name.
    var top: [Place]

    struct Place: Equatable {
        var account: String
        var usage: Int64
    }

    static let topMax = 5

    init(meter: String, unit: String, usages: [Place]) {
        self.meter = meter
        self.unit = unit
        total = usages.reduce(0) { $0 + $1.usage }
        let ordered = usages.filter { $0.usage > 0 }.sorted { a, b in
            a.usage != b.usage ? a.usage > b.usage : a.account < b.account
        }
        top = Array(ordered.prefix(Self.topMax))
    }

    /// A heading and a line for each account, figures in a column.
    var lines: [String] {
        let rows = top.map { (name: $0.account, figure: grouped($0.usage)) }
        let names = rows.map(\.name.count).max() ?? 0
        let figures = rows.map(\.figure.count).max() ?? 0
        return ["Most \(meter), of \(grouped(total)) \(unit) in all:"]
            + rows.map { name, figure in
                "  \(name)" + String(repeating: " ", count: names - name.count + figures - figure.count + 2) + figure
            }
    }
}
