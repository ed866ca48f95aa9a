internal import Glibc
internal import Synchronization

/// The place where people read: a terminal that is repainted, or plain lines.
///
/// Any thread; a frame and a line are written whole.
public final class Console: Sendable {
    private let descriptor: Int32
    /// Repaints frames; plain lines otherwise.
    public let isLive: Bool
    private let colours: Bool
    private let state = Mutex(State())

    private struct State {
        /// Lines of the frame on the screen; the next frame starts that many lines above.
        var painted = 0
        var previous: [String] = []
        /// The reader has gone away; nothing is written any more.
        var closed = false
    }

    /// - Parameters:
    ///   - descriptor: 1 or 2.
    ///   - live: false for plain lines even on a terminal.
    public init(descriptor: Int32, live: Bool) {
        self.descriptor = descriptor
        let terminal = isatty(descriptor) == 1 && Self.variable("TERM") != "dumb"
        isLive = live && terminal
        // https://no-color.org: any value that is not empty.
        colours = terminal && (Self.variable("NO_COLOR") ?? "").isEmpty
    }

    /// The reader has gone away.
    var isClosed: Bool { state.withLock { $0.closed } }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Columns and rows as they are now, so that a resized window is right with the next frame.
    private func renderer() -> FrameRenderer {
        var size = winsize()
        let known = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0
        return FrameRenderer(
            width: known ? Int(size.ws_col) : 80, height: known ? Int(size.ws_row) : 24, colours: colours)
    }

    /// Repaints the frame in place. Only lines that changed are written, in one write, so that nothing flickers.
    func paint(_ model: ViewModel) {
        guard isLive else { return }
        let frame = renderer().frame(model)
        state.withLock { state in
            // Synchronised output where the terminal knows it (others ignore it), cursor hidden, wrap off.
            var text = "\u{1B}[?2026h\u{1B}[?25l\u{1B}[?7l"
            if state.painted > 0 { text += "\u{1B}[\(state.painted)A" }
            text += "\r"
            for (index, line) in frame.enumerated() {
                // Cleared before it is written: after a line of full width it would cost its last column.
                if index >= state.previous.count || state.previous[index] != line { text += "\u{1B}[2K" + line }
                text += "\n"
            }
            // A shorter frame than before: clear the rest of the screen below.
            if frame.count < state.painted { text += "\u{1B}[J" }
            text += "\u{1B}[?7h\u{1B}[?25h\u{1B}[?2026l"
            state.painted = frame.count
            state.previous = frame
            write(text, &state)
        }
    }

    /// Writes a line below the frame, which stays on the screen as it is; the next frame is painted below.
    public func line(_ text: String) {
        let shown = FrameRenderer(width: .max, height: 0, colours: false).fit(text, .max)
        state.withLock { state in
            state.painted = 0
            state.previous = []
            write(shown + "\n", &state)
        }
    }

    /// Says what a trigger is about, as a line.
    func trigger(_ line: TriggerLine) { self.line(FrameRenderer.sentence(line)) }

    private func write(_ text: String, _ state: inout State) {
        guard !state.closed else { return }
        state.closed = !writeAll(Array(text.utf8), to: descriptor)
    }
}

/// Writes all bytes; false where the reader is gone.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
        var done = 0
        while done < buffer.count {
            let count = unsafe write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return false }
            done += count
        }
        return true
    }
}
