/// Links of offers: `{account}`, `{plan}` and `{trigger}` stand for what is put there, percent-encoded.
enum OfferLink {
    /// Unknown names in braces stay as they are; a replaced value is not looked at again.
    static func expand(_ template: String, account: String, plan: String, trigger: String) -> String {
        var link = ""
        var rest = template[...]
        while let brace = rest.firstIndex(of: "{") {
            link += rest[..<brace]
            rest = rest[brace...]
            if let (name, value) = [("{account}", account), ("{plan}", plan), ("{trigger}", trigger)]
                .first(where: { rest.hasPrefix($0.0) })
            {
                link += percentEncoded(value)
                rest = rest.dropFirst(name.count)
            } else {
                link.append("{")
                rest = rest.dropFirst()
            }
        }
        return link + rest
    }

    /// Everything but the unreserved characters of RFC 3986 as `%XX` of its UTF-8 bytes.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
