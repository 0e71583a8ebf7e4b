//! What a story shows: what is asked for, and each new line of the ledger, in words without ids.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use placet_domain::action::Outcome;
use placet_domain::actor::Actor;
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::finding::Resolution;
use placet_domain::grant::{self, Gone, Reason};
use placet_domain::id::Stream;
use placet_domain::observation::Binding;
use placet_domain::request::{self, Revision};
use placet_domain::route::Route;
use placet_domain::{Timestamp, finding};

use super::Story;
use crate::nature::BEGINNING;

impl Story {
    pub(super) async fn show(&mut self, what: &[&str]) -> Result<(), String> {
        let lines = match what {
            ["requests"] => self.requests().await,
            ["grants"] => self.grants(),
            ["findings"] => self.findings().await?,
            ["handovers"] => self.handovers().await?,
            ["upkeep"] => self.upkeep().await?,
            ["mail"] => self.mail(),
            ["work", "of", who] => self.work_of(who).await?,
            ["undelivered"] => self.undelivered().await?,
            ["notices", "of", who] => self.notices_of(who).await?,
            ["ledger", id] => self.ledger(&Stream::Request(self.request(id)?)),
            [target] => {
                let target = self.target(target)?;
                let (there, sessions) = (target.truth(), target.sessions());
                let line = |one: &Binding| {
                    let open = match (there.contains(one), sessions.contains(one)) {
                        (true, true) => ", in a session",
                        (false, true) => " is gone, and still in a session",
                        (_, false) => "",
                    };
                    format!("{} {}{open}", one.native, one.account)
                };
                there.union(&sessions).map(line).collect()
            }
            _ => return Err("what is to be shown?".to_owned()),
        };
        if lines.is_empty() {
            let _ = writeln!(self.out, "    (nothing)");
        }
        for line in lines {
            let _ = writeln!(self.out, "    {line}");
        }
        Ok(())
    }

    pub(super) fn in_order(&self, letter: char) -> Vec<(&Stream, &String)> {
        let mut all: Vec<_> =
            self.short.iter().filter(|(_, name)| name.starts_with(letter)).collect();
        all.sort_by_key(|(_, name)| name.get(1..).and_then(|n| n.parse::<u32>().ok()));
        all
    }

    pub(super) fn what(&self, revision: &Revision) -> String {
        let entitlement = self.checkers.book.entitlement(revision.entitlement);
        let name = entitlement.map(|one| one.name.to_string()).unwrap_or_default();
        format!("{} {name} for {}", self.world.name(revision.receiver), revision.length)
    }

    pub(super) async fn requests(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (stream, short) in self.in_order('r') {
            let Stream::Request(id) = stream else { continue };
            let Some(request) = self.checkers.book.request(*id) else { continue };
            let what = self.what(&request.revision);
            let mut line = format!("{short} {} {what}", request.state.as_str());
            for (stage, people) in self.world.store().waiting_on(*id).await.unwrap_or_default() {
                let mut names: Vec<&str> = people.iter().map(|one| self.world.name(*one)).collect();
                names.sort_unstable();
                let _ = write!(line, "; {stage} waits for {}", names.join(" or "));
            }
            if let Ok(Some(why)) = self.world.store().stalled(*id).await {
                let _ = write!(line, "; stalled: {why}");
            }
            out.push(line);
        }
        out
    }

    pub(super) fn grants(&self) -> Vec<String> {
        let line = |(stream, short): (&Stream, &String)| {
            let Stream::Grant(id) = stream else { return None };
            let grant = self.checkers.book.grant(*id)?;
            let request = self.checkers.book.request(grant.approved.request)?;
            let until = grant
                .until
                .map_or_else(|| "not begun".to_owned(), |at| format!("until {}", since(at)));
            let what = self.what(&request.revision);
            Some(format!("{short} {} {what}, {until}", grant.state.as_str()))
        };
        self.in_order('g').into_iter().filter_map(line).collect()
    }

