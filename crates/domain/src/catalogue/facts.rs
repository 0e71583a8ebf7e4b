//! The facts of a record, and which way each of them widens. A fact that is not in the short list
//! of those that can only narrow widens whichever way it changes.

use std::collections::BTreeSet;

use super::{Change, Effect, Line, Names};
use crate::entitlement::{Entitlement, Terms};
use crate::identity::{External, Identity, Nature, Profile};
use crate::schedule::Schedule;
use crate::target::Target;
use crate::team::Team;

/// What a change of a fact can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// No policy reads it.
    Neutral,
    /// Any change can widen.
    Either,
    /// More of it can widen, less of it only narrows.
    More,
    /// Less of it can widen, more of it only narrows.
    Less,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Value {
    Text(String),
    Number(i64, String),
    Set(BTreeSet<String>),
}

impl Value {
    fn shown(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(_, text) => Some(text.clone()),
            Self::Set(set) if set.is_empty() => None,
            Self::Set(set) => Some(set.iter().cloned().collect::<Vec<_>>().join(", ")),
        }
    }
}

/// The facts of one record by name, in the order in which they are shown.
pub(super) struct Facts(Vec<(&'static str, Way, Value)>);

impl Facts {
    fn text(&mut self, name: &'static str, way: Way, value: impl ToString) {
        self.0.push((name, way, Value::Text(value.to_string())));
    }

    fn number(&mut self, name: &'static str, way: Way, rank: i64, shown: impl ToString) {
        self.0.push((name, way, Value::Number(rank, shown.to_string())));
    }

    fn set<T: ToString>(&mut self, name: &'static str, way: Way, set: impl Iterator<Item = T>) {
        self.0.push((name, way, Value::Set(set.map(|one| one.to_string()).collect())));
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _, _)| *known == name).map(|(_, _, value)| value)
    }
}

/// The facts before, if the record was there, and after.
pub(super) fn of(change: &Change, names: &Names) -> (Option<Facts>, Facts) {
    match change {
        Change::Team { before, after } => (before.as_ref().map(team), team(after)),
        Change::Schedule { before, after } => (before.as_ref().map(schedule), schedule(after)),
        Change::Identity { before, after } => {
            (before.as_deref().map(|one| identity(one, names)), identity(after, names))
        }
        Change::Target { before, after } => {
            (before.as_ref().map(|one| target(one, names)), target(after, names))
        }
        Change::Entitlement { before, after } => {
            (before.as_deref().map(|one| entitlement(one, names)), entitlement(after, names))
        }
    }
}

// Each record is taken apart by name: a field that is added to one does not compile until it is said
// here which way it widens.

fn team(team: &Team) -> Facts {
    let Team { name: _, within } = team;
    let mut facts = Facts(Vec::new());
    facts.set("within", Way::Either, within.iter());
    facts
}

fn schedule(schedule: &Schedule) -> Facts {
    let Schedule { name: _, zone, days, opens, closes, closed } = schedule;
    let mut facts = Facts(Vec::new());
    facts.text("zone", Way::Either, zone);
    facts.set("days", Way::Either, days.iter().map(|day| day.as_str()));
    facts.text("opens", Way::Either, opens);
    facts.text("closes", Way::Either, closes);
    facts.set("closed", Way::Either, closed.iter());
    facts
}

fn identity(one: &Identity, names: &Names) -> Facts {
    let Identity { id: _, profile, is, teams, active, risk, schedule } = one;
    let mut facts = Facts(Vec::new());
    match names.profiles.get(&profile.commitment()) {
        Some(Profile { handle, name, mail, accounts, logins }) => {
            facts.text("name", Way::Neutral, name);
            if let Some(mail) = mail {
                facts.text("mail", Way::Neutral, mail);
            }
            let accounts =
                accounts.iter().map(|(target, account)| format!("{account} on {target}"));
            facts.set("accounts", Way::Either, accounts);
            facts.text("handle", Way::Either, handle);
            // Whoever has a login is this person; with one less they come in by another or not at all.
            let logins = logins.iter().map(|one| format!("{} at {}", one.subject, one.issuer));
            facts.set("logins", Way::More, logins);
        }
        // Not disclosed here: that it changed is all that can be seen.
        None => facts.text("profile", Way::Either, profile.commitment()),
    }
    match is {
        Nature::Human { manager, external } => {
            if let Some(manager) = manager {
                facts.text("manager", Way::Either, names.identity(*manager));
            }
            if let Some(External { sponsor, contract_ends }) = external {
                facts.text("sponsor", Way::Either, names.identity(*sponsor));
                facts.number("contract_ends", Way::More, contract_ends.as_micros(), contract_ends);
            }
        }
        Nature::Workload { kind, owner, purpose } => {
            facts.text("kind", Way::Either, kind.as_str());
            facts.text("owner", Way::Either, names.identity(*owner));
            facts.text("purpose", Way::Either, purpose);
        }
    }
    facts.set("teams", Way::Either, teams.iter());
    facts.number("risk", Way::Less, i64::from(*risk), risk);
    if let Some(schedule) = schedule {
        facts.text("schedule", Way::Either, schedule);
    }
    let state = if *active { "active" } else { "has left" };
    facts.number("state", Way::More, i64::from(*active), state);
    facts
}

