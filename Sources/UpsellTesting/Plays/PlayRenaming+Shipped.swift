internal import Foundation

extension PlayRenaming {
    /// The shipped catalogue under other names of everything, sold in euros.
    public static let renamed = PlayRenaming(title: "renamed", otherNames.merging(["USD": "EUR"]) { $1 })

    /// A catalogue of four plans with other limits, sold in yen, and the names it has.
    public static let otherCatalogue = PlayRenaming(
        title: "another catalogue",
        otherNames.merging([
            "USD": "JPY", "USD: 50": "JPY: 8000", "USD: { atLeast: 90 }": "JPY: { atLeast: 12000 }",
        ]) { $1 }, catalog: TestPaths.package.appendingPathComponent("Tests/PlayTests/other-catalog.yaml").path)

    /// Begins the names of files with its outputs.
    var suffix: String { title == Self.none.title ? "" : title.split(separator: " ").joined(separator: "-") + "." }

    private static let otherNames = [
        // Plans and add-ons.
        "basic": "starter", "pro": "team", "enterprise": "business", "storage-100": "disk-pack", "seats-5": "seat-pack",
        // Meters.
        "users": "people", "storage": "disk", "integrations": "connectors", "api_calls": "http_calls",
        "bandwidth": "traffic", "boards": "canvases", "recording_minutes": "footage", "suggestions": "hints",
        // Events.
        "account.seats": "team.counted", "storage.measured": "disk.sampled", "api.request": "http.called",
        "integration.connected": "connector.added", "integration.disconnected": "connector.removed",
        "board.created": "canvas.added", "board.deleted": "canvas.removed", "board.denied": "canvas.refused",
        "recording.finished": "footage.saved", "suggestion.accepted": "hint.taken",
        "suggestion.denied": "hint.refused", "feature.locked": "module.refused", "feature.used": "module.opened",
        "downgrade.attempted": "plan.left",
        // Features.
        "gantt": "timeline", "automation": "workflows", "dashboards": "charts", "branding": "white_label",
        "sso": "single_sign_on", "audit_log": "activity_log", "inbox": "mailbox", "saved_replies": "snippets",
        "reports": "analyses", "exports": "downloads",
        // Behaviours.
        "miro_denied": "wall_of_canvases", "clickup_locked": "closed_doors", "grammarly_denied": "wall_of_hints",
        "zapier_use": "trial_use", "intercom_use": "daily_use", "intercom_locked": "knocks", "pendo_use": "paths",
        "airtable_use": "week_of_use", "airtable_locked": "week_of_knocks", "canva_downgrade": "farewell",
        "canva_use": "what_was_used",
        // Segments.
        "dropbox_large": "big_spenders", "intercom_team": "real_teams",
    ]
}