    pub(super) async fn findings(&self) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        for (stream, short) in self.in_order('f') {
            let found =
                self.checkers.book.findings().find(|one| Stream::Finding(one.id) == *stream);
            let Some(found) = found else { continue };
            let account = match &found.opened.account {
                Some(account) => self.world.store().disclosed(account).await,
                None => Ok(None),
            };
            let account = account.map_err(|e| e.to_string())?;
            let account = account.map_or_else(|| "none".to_owned(), |one| one.to_string());
            let opened = self.about_finding(&found.opened);
            let first = if found.opened.baseline { ", there at the first look" } else { "" };
            out.push(format!(
                "{short} {} {opened}, account {account}{first}",
                found.state.as_str()
            ));
        }
        Ok(out)
    }

    pub(super) fn about_finding(&self, opened: &finding::Opened) -> String {
        let behind = opened.request.map(Stream::Request);
        let behind = behind.and_then(|stream| self.short.get(&stream).cloned());
        let entitlement = self.checkers.book.entitlement(opened.entitlement);
        format!(
            "{} {}, behind it {}, for {} to answer",
            opened.kind.as_str(),
            entitlement.map(|one| one.name.to_string()).unwrap_or_default(),
            behind.unwrap_or_else(|| "no request".to_owned()),
            self.world.name(opened.owner)
        )
    }

    pub(super) fn ledger(&self, trail: &Stream) -> Vec<String> {
        let lines = self.checkers.lines.iter().filter(|line| line.entry.trail == *trail);
        lines.map(|line| self.event(&line.entry)).collect()
    }

    /// What is new in the ledger, but for logging in.
    pub(super) fn tell_news(&mut self) {
        let fresh = self.checkers.lines.get(self.told..).unwrap_or_default();
        let news: Vec<String> = fresh
            .iter()
            .filter(|line| !matches!(line.entry.event.0, Event::Credential(_)))
            .map(|line| self.event(&line.entry))
            .collect();
        self.told = self.checkers.lines.len();
        for line in news {
            let _ = writeln!(self.out, "    {line}");
        }
    }

    pub(super) fn event(&self, entry: &Entry) -> String {
        let who = match entry.actor {
            Actor::Person { id, .. } => self.world.name(id).to_owned(),
            Actor::Token { id, .. } => format!("a program of {}", self.world.name(id)),
            Actor::Worker { name } => format!("({name})"),
            Actor::Founding => "the founding".to_owned(),
            Actor::Recovery => "the recovery".to_owned(),
        };
        let about = self.short.get(&entry.stream).cloned();
        let about = about.unwrap_or_else(|| self.plain_name(&entry.stream));
        let kind = entry.event.0.type_name();
        let detail = self.detail(&entry.event.0);
        format!("{} {about} {kind} {who} {detail}", since(entry.at)).trim_end().replace("  ", " ")
    }

    pub(super) fn plain_name(&self, stream: &Stream) -> String {
        match stream {
            Stream::Identity(id) => self.world.name(*id).to_owned(),
            Stream::Target(id) => {
                let names = self.world.targets.keys();
                names.filter(|name| self.world.id_of_target(name) == Some(*id)).cloned().collect()
            }
            _ => String::new(),
        }
    }

    pub(super) fn detail(&self, event: &Event) -> String {
        if let Some(detail) = self.lasting_detail(event) {
            return detail;
        }
        match event {
            Event::Request(event) => self.request_detail(event),
            Event::Grant(event) => self.grant_detail(event),
            Event::Finding(finding::Event::Opened(opened)) => self.about_finding(opened),
            Event::Finding(finding::Event::Resolved { resolution }) => match resolution {
                Resolution::SeenRight { .. } => "seen to be right".to_owned(),
                Resolution::Done => "done".to_owned(),
                Resolution::Agreed { .. } => "agreed to".to_owned(),
            },
            Event::Target(placet_domain::target::Event::Observed(seen)) => {
                format!(
                    "{} there, {} appeared, {} vanished",
                    seen.count, seen.appeared, seen.vanished
                )
            }
            other => self.catalogue_detail(other),
        }
    }

    pub(super) fn request_detail(&self, event: &request::Event) -> String {
        match event {
            request::Event::Submitted(one) | request::Event::Revised(one) => {
                self.what(&one.revision)
            }
            request::Event::Routed(routed) => match &routed.route {
                Route::PreApproved { .. } => "nobody is asked".to_owned(),
                Route::BreakGlass { warnings, .. } => {
                    let warned: Vec<&str> =
                        warnings.iter().map(|one| one.policy.as_str()).collect();
                    let warned =
                        if warned.is_empty() { "nothing".to_owned() } else { warned.join(", ") };
                    format!("the glass breaks, warned by {warned}")
                }
                Route::People { stages } => {
                    let stages = stages.iter().map(|one| format!("{} {}", one.name, one.needed));
                    format!("needs {}", stages.collect::<Vec<_>>().join(", "))
                }
            },
            request::Event::ApprovalRecorded(approval) => format!("in stage {}", approval.stage),
            _ => String::new(),
        }
    }

    pub(super) fn grant_detail(&self, event: &grant::Event) -> String {
        match event {
            grant::Event::Intended(intended) => {
                format!("{:?} until {}", intended.effect, since(intended.until)).to_lowercase()
            }
            grant::Event::Finished(finished) => match &finished.outcome {
                Outcome::Done => "done".to_owned(),
                Outcome::Failed { why } => format!("failed: {why}"),
                Outcome::InDoubt { why } => format!("in doubt: {why}"),
                Outcome::Ordered { told } => format!("told people, by {}", since(told.due_at)),
            },
            grant::Event::Ending { reason } | grant::Event::Cancelled { reason } => match reason {
                Reason::NotAssented { why } => format!("not assented: {why}"),
                other => other.as_str().to_owned(),
            },
            grant::Event::CarriedOut(one) => format!("by {}", self.world.name(one.by)),
            grant::Event::Returned(one) => format!("by {}", self.world.name(one.by)),
            grant::Event::Confirmed(one) => format!("by {}", self.world.name(one.by)),
            grant::Event::SeenStill { session: true, .. } => "gone, but for a session".to_owned(),
            grant::Event::Collected(collected) => collected.public.mark(),
            grant::Event::Issued(issued) => {
                format!("until {} at the latest", since(issued.over_at))
            }
            grant::Event::ReadBack(read_back) => {
                let names = |hosts: &BTreeSet<String>| match hosts.is_empty() {
                    true => "none".to_owned(),
                    false => hosts.iter().cloned().collect::<Vec<_>>().join(", "),
                };
                let (seen, waits_for) = (names(&read_back.hosts), names(&read_back.waits_for));
                format!("seen on {seen}, waits for {waits_for}")
            }
            grant::Event::Ended { gone } => match gone {
                Gone::SeenAbsent { .. } => "seen to be absent".to_owned(),
                Gone::CarriedOn { by } => {
                    let by = self.short.get(&Stream::Grant(*by)).cloned().unwrap_or_default();
                    format!("carried on by {by}")
                }
                Gone::ValidityOver => "its validity is over".to_owned(),
                Gone::RevocationReadBack { hosts } => {
                    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
                    format!("revocation read back from {}", hosts.join(", "))
                }
                Gone::NeverIssued => "never issued".to_owned(),
                Gone::ConfirmedByPeople { .. } => "on the word of two people".to_owned(),
            },
            _ => String::new(),
        }
    }
}

/// A moment as the time since the world began.
pub(super) fn since(at: Timestamp) -> String {
    let seconds = at.seconds_since(Timestamp::from_micros(BEGINNING));
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("+{hours}:{minutes:02}:{seconds:02}")
}
