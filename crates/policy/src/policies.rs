//! A bundle that was read and found sound: what questions are asked of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Effect, Entity, PolicyId, PolicySet};
use placet_domain::Timestamp;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_domain::name::{StageName, TeamName};
use placet_domain::route::StepUp;
use placet_domain::ruling::Deciding;

use crate::asking::Asking;
use crate::bundle::{SCHEMA, unknown_files};
use crate::placed::{Placed, covered, parse, validate};
use crate::problem::{Problem, Source};
use crate::slice::World;
use crate::words::{Words, approve_as};
use crate::{lint, schema, syntax};

/// A policy as people read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its `@id`.
    pub id: String,
    /// Its own sentence.
    pub why: String,
    /// As it is written.
    pub text: String,
    /// The file of the bundle in which it stands.
    pub file: String,
    pub permits: bool,
    /// The stage that it asks for, and the one that has to be complete before.
    pub stage: Option<StageName>,
    pub after: Option<StageName>,
    /// What whoever agrees has to sign with.
    pub step_up: Option<StepUp>,
    /// From when on it rules no more, if it is a pre-approval.
    pub lapses_at: Option<Timestamp>,
}

/// What a policy says about itself.
#[derive(Clone, Debug)]
struct Note {
    why: String,
    file: String,
    permits: bool,
    /// As it is written.
    text: String,
    stage: Option<StageName>,
    after: Option<StageName>,
    step_up: Option<StepUp>,
    /// From this moment on a pre-approval rules no more.
    lapses_at: Option<Timestamp>,
}

/// Where the people of a stage come from, as far as the permits of the stage name it. It tells what
/// to load; who is eligible, only a ruling tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sources {
    /// Members of these teams, and of teams within them.
    pub teams: BTreeSet<TeamName>,
    /// Members of the entitlement's owners' team, and of teams within it.
    pub owners: bool,
    /// The receiver's manager, and theirs.
    pub managers: bool,
    /// A permit names none of these, so anybody may be eligible.
    pub anybody: bool,
}

/// A policy bundle, checked. Every question is asked of it by [`Policies::asking`].
#[derive(Debug)]
pub struct Policies {
    pub(crate) bundle: Digest,
    pub(crate) words: Words,
    pub(crate) actions: Vec<Entity>,
    /// The policies that can apply to an action, by its name.
    sets: BTreeMap<String, PolicySet>,
    notes: BTreeMap<String, Note>,
    stages: BTreeMap<StageName, Sources>,
}

impl Policies {
    /// Reads, validates and lints a bundle. A bundle with any problem rules nothing.
    pub fn load(bundle: &Bundle) -> Result<Self, Vec<Problem>> {
        let mut problems = unknown_files(bundle);
        let read = match bundle.files.get(SCHEMA) {
            Some(text) => schema::read(&Source { file: SCHEMA, text }),
            None => Err(vec![Source { file: SCHEMA, text: "" }.at(0, "the schema is missing")]),
        };
        let (placed, unreadable) = parse(bundle);
        problems.extend(unreadable);
        let read = read.map_err(|found| problems.extend(found));
        if let Ok(read) = &read {
            let invalid = validate(&placed, read);
            let sound = |one: &Placed<'_>| !invalid.iter().any(|problem| one.has(problem));
            problems.extend(lint::all(&placed, read, sound));
            problems.extend(invalid);
        }
        match read {
            Ok(read) if problems.is_empty() => Self::new(bundle, &placed, &read)
                .map_err(|why| vec![Source { file: SCHEMA, text: "" }.at(0, why)]),
            _ => {
                problems.sort();
                problems.dedup();
                Err(problems)
            }
        }
    }

    pub(crate) fn new(
        bundle: &Bundle,
        placed: &[Placed<'_>],
        read: &schema::Read,
    ) -> Result<Self, String> {
        let words = Words::new()?;
        let mut sets: BTreeMap<String, PolicySet> = BTreeMap::new();
        let mut notes = BTreeMap::new();
        for one in placed {
            notes.insert(one.id().to_owned(), note(one));
            for action in covered(&one.policy, read) {
                let set = sets.entry(action).or_default();
                set.add(one.policy.clone()).map_err(|e| e.to_string())?;
            }
        }
        let stages = read.stages.iter().map(|stage| {
            let permits = placed.iter().filter(|one| {
                one.policy.effect() == Effect::Permit
                    && covered(&one.policy, read).contains(&approve_as(stage))
            });
            (stage.clone(), sources(permits, &words))
        });
        let stages = stages.collect();
        let actions = read.schema.action_entities().map_err(|e| e.to_string())?;
        Ok(Self {
            bundle: bundle.digest().map_err(|e| e.to_string())?,
            words,
            actions: actions.iter().cloned().collect(),
            sets,
            notes,
            stages,
        })
    }

    /// The digest under which the bundle is stored, cited and adopted.
    pub fn bundle(&self) -> Digest {
        self.bundle
    }

    /// The stages that the bundle knows, sorted by name.
    pub fn stages(&self) -> impl Iterator<Item = &StageName> {
        self.stages.keys()
    }

    /// Where the people of a stage come from; none if the bundle has no such stage.
    pub fn sources(&self, stage: &StageName) -> Option<&Sources> {
        self.stages.get(stage)
    }

    /// The teams that the permits of a stage name.
    pub fn candidate_teams(&self, stage: &StageName) -> BTreeSet<TeamName> {
        self.stages.get(stage).map(|sources| sources.teams.clone()).unwrap_or_default()
    }

    /// The ids of all policies with their sentences, sorted.
    pub fn all(&self) -> impl Iterator<Item = Deciding> {
        self.notes.keys().map(|id| self.deciding(id))
    }

    /// Every policy, by file and id.
    pub fn rules(&self) -> Vec<Rule> {
        let mut out: Vec<Rule> = self.notes.iter().map(rule).collect();
        out.sort_by(|a, b| (&a.file, &a.id).cmp(&(&b.file, &b.id)));
        out
    }

    /// Every policy by its id, as it is written.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        self.notes.iter().map(|(id, note)| (id.clone(), note.text.clone())).collect()
    }

