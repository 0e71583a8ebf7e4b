//! The way of a request, solved from the gates by asking until they let through.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Entities;
use placet_domain::name::StageName;
use placet_domain::route::{Route, Solved, Stage};
use placet_domain::ruling::Deciding;

use crate::asking::{Asking, Facts, way_of};
use crate::record::Answer;
use crate::slice::Ask;
use crate::words::GRANT_PREAPPROVED;

/// More people than this in one stage are no gate but a wall.
const MOST: u32 = 32;

impl Asking<'_> {
    /// What would have to happen before this is granted: nothing (a pre-approved pattern covers it, or
    /// it is an emergency), these people, or never, with the sentences of the guardrails that refuse.
    pub fn solve(&mut self, ask: &Ask) -> Solved {
        let facts = self.facts_for(ask, []);
        let (who, what) = self.fulfilling(ask);
        let quick =
            self.heard(GRANT_PREAPPROVED, who.clone(), what.clone(), Vec::new(), entities(&facts));
        if quick.permit && ask.emergency.is_none() {
            let ruling = self.kept(GRANT_PREAPPROVED, who, what, Vec::new(), &facts);
            let because = ruling.deciding.clone();
            return Solved { route: Some(Route::PreApproved { because }), ruling };
        }
        // With every counter full only guardrails are left: what refuses now, refuses for ever.
        let full = self.policies.stages().map(|stage| (stage.clone(), MOST)).collect();
        if !self.granted_on(ask, &full, &facts).permit {
            return self.closed(ask, &full, &facts);
        }
        let mut needed: BTreeMap<StageName, u32> = BTreeMap::new();
        let mut because: BTreeMap<StageName, BTreeSet<Deciding>> = BTreeMap::new();
        // Each round fills a place, and all are full after this many.
        for _ in 0..=full.values().sum::<u32>() {
            let ruling = self.granted_on(ask, &needed, &facts);
            if ruling.permit {
                let stages = self.stages_of(&needed, &because);
                let context = self.counted(ask, &needed, None);
                let ruling = self.kept(way_of(ask), who, what, context, &facts);
                let route = match ask.emergency {
                    Some(_) if stages.is_empty() => Route::BreakGlass {
                        because: ruling.deciding.clone(),
                        warnings: self.warnings(ask, &full),
                    },
                    _ => Route::People { stages },
                };
                return Solved { route: Some(route), ruling };
            }
            let mut short = BTreeSet::new();
            for gate in &ruling.policies {
                if let Some(stage) = self.policies.stage_of(gate) {
                    short.insert(stage.clone());
                    let gate = self.policies.deciding(gate);
                    because.entry(stage.clone()).or_default().insert(gate);
                }
            }
            if short.is_empty() {
                break;
            }
            for stage in short {
                *needed.entry(stage).or_insert(0) += 1;
            }
        }
        self.closed(ask, &full, &facts)
    }

    fn granted_on(
        &mut self,
        ask: &Ask,
        counters: &BTreeMap<StageName, u32>,
        facts: &Facts,
    ) -> Answer {
        let (who, what) = self.fulfilling(ask);
        let context = self.counted(ask, counters, None);
        self.heard(way_of(ask), who, what, context, entities(facts))
    }

    /// What would refuse this in the ordinary way, whoever agreed. In an emergency it warns.
    fn warnings(&mut self, ask: &Ask, full: &BTreeMap<StageName, u32>) -> Vec<Deciding> {
        let ordinary = Ask { emergency: None, ..ask.clone() };
        let facts = self.facts_for(&ordinary, []);
        let ruling = self.granted_on(&ordinary, full, &facts);
        if ruling.permit {
            return Vec::new();
        }
        ruling.policies.iter().map(|id| self.policies.deciding(id)).collect()
    }

    fn closed(&mut self, ask: &Ask, counters: &BTreeMap<StageName, u32>, facts: &Facts) -> Solved {
        let (who, what) = self.fulfilling(ask);
        let context = self.counted(ask, counters, None);
        Solved { route: None, ruling: self.kept(way_of(ask), who, what, context, facts) }
    }

    /// The stages by name. One waits for another only if that one is on this way at all.
    fn stages_of(
        &self,
        needed: &BTreeMap<StageName, u32>,
        because: &BTreeMap<StageName, BTreeSet<Deciding>>,
    ) -> Vec<Stage> {
        let stage = |(name, count): (&StageName, &u32)| {
            let gates = because.get(name).cloned().unwrap_or_default();
            let after = gates.iter().filter_map(|gate| self.policies.after_of(&gate.policy));
            // One gate that takes a passkey is enough.
            let step_up = gates.iter().find_map(|gate| self.policies.step_up_of(&gate.policy));
            Stage {
                name: name.clone(),
                needed: *count,
                after: after.filter(|stage| needed.contains_key(*stage)).cloned().collect(),
                because: gates.into_iter().collect(),
                step_up,
            }
        };
        needed.iter().map(stage).collect()
    }
}

/// The facts alone, or why there are none.
fn entities(facts: &Facts) -> Result<&Entities, String> {
    facts.as_ref().map(|slice| &slice.entities).map_err(Clone::clone)
}
