/// Bugs that can be planted in an engine, to prove that the oracle of `upselld-sim --engine` would notice them.
///
/// Each is a branch away from the path that every event takes. Never set in the daemon.
package enum PlantedEngineBug: String, Sendable, CaseIterable {
    /// `>` for `>=`: a threshold that is reached exactly does not fire.
    case strictThreshold
    /// A gauge arms anew as soon as usage is below the threshold.
    case bandIgnored
    /// One threshold that is armed anew takes the others with it.
    case bandOfAll
    /// An edit of the words is taken for another rule.
    case wordsRearm
    /// A correction arms thresholds anew within a period.
    case correctionRearms
    /// Usage within grace of a period that is over goes out.
    case closedPeriodFires
    /// Of a jump only the highest threshold is spent.
    case jumpLeavesLower
    /// A limit that rises leaves what is reached armed.
    case riseFires
    /// A limit that falls spends what is exceeded.
    case fallSpends
    /// A closed period counts for ever.
    case graceForgotten
    /// Backfill and snapshots fire.
    case backfillFires
    /// A new version of a rule fires what is exceeded, whatever it says.
    case changeEvaluates
    /// `latest` takes older event times.
    case latestTakesOlder
    /// Periods are those of UTC.
    case zoneIgnored
    /// A bucket leaves its window when its hour begins to be too old.
    case bucketLeavesEarly
    /// What is reached and not the account's stays armed.
    case variantLeavesOthers
    /// A ghost of the holdout uses up no cap and no cooldown.
    case ghostNotCounted
    /// A service notice uses up the caps.
    case serviceCounts
    /// A rule's cooldown does not hold it back.
    case cooldownForgotten
    /// An upgrade does not hold back what follows.
    case upgradeForgotten
    /// A rule in shadow speaks.
    case shadowSends
    /// Accounts that are past due or leaving are sold to.
    case statusIgnored
    /// Opted-out channels are used.
    case optOutIgnored
    /// Of what competes the first rule wins, whatever its priority.
    case priorityIgnored
    /// Quiet hours are those of UTC.
    case quietInUTC
    /// What was owed goes out without a look at the usage of then.
    case releasedUnjudged
    /// Lower thresholds stay owed beside higher ones.
    case lowerStaysOwed
    /// A dismissal binds nobody.
    case dismissalForgotten
    /// A snooze holds nothing back.
    case snoozeForgotten
    /// A paused rule speaks.
    case pauseIgnored
    /// A refusal is told each time that it comes.
    case toldAgain
}
