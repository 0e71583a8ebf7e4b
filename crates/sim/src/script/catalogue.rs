//! Sentences about the governed catalogue. Text in the file's own form stands in quotes, with `'`
//! in the place of `"`.
//!
//! `adam proposes dev-db-write with "longest = '60d'"` changes a line of the company's catalogue;
//! `adam proposes new person "handle = 'zoe', ..."` adds one. `anna adopts c1`, `anna rejects c1`,
//! `adam drops c1`, `adam retires target prod`, `mara keeps h1`. `adam proposes policy "..."` adds
//! text to the guardrails; `anna adopts that policy`. `adam lets organisation go on` releases what
//! the brake stopped. `the key lets adam and anna in because "..."` is the recovery. Looking:
//! `show handovers`, `show upkeep`.

use std::fmt::Write as _;

use placet_domain::canonical::Digest;
use placet_domain::catalogue::Line;
use placet_domain::event::Event;
use placet_domain::id::{HandoverId, ProposalId, Stream};
use placet_domain::{entitlement, handover, identity, organisation, proposal};
use placet_engine::commands::bundle::{AdoptBundle, ProposeBundle};
use placet_engine::commands::catalogue::change::{
    AdoptCatalogue, Differs, KeepHandover, ProposeCatalogue, RejectCatalogue, WithdrawCatalogue,
};
use placet_engine::commands::catalogue::{Files, RetireTarget};
use placet_engine::commands::found::Catalogue;
use placet_engine::commands::rerule::ReleaseRerule;
use serde_json::{Value, json};

use super::{Done, Story};
use crate::company;
use crate::world::Broken;

/// What a story has proposed so far.
#[derive(Debug)]
pub(super) struct Governing {
    /// The company's catalogue with every line that a story changed in it.
    files: Value,
    policy: Option<Digest>,
}

impl Default for Governing {
    fn default() -> Self {
        let files = serde_json::to_value(company::catalogue(company::Extent::default()))
            .expect("a catalogue is JSON");
        Self { files, policy: None }
    }
}

const KINDS: [&str; 6] = ["team", "schedule", "person", "workload", "target", "entitlement"];

fn fields(text: &str) -> Result<Value, String> {
    let text = format!("line = {{ {} }}", text.replace('\'', "\""));
    let read: toml::Table = toml::from_str(&text).map_err(|e| e.to_string())?;
    let value = serde_json::to_value(read).map_err(|e| e.to_string())?;
    value.get("line").cloned().ok_or_else(|| "no line".to_owned())
}

impl Governing {
    /// The line of the company's catalogue that is called so, with these fields.
    fn changed(&mut self, name: &str, with: &Value) -> Result<Value, String> {
        for kind in KINDS {
            let lines = self.files.get_mut(kind).and_then(Value::as_array_mut);
            let line = lines.into_iter().flatten().filter_map(Value::as_object_mut).find(|line| {
                let called = line.get("name").filter(|_| kind != "person").or(line.get("handle"));
                called == Some(&json!(name))
            });
            if let Some(line) = line {
                for (key, value) in with.as_object().into_iter().flatten() {
                    line.insert(key.clone(), value.clone());
                }
                return Ok(json!({ kind: [line] }));
            }
        }
        Err(format!("nothing in the catalogue is called `{name}`"))
    }

    /// Everybody who has a line.
    fn handles(&self) -> Vec<String> {
        let lines = ["person", "workload"].into_iter().filter_map(|kind| self.files.get(kind));
        let lines = lines.filter_map(Value::as_array).flatten();
        lines.filter_map(|line| line.get("handle")?.as_str().map(str::to_owned)).collect()
    }

    fn added(&mut self, kind: &str, line: &Value) -> Result<Value, String> {
        let kind = *KINDS.iter().find(|one| **one == kind).ok_or("no kind of line")?;
        let files = self.files.as_object_mut().ok_or("no catalogue")?;
        let lines = files.entry(kind).or_insert_with(|| json!([])).as_array_mut();
        lines.ok_or("no lines")?.push(line.clone());
        Ok(json!({ kind: [line] }))
    }
}

impl Story {
    /// What people do to the catalogue and to policy.
    pub(super) async fn governs(&mut self, words: &[&str]) -> Result<Option<Done>, String> {
        let done = match words {
            [who, "proposes", "policy", text] => self.proposes_policy(who, text).await?,
            [who, "adopts", "that", "policy"] => {
                let bundle = self.governing.policy.ok_or("no policy was proposed")?;
                self.world.by(who, &AdoptBundle { bundle }).await
            }
            [who, "proposes", "new", kind, line] => {
                let part = self.governing.added(kind, &fields(line)?)?;
                self.proposes(who, part).await?
            }
            [who, "proposes", name, "with", line] => {
                let part = self.governing.changed(name, &fields(line)?)?;
                self.proposes(who, part).await?
            }
            [who, "adopts", id] => {
                let proposal = self.proposal(id)?;
                let adopted = self.world.by(who, &AdoptCatalogue { proposal }).await;
                for handle in self.governing.handles() {
                    self.world.learn(&handle).await;
                }
                adopted
            }
            [who, "rejects", id] => {
                let (proposal, reason) = (self.proposal(id)?, None);
                self.world.by(who, &RejectCatalogue { proposal, reason }).await
            }
            [who, "drops", id] => {
                let proposal = self.proposal(id)?;
                self.world.by(who, &WithdrawCatalogue { proposal }).await
            }
            [who, "retires", "target", name] => {
                let target = (*name).to_owned();
                self.world.by(who, &RetireTarget { target }).await
            }
            [who, "keeps", id] => {
                let handover = self.handover(id)?;
                self.world.by(who, &KeepHandover { handover }).await
            }
            ["the", "key", "lets", one, "and", other, "in", "because", why] => {
                let people = vec![(*one).to_owned(), (*other).to_owned()];
                let given = self.world.engine().recover(people, (*why).to_owned()).await;
                given.map(drop).map_err(Broken::from)
            }
            [who, "lets", what, "go", "on"] => {
                let what = what.parse().map_err(|_| "no record")?;
                self.world.by(who, &ReleaseRerule { what }).await
            }
            _ => return Ok(None),
        };
        Ok(Some(done))
    }

