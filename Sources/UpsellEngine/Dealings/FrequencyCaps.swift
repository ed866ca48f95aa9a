internal import UpsellModel

/// A promotional trigger that went out, or a ghost: what caps count.
struct SentMark: Equatable {
    var time: Int64
    var recipient: Recipient
    var channels: [String]
}

/// Caps in sliding windows: at instant t those of (t − window, t] count, so that the oldest leaves exactly a window after
/// it went out.
struct FrequencyCaps {
    var caps: [Policy.Cap]

    /// What the caps leave of the channels.
    ///
    /// A capped channel is left out; an account or recipient that is capped leaves none.
    ///
    /// - Returns: the channels that are free; where there is none, the instant at which one is.
    func free(
        of channels: [String], _ recipient: Recipient, _ sent: [SentMark], at now: Int64
    ) -> (channels: [String], until: Int64) {
        var whole = Int64.min
        for cap in caps {
            switch cap.per {
            case .account: whole = Swift.max(whole, lapse(cap, sent, at: now) { _ in true })
            case .recipient: whole = Swift.max(whole, lapse(cap, sent, at: now) { $0.recipient == recipient })
            case .channel: break
            }
        }
        var free: [String] = []
        var earliest = Int64.max
        for channel in channels {
            var until = Int64.min
            for cap in caps where cap.per == .channel {
                until = Swift.max(until, lapse(cap, sent, at: now) { $0.channels.contains(channel) })
            }
            if until <= now { free.append(channel) } else { earliest = Swift.min(earliest, until) }
        }
        if whole > now { return ([], free.isEmpty ? Swift.max(whole, earliest) : whole) }
        return (free, earliest)
    }

    /// When one more is allowed: `.min` where it is now.
    private func lapse(_ cap: Policy.Cap, _ sent: [SentMark], at now: Int64, _ counts: (SentMark) -> Bool) -> Int64 {
        let times = sent.filter { $0.time > now - cap.window && counts($0) }.map(\.time)
        guard times.count >= cap.count else { return .min }
        // A cap of none is none for as long as its window, again and again.
        guard cap.count > 0 else { return now + Swift.max(cap.window, 1) }
        return times[times.count - cap.count] + cap.window
    }

    /// Without marks that no cap can count any more: of each scope the newest `count` within the window matter.
    ///
    /// Bound: the sum over all caps of their count, times recipients or channels that were used.
    func needed(_ sent: [SentMark], at now: Int64) -> [SentMark] {
        var used: [[String: Int]] = Array(repeating: [:], count: caps.count)
        var kept: [SentMark] = []
        for mark in sent.reversed() {
            var isNeeded = false
            for (index, cap) in caps.enumerated() where mark.time > now - cap.window {
                let scopes =
                    switch cap.per {
                    case .account: [""]
                    case .recipient: [mark.recipient.rawValue]
                    case .channel: mark.channels
                    }
                for scope in scopes where used[index][scope, default: 0] < cap.count {
                    used[index][scope, default: 0] += 1
                    isNeeded = true
                }
            }
            if isNeeded { kept.append(mark) }
        }
        kept.reverse()
        return kept
    }
}
