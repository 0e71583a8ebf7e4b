//! The difference of two bundles, in policies and in what comes out.

use crate::tests::edited;
use crate::{difference, shipped};

const GATES: &str = "policies/gates.cedar";

#[test]
fn two_bundles_that_are_the_same_differ_in_nothing() {
    assert!(difference(&shipped(), &shipped()).unwrap().is_empty());
}

#[test]
fn what_changed_is_shown_in_policies_and_in_what_comes_out() {
    let weaker = edited(GATES, "approvals.security >= 2", "approvals.security >= 1");
    let found = difference(&shipped(), &weaker).unwrap();
    assert!(found.added.is_empty() && found.removed.is_empty() && found.files.is_empty());
    let [changed] = found.changed.as_slice() else { panic!("{:?}", found.changed) };
    assert!(changed.gone[0].contains(">= 2") && changed.come[0].contains(">= 1"), "{changed:?}");
    assert!(!found.effects.is_empty());
    for one in &found.effects {
        assert!(one.old.contains("security 2") && one.new.contains("security 1"), "{one:?}");
    }
    // Seen from the other side, it is the other way round.
    let back = difference(&weaker, &shipped()).unwrap();
    assert_eq!(back.effects.len(), found.effects.len());
    assert!(back.effects.iter().all(|one| one.new.contains("security 2")));
}

#[test]
fn what_came_and_went_is_named() {
    let mut longer = shipped();
    let text = longer.files.get_mut("policies/guardrails.cedar").unwrap();
    text.push_str(
        "\n@id(\"guard.freeze\")\n@why(\"Nothing is granted while the freeze holds.\")\n\
         forbid (principal, action in Action::\"fulfil\", resource)\n\
         when { resource.entitlement.environment == Environment::\"prod\" };\n",
    );
    let found = difference(&shipped(), &longer).unwrap();
    assert_eq!(found.added, ["guard.freeze"]);
    assert!(
        found.effects.iter().any(|one| one.new.contains("guard.freeze")),
        "{:?}",
        found.effects
    );
    let back = difference(&longer, &shipped()).unwrap();
    assert_eq!(back.removed, ["guard.freeze"]);
    let comment = edited("tests/company.toml", "\n", "\n# looked at again\n");
    assert_eq!(difference(&shipped(), &comment).unwrap().files, ["tests/company.toml"]);
    let broken = edited(GATES, "approvals.security >= 2", "approvals.securty >= 2");
    assert!(difference(&shipped(), &broken).is_err(), "what cannot rule has no difference");
}