fn target(one: &Target, names: &Names) -> Facts {
    // The brake is no line of a catalogue: a look sets it, and a person releases it.
    let Target { id: _, name: _, owner, connector, settings, retired, brake: _, released: _ } = one;
    let mut facts = Facts(Vec::new());
    facts.text("owner", Way::Either, names.identity(*owner));
    facts.text("connector", Way::Either, connector);
    let settings = settings.iter().map(|(key, value)| format!("{key} = {value}"));
    facts.set("settings", Way::Either, settings);
    let state = if *retired { "retired" } else { "in use" };
    facts.number("state", Way::More, i64::from(!retired), state);
    facts
}

fn entitlement(one: &Entitlement, names: &Names) -> Facts {
    let Entitlement {
        id: _,
        name: _,
        terms,
        owner,
        owners,
        offered_to,
        holders,
        longest,
        conflicts,
        packs,
        power_over_placet,
        retired,
    } = one;
    let Terms { target, native, kind, environment, privilege, scope, sensitivity } = terms;
    let mut facts = Facts(Vec::new());
    facts.text("target", Way::Either, names.target(*target));
    facts.text("native", Way::Either, native);
    facts.text("kind", Way::Either, kind.as_str());
    facts.text("environment", Way::Either, environment.as_str());
    facts.text("privilege", Way::Either, privilege.as_str());
    facts.text("scope", Way::Either, scope);
    facts.number("sensitivity", Way::Either, i64::from(*sensitivity), sensitivity);
    facts.text("owner", Way::Either, names.identity(*owner));
    facts.text("owners", Way::Either, owners);
    facts.set("offered_to", Way::More, offered_to.iter());
    facts.set("holders", Way::More, holders.iter().map(|kind| kind.as_str()));
    let seconds = i64::try_from(longest.as_seconds()).unwrap_or(i64::MAX);
    facts.number("longest", Way::More, seconds, longest);
    let conflicts = conflicts.iter().map(|other| names.entitlement(*other));
    facts.set("conflicts", Way::Less, conflicts);
    facts.set("packs", Way::Either, packs.iter());
    facts.text("power_over_placet", Way::Either, power_over_placet);
    let state = if *retired { "retired" } else { "offered" };
    facts.number("state", Way::More, i64::from(!retired), state);
    facts
}

/// One line for each fact that differs; a new record shows all that it has.
pub(super) fn compare(record: &str, before: Option<Facts>, after: &Facts) -> Vec<Line> {
    let line = |fact: &str, old, new, effect| Line {
        record: record.to_owned(),
        fact: fact.to_owned(),
        old,
        new,
        effect,
    };
    let Some(before) = before else {
        let new = Line {
            new: Some("registered".to_owned()),
            ..line("record", None, None, Effect::Widens)
        };
        let facts = after.0.iter().filter_map(|(name, way, value)| {
            let effect = if *way == Way::Neutral { Effect::Neutral } else { Effect::Widens };
            value.shown().map(|shown| line(name, None, Some(shown), effect))
        });
        return std::iter::once(new).chain(facts).collect();
    };
    let mut lines = Vec::new();
    for (name, way, new) in &after.0 {
        match (before.get(name), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Set(old)), Value::Set(new)) => {
                let gone = old.difference(new);
                let come = new.difference(old);
                lines.extend(gone.map(|one| line(name, Some(one.clone()), None, less(*way))));
                lines.extend(come.map(|one| line(name, None, Some(one.clone()), more(*way))));
            }
            (Some(Value::Number(from, old)), Value::Number(to, new)) => {
                let effect = if to > from { more(*way) } else { less(*way) };
                lines.push(line(name, Some(old.clone()), Some(new.clone()), effect));
            }
            (old, new) => {
                // A fact that comes, or changes its form, has no direction.
                let effect = if *way == Way::Neutral { Effect::Neutral } else { Effect::Widens };
                lines.push(line(name, old.and_then(Value::shown), new.shown(), effect));
            }
        }
    }
    for (name, way, old) in before.0.iter().filter(|(name, _, _)| after.get(name).is_none()) {
        let effect = if *way == Way::Neutral { Effect::Neutral } else { Effect::Widens };
        lines.push(line(name, old.shown(), None, effect));
    }
    lines
}

fn more(way: Way) -> Effect {
    match way {
        Way::Neutral => Effect::Neutral,
        Way::Less => Effect::Narrows,
        Way::Either | Way::More => Effect::Widens,
    }
}

fn less(way: Way) -> Effect {
    match way {
        Way::Neutral => Effect::Neutral,
        Way::More => Effect::Narrows,
        Way::Either | Way::Less => Effect::Widens,
    }
}
