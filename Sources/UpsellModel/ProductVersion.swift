/// Version of upselld, in `upselld version` and in the headers of dead letters.
public enum ProductVersion {
    public static let text = "0.1.0"
}
