import Foundation
import Testing
import UpsellModel

@testable import UpsellWords

/// What several suites need.
enum Words {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/words")

    /// Rows of a fixture, split at tabs; `\uXXXX` is read.
    static func rows(_ name: String) throws -> [[String]] {
        try String(contentsOf: fixtures.appending(path: name), encoding: .utf8)
            .split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map { unescaped(String($0)) } }
    }

    private static func unescaped(_ text: String) -> String {
        var parts = text.components(separatedBy: "\\u")
        for index in parts.indices.dropFirst() {
            guard let value = UInt32(parts[index].prefix(4), radix: 16), let scalar = Unicode.Scalar(value) else {
                continue
            }
            parts[index] = String(Character(scalar)) + parts[index].dropFirst(4)
        }
        return parts.joined()
    }

    static func source(_ text: String, file: String = "words.yaml", line: Int = 1, column: Int = 1) -> TemplateSource {
        TemplateSource(text: text, file: file, line: line, column: column)
    }

    /// A book with one template, `t`, whose body is `text`.
    static func book(
        _ text: String, locale: String = "en", partials: [String: String] = [:]
    ) -> WordsBook {
        WordsBook(
            WordsSource(
                defaultLocale: locale,
                templates: [
                    "t": WordsSource.Template(
                        name: source("t"), locales: [locale: .init(title: source("title"), body: source(text))])
                ],
                partials: Dictionary(
                    uniqueKeysWithValues: partials.map { ($0, [locale: source($1, file: "\($0).partial")]) })))
    }

    /// The template as it is rendered, blanks at its ends and all.
    static func render(
        _ text: String, _ values: [String: WordsValue] = [:], locale: String = "en", partials: [String: String] = [:],
        account: String? = nil
    ) throws -> String {
        let name = try #require(LocaleName(locale))
        let compiled = partials.mapValues {
            Template(source($0), plurals: name.plurals, isPartial: true)
        }
        let template = Template(source(text), plurals: name.plurals)
        if let complaint = template.complaints.first { throw complaint }
        let formatter = LocaleFormatter.shared(try #require(LocaleName(account ?? locale)))
        var renderer = TemplateRenderer(
            partials: { compiled[$0] }, formatter: formatter, sentences: .shared(name), plurals: name.plurals)
        return try renderer.render(template, values)
    }
}

/// SplitMix64: every failure names its seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
