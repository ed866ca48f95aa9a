/// Why the demo could not be shown.
public enum DemoError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file could not be read; the path is empty where reading broke off half-way.
    case file(String, String)
    /// The embedded broker, a producer or a consumer said no.
    case broker(String)
    /// The pipeline did not take in, within the time it has, what it was fed.
    case stalled(String)

    public var description: String {
        switch self {
        case .file(let path, let why): path.isEmpty ? "reading broke off: \(why)" : "\(path): \(why)"
        case .broker(let why): "the embedded broker: \(why)"
        case .stalled(let why): why
        }
    }
}
