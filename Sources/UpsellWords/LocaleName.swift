/// Language, script and region of a BCP 47 tag, in canonical casing; whatever else a tag may hold is left out.
public struct LocaleName: Sendable, Hashable, CustomStringConvertible {
    public let language: String
    public let script: String?
    public let region: String?

    /// Reads `zh-Hant-TW`, `zh_hant_tw`, `EN-us`; variants and extensions behind them (`en-US-u-nu-latn`) are ignored.
    /// nil for anything else: `C`, `en_US.UTF-8`, empty or long text.
    public init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        let parts = text.utf8.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let words = parts.map { String(decoding: $0, as: UTF8.self) }
        guard parts.allSatisfy({ !$0.isEmpty && $0.count <= 8 && $0.allSatisfy { isLetter($0) || isDigit($0) } }),
            let first = parts.first, (2...3).contains(first.count), first.allSatisfy(isLetter)
        else { return nil }
        let language = words[0].lowercased()
        self.language = Self.renamed[language] ?? language
        var index = 1
        if index < parts.count, parts[index].count == 4, parts[index].allSatisfy(isLetter) {
            script = words[index].prefix(1).uppercased() + words[index].dropFirst().lowercased()
            index += 1
        } else {
            script = nil
        }
        if index < parts.count,
            (parts[index].count == 2 && parts[index].allSatisfy(isLetter))
                || (parts[index].count == 3 && parts[index].allSatisfy(isDigit))
        {
            region = words[index].uppercased()
        } else {
            region = nil
        }
    }

    init(language: String, script: String?, region: String?) {
        self.language = language
        self.script = script
        self.region = region
    }

    /// Codes that were replaced, and the macrolanguage that stands for its usual member.
    private static let renamed = ["iw": "he", "in": "id", "ji": "yi", "no": "nb", "cmn": "zh"]

    public var description: String { [language, script, region].compactMap(\.self).joined(separator: "-") }

    /// The locales whose words may serve, the nearest first: `zh-Hant-TW`, `zh-Hant`, `zh`.
    ///
    /// Where a region writes Chinese in traditional characters the script is put in: `zh-TW` meets `zh-Hant` before
    /// `zh`.
    public var fallbacks: [LocaleName] {
        var names = [self]
        var script = script
        if language == "zh", script == nil, let region, ["TW", "HK", "MO"].contains(region) {
            script = "Hant"
            names.append(LocaleName(language: language, script: script, region: region))
        }
        if script != nil, region != nil { names.append(LocaleName(language: language, script: script, region: nil)) }
        if script != nil || region != nil { names.append(LocaleName(language: language, script: nil, region: nil)) }
        return names
    }

    var plurals: PluralRules { PluralRules(language: language, region: region) }
}
