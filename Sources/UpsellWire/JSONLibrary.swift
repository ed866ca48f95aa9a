internal import CSimdjson

/// The JSON library beneath.
public enum JSONLibrary {
    /// Version that was compiled against, as `3.0.1`.
    public static var version: String { unsafe String(cString: csimdjson_version()) }
}
