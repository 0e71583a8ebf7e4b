//! Sentences about what lasts: `ines asks dev-db-write for 4h starting in 1d until ticket:OPS-7
//! because "..."`, `olaf breaks glass for prod-db-admin for 1h in INC-7`, `sven reviews 1 as
//! justified "..."`, `olga narrows 1 to 2h` (or `to dev-db-read`), `olga questions 1 "..."`, `ines
//! answers question 1 of 1 "..."`, `ines extends g1 for 4h because "..."`, `ines files a and b for 4h
//! because "..."`, `olga delegates to tom for 2d` (or `forever`), `olga ends delegation to tom`,
//! `ines reports ticket:OPS-7`, `olga adopts f1 for 8h because "..."` (or `regrants`, `accepts`),
//! `olga removes f1`, `olga releases staging`, `staging deploy now allows "..."`,
//! `by hand 15 strangers on staging deploy`.

use std::fmt::Write as _;

use placet_domain::delegation::Delegation;
use placet_domain::event::Event;
use placet_domain::finding;
use placet_domain::id::{DelegationId, FindingId, Stream};
use placet_domain::request::{self, Answer, Verdict};
use placet_domain::state::State;
use placet_domain::target;
use placet_engine::commands::answer::{AnswerFinding, ReleaseBrake, RemoveFound};
use placet_engine::commands::delegate::{Delegate, EndDelegation};
use placet_engine::commands::extend::ExtendGrant;
use placet_engine::commands::file::FileTogether;
use placet_engine::commands::narrow::NarrowRequest;
use placet_engine::commands::question::{AnswerQuestion, AskQuestion};
use placet_engine::commands::review::ReviewEmergency;
use placet_engine::commands::submit::SubmitRequest;

use super::shown::since;
use super::{Done, Length, Story};

impl Story {
    /// What people do to keep a request going.
    pub(super) async fn lasts(&mut self, words: &[&str]) -> Result<Option<Done>, String> {
        let done = match words {
            [who, "asks", what, "for", length, rest @ .., "because", why] => {
                let mut ask = ask(what, length, why);
                self.conditions(&mut ask, rest)?;
                self.world.by(who, &ask).await.map(drop)
            }
            [who, "breaks", "glass", "for", what, "for", length, "in", incident] => {
                let incident = Some((*incident).to_owned());
                let ask = SubmitRequest { incident, ..ask(what, length, "the site is down") };
                self.world.by(who, &ask).await.map(drop)
            }
            [who, "extends", id, "for", length, "because", why] => {
                let grant = self.grant(id)?;
                let (length, justification) = ((*length).to_owned(), (*why).to_owned());
                let extend = ExtendGrant { grant, length, justification };
                self.world.by(who, &extend).await.map(drop)
            }
            [who, "files", one, "and", other, "for", length, "because", why] => {
                let asks = vec![ask(one, length, why), ask(other, length, why)];
                self.world.by(who, &FileTogether { asks }).await.map(drop)
            }
            [who, "narrows", id, "to", what] => {
                let approval = self.approval(id, false)?;
                let shorter = Length::parse(what).is_ok();
                let narrow = NarrowRequest {
                    request: approval.request,
                    digest: approval.digest,
                    length: shorter.then(|| (*what).to_owned()),
                    entitlement: (!shorter).then(|| (*what).to_owned()),
                    starts_at: None,
                };
                self.world.by(who, &narrow).await.map(drop)
            }
            [who, "questions", id, text] => {
                let question = AskQuestion { request: self.request(id)?, text: (*text).to_owned() };
                self.world.by(who, &question).await
            }
            [who, "answers", "question", number, "of", id, text] => {
                let answer = AnswerQuestion {
                    request: self.request(id)?,
                    number: number.parse().map_err(|_| "no number")?,
                    text: (*text).to_owned(),
                };
                self.world.by(who, &answer).await
            }
            [who, "reviews", id, "as", verdict, note] => {
                let verdict = match *verdict {
                    "justified" => Verdict::Justified,
                    "not-justified" => Verdict::NotJustified,
                    other => return Err(format!("`{other}` is no verdict")),
                };
                let request = self.request(id)?;
                let review = ReviewEmergency { request, verdict, note: (*note).to_owned() };
                self.world.by(who, &review).await
            }
            _ => return self.answers(words).await,
        };
        Ok(Some(done))
    }