    async fn proposes(&mut self, who: &str, part: Value) -> Result<Done, String> {
        let catalogue: Catalogue = serde_json::from_value(part).map_err(|e| e.to_string())?;
        let files = Files { catalogue, whole: false };
        match self.world.by(who, &ProposeCatalogue { files }).await {
            Ok(Differs { lines, .. }) => {
                for line in lines {
                    let _ = writeln!(self.out, "    {}", difference(&line));
                }
                Ok(Ok(()))
            }
            Err(broken) => Ok(Err(broken)),
        }
    }

    async fn proposes_policy(&mut self, who: &str, text: &str) -> Result<Done, String> {
        let mut bundle = placet_policy::shipped();
        let file = bundle.files.get_mut("policies/guardrails.cedar").ok_or("no guardrails")?;
        let _ = write!(file, "\n{}\n", text.replace('\'', "\""));
        match self.world.by(who, &ProposeBundle { bundle }).await {
            Ok(digest) => {
                self.governing.policy = Some(digest);
                Ok(Ok(()))
            }
            Err(broken) => Ok(Err(broken)),
        }
    }

    fn proposal(&self, id: &str) -> Result<ProposalId, String> {
        match self.named('c', id)? {
            Stream::Proposal(proposal) => Ok(*proposal),
            _ => Err(format!("`{id}` is no change")),
        }
    }

    fn handover(&self, id: &str) -> Result<HandoverId, String> {
        match self.named('h', id)? {
            Stream::Handover(handover) => Ok(*handover),
            _ => Err(format!("`{id}` is no handover")),
        }
    }

    // ---- looking ----

    pub(super) async fn handovers(&mut self) -> Result<Vec<String>, String> {
        let actor = self.world.actor(company::AUDITOR).await.map_err(|e: Broken| e.to_string())?;
        let list = self.world.engine().handovers(actor, &Default::default()).await;
        let who = |who: &placet_engine::queries::Who| who.handle.clone().unwrap_or_default();
        let list = list.map_err(|e| e.to_string())?;
        let line = |one: &placet_engine::queries::HandoverView| {
            let overdue = if one.overdue { ", overdue" } else { "" };
            let (from, to) = (who(&one.from), who(&one.to));
            format!("{} from {from} to {to} {}{overdue}", one.what, one.because)
        };
        let mut lines: Vec<String> = list.iter().map(line).collect();
        // They come in the order of ids, which are drawn.
        lines.sort();
        Ok(lines)
    }

    pub(super) async fn upkeep(&mut self) -> Result<Vec<String>, String> {
        let admin = company::ADMINISTRATORS[0];
        let actor = self.world.actor(admin).await.map_err(|e: Broken| e.to_string())?;
        let list = self.world.engine().upkeep(actor).await.map_err(|e| e.to_string())?;
        let line = |one: &placet_engine::queries::UpkeepView| {
            let state = match (one.would_end, one.live) {
                (Some(ends), Some(live)) => format!("held: it would end {ends} of {live}"),
                _ => "goes on".to_owned(),
            };
            format!("{} {} {state}", one.does, one.called)
        };
        Ok(list.iter().map(line).collect())
    }

    /// What an event about the catalogue says beyond its name.
    pub(super) fn catalogue_detail(&self, event: &Event) -> String {
        match event {
            Event::Proposal(proposal::Event::Proposed(proposed)) => match proposed.records {
                1 => "1 record".to_owned(),
                records => format!("{records} records"),
            },
            Event::Entitlement(entitlement::Event::Revised(one)) => {
                format!("{}, of {}", one.name, self.world.name(one.owner))
            }
            Event::Identity(identity::Event::Revised(one)) => match one.owner() {
                Some(owner) => format!("of {}", self.world.name(owner)),
                None => String::new(),
            },
            Event::Handover(handover::Event::Opened(opened)) => {
                let to = self.world.name(opened.to);
                format!("{} to {to} {}", self.called(&opened.what), opened.heir.words())
            }
            Event::Handover(handover::Event::Settled { how }) => how.as_str().to_owned(),
            Event::Organisation(organisation::Event::ReruleHeld { held, .. }) => {
                format!("it would end {} of {}", held.would_end, held.live)
            }
            _ => String::new(),
        }
    }

    fn called(&self, what: &Stream) -> String {
        match what {
            Stream::Entitlement(id) => {
                let found = self.checkers.book.entitlement(*id);
                found.map(|one| one.name.to_string()).unwrap_or_default()
            }
            other => self.plain_name(other),
        }
    }
}

fn difference(line: &Line) -> String {
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
    let (old, new) = (side(&line.old), side(&line.new));
    format!("{} {} {}: {old} -> {new}", line.effect.as_str(), line.record, line.fact)
}
