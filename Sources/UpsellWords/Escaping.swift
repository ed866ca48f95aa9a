/// How text is made fit for the channel it goes to.
public enum Escaping: Sendable, Equatable, CaseIterable {
    /// Shown as it is: in-app, push, a CSM's list.
    case plain
    /// Stands between the tags of an HTML document: e-mail. Words are plain text in the file, so that one template
    /// serves every channel; all of the result is escaped, literal text too.
    case html

    func apply(_ text: String) -> String {
        switch self {
        case .plain: return text
        case .html:
            var result = ""
            result.reserveCapacity(text.utf8.count + text.utf8.count / 8)
            for scalar in text.unicodeScalars {
                switch scalar {
                case "&": result += "&amp;"
                case "<": result += "&lt;"
                case ">": result += "&gt;"
                case "\"": result += "&quot;"
                case "'": result += "&#39;"
                default: result.unicodeScalars.append(scalar)
                }
            }
            return result
        }
    }
}

/// Makes text from outside harmless to the text around it, whatever the channel.
enum Inert {
    /// Without control characters and without what reorders or hides its surroundings; on one line; at most
    /// `WordsLimits.valueScalarsMax` code points, the last of them "…" where something was cut off.
    ///
    /// A cut falls between characters as readers see them, unless a single one is longer than all of the room.
    static func text(_ text: String) -> String {
        let most = WordsLimits.valueScalarsMax
        var clean = String.UnicodeScalarView()
        var count = 0
        var cut = false
        for scalar in text.unicodeScalars {
            guard let kept = kept(scalar) else { continue }
            if count == most {
                cut = true
                break
            }
            clean.append(kept)
            count += 1
        }
        guard cut else { return String(clean) }
        var result = String.UnicodeScalarView()
        var taken = 0
        for character in String(clean) {
            let size = character.unicodeScalars.count
            if taken + size > most - 1 {
                if taken == 0 { result.append(contentsOf: character.unicodeScalars.prefix(most - 1)) }
                break
            }
            result.append(contentsOf: character.unicodeScalars)
            taken += size
        }
        result.append("…")
        return String(result)
    }

    /// What a code point becomes: itself, a blank, or nothing.
    private static func kept(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        // Tab and line ends separate words; a title, and a mail's subject, must stay on its line.
        case 0x09...0x0D, 0x85, 0x2028, 0x2029: return " "
        // Other controls of C0 and C1.
        case 0...0x1F, 0x7F...0x9F: return nil
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm, and their deprecated kin.
        case 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069, 0x206A...0x206F: return nil
        // Byte order mark, interlinear annotation, language tags: invisible, and only good for smuggling.
        case 0xFEFF, 0xFFF9...0xFFFB, 0xE0001: return nil
        default:
            // Noncharacters.
            if scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value) { return nil }
            return scalar
        }
    }

    /// The value between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE, if a part of it runs from right to left and
    /// could carry its neighbours along.
    static func isolated(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isRightToLeft) else { return text }
        return "\u{2068}" + text + "\u{2069}"
    }

    /// Blocks of right-to-left scripts and the marks that act as such letters (`DerivedBidiClass.txt`, defaults).
    private static func isRightToLeft(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0590...0x08FF, 0x200F, 0xFB1D...0xFDFF, 0xFE70...0xFEFE, 0x10800...0x10FFF, 0x1E800...0x1EFFF: true
        default: false
        }
    }
}