    /// Begins to ask. Everything asked is judged as of `now`.
    pub fn asking<'a>(&'a self, world: &'a World<'a>, now: Timestamp) -> Asking<'a> {
        Asking::new(self, world, now)
    }

    pub(crate) fn has_stage(&self, stage: &StageName) -> bool {
        self.stages.contains_key(stage)
    }

    pub(crate) fn deciding(&self, id: &str) -> Deciding {
        let why = self.notes.get(id).map(|note| note.why.clone()).unwrap_or_default();
        Deciding { policy: id.to_owned(), why }
    }

    pub(crate) fn stage_of(&self, id: &str) -> Option<&StageName> {
        self.notes.get(id)?.stage.as_ref()
    }

    pub(crate) fn after_of(&self, id: &str) -> Option<&StageName> {
        self.notes.get(id)?.after.as_ref()
    }

    /// What whoever agrees to meet this gate has to sign with.
    pub(crate) fn step_up_of(&self, id: &str) -> Option<StepUp> {
        self.notes.get(id)?.step_up
    }

    /// The pre-approvals that nobody reviewed in time, sorted.
    pub(crate) fn lapsed_at(&self, now: Timestamp) -> BTreeSet<String> {
        let lapsed = |note: &Note| note.lapses_at.is_some_and(|at| at <= now);
        self.notes.iter().filter(|(_, note)| lapsed(note)).map(|(id, _)| id.clone()).collect()
    }

    /// What can apply to an action, without the policies that do not rule any more.
    pub(crate) fn ruling_on(&self, action: &str, without: &BTreeSet<String>) -> Cow<'_, PolicySet> {
        let Some(set) = self.sets.get(action) else { return Cow::Owned(PolicySet::new()) };
        let skipped = |id: &PolicyId| without.contains(AsRef::<str>::as_ref(id));
        if !set.policies().any(|policy| skipped(policy.id())) {
            return Cow::Borrowed(set);
        }
        let kept = set.policies().filter(|policy| !skipped(policy.id())).cloned();
        // Their ids differ already, or they had not been a set; an empty one permits nothing.
        Cow::Owned(PolicySet::from_policies(kept).unwrap_or_default())
    }
}

fn rule((id, note): (&String, &Note)) -> Rule {
    let Note { why, file, permits, text, stage, after, step_up, lapses_at } = note.clone();
    Rule { id: id.clone(), why, text, file, permits, stage, after, step_up, lapses_at }
}

fn note(one: &Placed<'_>) -> Note {
    let stage = |key| one.annotation(key).and_then(|name| name.parse().ok());
    Note {
        why: one.annotation("why").unwrap_or_default().to_owned(),
        file: one.source.file.to_owned(),
        permits: one.policy.effect() == Effect::Permit,
        text: one
            .source
            .text
            .get(one.offset..one.offset + one.length)
            .unwrap_or_default()
            .to_owned(),
        stage: stage("stage"),
        after: stage("after"),
        step_up: one.annotation("step_up").and_then(StepUp::parse),
        lapses_at: one.annotation("review_by").and_then(end_of_day),
    }
}

/// The moment at which a day such as `2027-05-31` is over, in UTC.
pub(crate) fn end_of_day(day: &str) -> Option<Timestamp> {
    if day.len() != "2027-05-31".len() {
        return None;
    }
    let midnight: Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
    Some(midnight.plus_seconds(24 * 60 * 60))
}

fn sources<'a>(permits: impl Iterator<Item = &'a Placed<'a>>, words: &Words) -> Sources {
    let mut all = Sources::default();
    for permit in permits {
        let literals = permit.policy.entity_literals();
        let teams: BTreeSet<TeamName> = literals
            .iter()
            .filter(|uid| words.is_team(uid))
            .filter_map(|uid| AsRef::<str>::as_ref(uid.id()).parse().ok())
            .collect();
        let owners = syntax::bodies(&permit.json).any(|body| syntax::reads(body, "owners"));
        let managers = syntax::bodies(&permit.json).any(|body| syntax::reads(body, "manager"));
        all.anybody |= teams.is_empty() && !owners && !managers;
        all.teams.extend(teams);
        all.owners |= owners;
        all.managers |= managers;
    }
    all
}
