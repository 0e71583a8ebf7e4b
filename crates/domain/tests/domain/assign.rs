//! The assignment of distinct people to open places, held against trying every possibility.

use std::collections::BTreeSet;

use placet_domain::assign::{Open, assign};
use placet_domain::id::IdentityId;
use placet_domain::name::StageName;
use placet_domain::route::Candidates;
use proptest::prelude::*;

use crate::build::id;

/// Whether the places can all be filled, by trying everyone in every place.
fn fillable(
    places: &[StageName],
    candidates: &Candidates,
    taken: &mut BTreeSet<IdentityId>,
) -> bool {
    let Some((place, rest)) = places.split_first() else { return true };
    let people = candidates.get(place).cloned().unwrap_or_default();
    people.into_iter().any(|person| {
        if !taken.insert(person) {
            return false;
        }
        let fits = fillable(rest, candidates, taken);
        taken.remove(&person);
        fits
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn an_assignment_is_found_exactly_if_there_is_one(
        stages in prop::collection::vec((0u32..4, prop::collection::btree_set(1u128..7, 0..6)), 0..4)
    ) {
        let name = |n: usize| -> StageName { format!("stage-{n}").parse().unwrap() };
        let open: Open = stages.iter().enumerate().map(|(n, (needed, _))| (name(n), *needed)).collect();
        let candidates: Candidates = stages
            .iter()
            .enumerate()
            .map(|(n, (_, people))| (name(n), people.iter().map(|p| id(*p)).collect()))
            .collect();
        let places: Vec<StageName> = open
            .iter()
            .flat_map(|(stage, needed)| (0..*needed).map(|_| stage.clone()))
            .collect();
        match assign(&open, &candidates) {
            Ok(found) => {
                prop_assert_eq!(found.len(), places.len());
                for (person, stage) in &found {
                    prop_assert!(candidates[stage].contains(person));
                }
                for (stage, needed) in &open {
                    let filled = found.values().filter(|one| *one == stage).count();
                    prop_assert_eq!(filled, *needed as usize);
                }
            }
            Err(unfillable) => {
                prop_assert!(!fillable(&places, &candidates, &mut BTreeSet::new()));
                prop_assert_eq!(open[&unfillable.stage], unfillable.needed);
                prop_assert_eq!(candidates[&unfillable.stage].len(), unfillable.eligible);
            }
        }
    }
}