    /// Delegations, ending events, and answers to findings.
    async fn answers(&mut self, words: &[&str]) -> Result<Option<Done>, String> {
        let done = match words {
            [who, "delegates", "to", whom, "forever"] => {
                let delegate = Delegate { to: (*whom).to_owned(), starts_at: None, ends_at: None };
                self.world.by(who, &delegate).await.map(drop)
            }
            [who, "delegates", "to", whom, "for", length] => {
                let ends_at = Some(self.in_a(length)?);
                let delegate = Delegate { to: (*whom).to_owned(), starts_at: None, ends_at };
                self.world.by(who, &delegate).await.map(drop)
            }
            [who, "ends", "delegation", "to", whom] => {
                let delegation = self.delegation(who, whom)?;
                self.world.by(who, &EndDelegation { delegation }).await
            }
            [who, "reports", event] => match self.world.report(who, event).await {
                Ok(done) => {
                    let (ending, overtaken) = (done.ending, done.overtaken);
                    let told = format!("    {ending} end, {overtaken} need no decision");
                    let _ = writeln!(self.out, "{told}");
                    Ok(())
                }
                Err(broken) => Err(broken),
            },
            [who, verb @ ("adopts" | "regrants" | "accepts"), id, rest @ .., "because", why] => {
                let (receiver, length) = match rest {
                    ["for", length] => (None, length),
                    ["of", whom, "for", length] => (Some((*whom).to_owned()), length),
                    _ => return Err("for how long?".to_owned()),
                };
                let answer = AnswerFinding {
                    finding: self.finding(id)?,
                    answer: match *verb {
                        "adopts" => Answer::Adopt,
                        "regrants" => Answer::Regrant,
                        _ => Answer::Accept,
                    },
                    receiver,
                    length: (*length).to_owned(),
                    justification: (*why).to_owned(),
                };
                self.world.by(who, &answer).await.map(drop)
            }
            [who, "removes", id] => {
                let finding = self.finding(id)?;
                self.world.by(who, &RemoveFound { finding }).await
            }
            [who, "releases", target] => {
                let release = ReleaseBrake { target: (*target).to_owned() };
                self.world.by(who, &release).await
            }
            [target, native, "now", "allows", scope] => {
                let native = native.parse().map_err(|_| "no native id")?;
                self.target(target)?.change_scope(native, (*scope).to_owned());
                Ok(())
            }
            ["by", "hand", count, "strangers", "on", target, native] => {
                let count: u32 = count.parse().map_err(|_| "no number")?;
                for n in 1..=count {
                    let account = format!("stranger{n}").parse().map_err(|_| "no account")?;
                    let native = native.parse().map_err(|_| "no native id")?;
                    let binding = placet_domain::observation::Binding { native, account };
                    self.target(target)?.change_by_hand(binding, true);
                }
                Ok(())
            }
            _ => return Ok(None),
        };
        Ok(Some(done))
    }

    fn conditions(&self, ask: &mut SubmitRequest, words: &[&str]) -> Result<(), String> {
        match words {
            [] => Ok(()),
            ["on", "behalf", "of", whom, rest @ ..] => {
                ask.receiver = Some((*whom).to_owned());
                self.conditions(ask, rest)
            }
            ["starting", "in", length, rest @ ..] => {
                ask.starts_at = Some(self.in_a(length)?);
                self.conditions(ask, rest)
            }
            ["starting", "at", moment, rest @ ..] => {
                ask.starts_at = Some((*moment).to_owned());
                self.conditions(ask, rest)
            }
            ["until", event, rest @ ..] => {
                ask.ends_on.push((*event).to_owned());
                self.conditions(ask, rest)
            }
            [other, ..] => Err(format!("`{other}` is no condition of an ask")),
        }
    }

    /// The moment after a length from now.
    fn in_a(&self, length: &str) -> Result<String, String> {
        let length = Length::parse(length).map_err(|refusal| refusal.to_string())?;
        Ok((self.world.nature.moment() + length).to_string())
    }

    fn finding(&self, id: &str) -> Result<FindingId, String> {
        match self.named('f', id)? {
            Stream::Finding(finding) => Ok(*finding),
            _ => Err(format!("`{id}` is no finding")),
        }
    }

    fn delegation(&self, from: &str, to: &str) -> Result<DelegationId, String> {
        let (from, to) = (self.world.id(from), self.world.id(to));
        let theirs = |one: &&Delegation| Some(one.made.from) == from && Some(one.made.to) == to;
        let last = self.delegations().filter(theirs).last();
        last.map(|one| one.made.delegation).ok_or_else(|| "there is no such delegation".to_owned())
    }

    fn delegations(&self) -> impl Iterator<Item = &Delegation> {
        self.checkers.book.all().filter_map(|state| match state {
            State::Delegation(delegation) => Some(delegation),
            _ => None,
        })
    }

    // ---- the transcript ----

    /// The details of events that keep a request going, or answer a finding.
    pub(super) fn lasting_detail(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Request(event) => self.request_lasts(event)?,
            Event::Finding(finding::Event::Accepted(accepted)) => {
                format!("until {}", since(accepted.until))
            }
            Event::Finding(finding::Event::RemovalTried(tried)) => format!("{:?}", tried.outcome),
            Event::Target(target::Event::Braked(braked)) => {
                format!("{} findings held back, of {} known", braked.findings, braked.of)
            }
            Event::Delegation(placet_domain::delegation::Event::Made(made)) => {
                let (from, to) = (self.world.name(made.from), self.world.name(made.to));
                format!("{from} to {to} until {}", since(made.ends_at))
            }
            _ => return None,
        })
    }

    fn request_lasts(&self, event: &request::Event) -> Option<String> {
        Some(match event {
            request::Event::Narrowed(narrow) => self.what(&narrow.submitted.revision),
            request::Event::ApprovalRecorded(approval) => {
                let acting = approval.acting_for.as_ref()?;
                format!("in stage {} for {}", approval.stage, self.world.name(acting.identity))
            }
            request::Event::QuestionAsked(asked) => format!("question {}", asked.number),
            request::Event::QuestionAnswered(answered) => format!("question {}", answered.number),
            request::Event::Escalated(escalated) => {
                let to = escalated.to.iter();
                let to: Vec<String> = to
                    .map(|(to, silent)| {
                        format!("{} for {}", self.world.name(*to), self.world.name(*silent))
                    })
                    .collect();
                let to = if to.is_empty() { "nobody".to_owned() } else { to.join(", ") };
                format!("stage {} to {to}", escalated.stage)
            }
            request::Event::Overtaken(overtaken) => overtaken.event.to_string(),
            request::Event::ReviewOwed(owed) => format!("by {}", since(owed.due_at)),
            request::Event::ReviewRecorded(reviewed) => reviewed.verdict.as_str().to_owned(),
            _ => return None,
        })
    }
}

fn ask(what: &str, length: &str, why: &str) -> SubmitRequest {
    SubmitRequest {
        entitlement: what.to_owned(),
        length: length.to_owned(),
        justification: why.to_owned(),
        ..SubmitRequest::default()
    }
}
