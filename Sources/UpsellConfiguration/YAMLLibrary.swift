internal import CYAML

/// The YAML library beneath.
public enum YAMLLibrary {
    /// Version that runs, as `0.2.5`.
    public static var version: String { unsafe String(cString: yaml_get_version_string()) }
}
