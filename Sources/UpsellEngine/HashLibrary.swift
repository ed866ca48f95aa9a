internal import CXXHash

/// The hash library beneath.
public enum HashLibrary {
    /// Version that runs, as `0.8.1`.
    public static var version: String {
        let number = XXH_versionNumber()
        return "\(number / 10_000).\(number / 100 % 100).\(number % 100)"
    }
}
