/// Turns files, environment and command line into a `Configuration`, or into every complaint about them at once.
public enum ConfigurationLoader {
    /// Loads the main file and the catalogue and rules files it names.
    ///
    /// - Parameters:
    ///   - path: of the main file; the others are relative to its folder.
    ///   - overrides: dotted keys of the main file and their values, from `--set`; win over environment and file.
    ///   - environment: `UPSELLD_GROUP_ID` sets `group.id`, `UPSELLD_KAFKA_BOOTSTRAP_SERVERS` sets `kafka.bootstrap.servers`.
    /// - Throws: all complaints; nothing was loaded then.
    public static func load(
        path: String, overrides: [(key: String, value: String)] = [], environment: [String: String] = [:]
    ) throws(ConfigurationError) -> Configuration {
        throw ConfigurationError(complaints: [])
    }
}
