/// What the qualification asks of policies, rules and profiles.
extension EngineDice {
    mutating func qualification() -> EngineScene.QualificationShape { EngineScene.QualificationShape() }

    /// What is not part of a rule's version.
    mutating func dress(_ rule: inout EngineScene.RuleShape, _ scene: EngineScene) {}

    /// What of a profile no limit depends on.
    mutating func redress(_ profile: inout EngineProfile) {}
}
