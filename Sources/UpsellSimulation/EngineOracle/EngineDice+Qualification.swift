/// What the qualification asks of policies, rules and profiles.
extension EngineDice {
    static let allChannels = ["in_app", "email", "push"]

    mutating func qualification() -> EngineScene.QualificationShape {
        var shape = EngineScene.QualificationShape()
        guard random.chance(750) else { return shape }
        asksChannels = random.chance(600)
        shape.upgradePause = random.pick([0, Self.day, 5 * Self.day])
        for _ in 0..<random.below(3) {
            shape.caps.append(
                EngineScene.QualificationShape.Cap(
                    scope: asksChannels ? random.pick([.account, .account, .recipient, .channel]) : .account,
                    count: 1 + random.below(3),
                    window: random.pick([6 * Self.hour, Self.day, 3 * Self.day])))
        }
        shape.competes = random.chance(400)
        shape.retry = random.pick([6 * Self.hour, Self.day])
        if random.chance(300) {
            let from = Int64(random.below(48)) * 30
            shape.quiet = (from, (from + 30 + Int64(random.below(20)) * 30) % 1_440, random.chance(300))
        }
        if random.chance(250) { shape.holdout = 5_000 }
        return shape
    }

    /// Who a rule is for; part of its version.
    mutating func address(_ rule: inout EngineScene.RuleShape, _ scene: EngineScene) {
        rule.audience = nil
        rule.waits = false
        guard random.chance(250) else { return }
        rule.audience = [random.below(scene.limits.count)]
        rule.waits = random.chance(500)
    }

    /// What is not part of a rule's version.
    mutating func dress(_ rule: inout EngineScene.RuleShape, _ scene: EngineScene) {
        rule.isService = random.chance(150)
        rule.mode = random.chance(100) ? random.pick([.shadow, .paused]) : .live
        rule.priority = random.below(3)
        rule.channels = Self.allChannels.filter { _ in random.chance(500) }
        rule.recipient = random.pick([.admin, .admin, .actor, .billing])
        rule.expiresAfter = random.chance(200) ? Self.day : 14 * Self.day
    }

    /// What of a profile no limit depends on.
    mutating func redress(_ profile: inout EngineProfile) {
        if random.chance(500) {
            profile.status = random.pick([.active, .active, .trialing, .cancelled, .cancelling, .pastDue, .paused])
        } else if asksChannels {
            profile.optOut = Self.allChannels.filter { _ in random.chance(400) }
        }
    }
}
