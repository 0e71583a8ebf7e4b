//! Can distinct people be assigned to all open places at once? (bipartite matching, Kuhn 1955)

use std::collections::{BTreeMap, BTreeSet};

use crate::id::IdentityId;
use crate::name::StageName;
use crate::route::Candidates;

/// A stage, and how many people it still needs.
pub type Open = BTreeMap<StageName, u32>;

/// A stage that cannot be filled together with the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfillable {
    pub stage: StageName,
    pub needed: u32,
    /// How many eligible people there are for this stage alone.
    pub eligible: usize,
}

/// One possible assignment of distinct people to every open place, or the stage that stays open.
pub fn assign(
    open: &Open,
    candidates: &Candidates,
) -> Result<BTreeMap<IdentityId, StageName>, Unfillable> {
    let mut taken: BTreeMap<IdentityId, StageName> = BTreeMap::new();
    for (stage, needed) in open {
        for _ in 0..*needed {
            if !place(stage, candidates, &mut taken, &mut BTreeSet::new()) {
                let eligible = candidates.get(stage).map_or(0, BTreeSet::len);
                return Err(Unfillable { stage: stage.clone(), needed: *needed, eligible });
            }
        }
    }
    Ok(taken)
}

/// Finds one more person for `stage`, moving others to stages where they are eligible as well.
fn place(
    stage: &StageName,
    candidates: &Candidates,
    taken: &mut BTreeMap<IdentityId, StageName>,
    tried: &mut BTreeSet<IdentityId>,
) -> bool {
    for person in candidates.get(stage).into_iter().flatten() {
        if taken.get(person) == Some(stage) || !tried.insert(*person) {
            continue;
        }
        let free = match taken.get(person).cloned() {
            None => true,
            Some(held) => place(&held, candidates, taken, tried),
        };
        if free {
            taken.insert(*person, stage.clone());
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(n: u128) -> IdentityId {
        IdentityId::from(uuid::Uuid::from_u128(n))
    }

    fn check(open: &[(&str, u32)], eligible: &[(&str, &[u128])], expect: Result<usize, &str>) {
        let open: Open = open.iter().map(|(s, n)| (s.parse().unwrap(), *n)).collect();
        let candidates: Candidates = eligible
            .iter()
            .map(|(s, people)| (s.parse().unwrap(), people.iter().map(|p| person(*p)).collect()))
            .collect();
        let got = assign(&open, &candidates);
        if let Ok(assigned) = &got {
            for (stage, needed) in &open {
                assert_eq!(assigned.values().filter(|s| *s == stage).count(), *needed as usize);
            }
            assert!(assigned.iter().all(|(p, s)| candidates[s].contains(p)));
        }
        assert_eq!(
            got.map(|a| a.len()).map_err(|u| u.stage.to_string()),
            expect.map_err(str::to_owned)
        );
    }

    #[test]
    fn distinct_people_fill_all_places_at_once() {
        check(&[("owner", 1), ("security", 1)], &[("owner", &[1]), ("security", &[2])], Ok(2));
        check(
            &[("owner", 1), ("security", 1)],
            &[("owner", &[1]), ("security", &[1])],
            Err("security"),
        );
        check(&[("owner", 1), ("security", 1)], &[("owner", &[1, 2]), ("security", &[1])], Ok(2));
        check(
            &[("a", 1), ("b", 1), ("c", 2)],
            &[("a", &[1, 2]), ("b", &[1, 3]), ("c", &[1, 2, 4])],
            Ok(4),
        );
        check(&[("owner", 2)], &[("owner", &[1])], Err("owner"));
        check(&[("owner", 1)], &[], Err("owner"));
        check(&[], &[], Ok(0));
    }
}
