//! Stories: lives told in a tiny language, with a transcript that never changes by itself.
//!
//! A line is a sentence. People: `ines asks dev-db-write for 4h because "..."` (and `on behalf of
//! ci-deployer`), `ines revises 1 for 2h because "..."`, `olga approves 1` (`as it was first`),
//! `olga and piotr approve 1 together`, `olga denies 1 because "..."`, `ines withdraws 1`,
//! `olga withdraws approval of 1`, `ines gives back g1`, `olga revokes g1`, `adam deactivates eve`,
//! `adam retires staging-deploy`, `audra exports 1`. The world: `work`, `work 3 times`,
//! `advance 4h`, `the clock is set back by 1d`, `crash`, `start trusting
//! the clock`, `die before commit 2`, `die after commit 1`, `die in call`,
//! `prod meets refuse, lose-reply`, `prod ignores 2 removals`, `prod heals`, `by hand + staging deploy eve`, `prod has sessions`,
//! `session + staging deploy ines`.
//! `olga revokes g1 before commit 2 of work` happens in the midst of a round of the workers.
//! What people do by hand is in `by_hand`; what credentials add is at the top of `credentials.rs`.
//! Looking: `show requests`, `show grants`, `show findings`, `show ledger 1`, `show prod`.
//! Sentences about what lasts are in `lasting`; what people do to the catalogue and to policy stands in
//! `catalogue`, what they sign with in `passkeys`, and what they are told of it in `telling`; how things are shown, in `shown`. `#` begins
//! a comment. After every line the laws are checked.

mod by_hand;
mod catalogue;
mod lasting;
mod passkeys;
mod shown;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use placet_connectors::simulated::Fault;
use placet_domain::canonical::Digest;
use placet_domain::event::Event;
use placet_domain::finding;
use placet_domain::grant;
use placet_domain::id::{GrantId, RequestId, Stream};
use placet_domain::length::Length;
use placet_domain::observation::Binding;
use placet_domain::request::{self, Revision};
use placet_engine::commands::approve::{ApproveRequest, DenyRequest};
use placet_engine::commands::catalogue::{DeactivateIdentity, RetireEntitlement};
use placet_engine::commands::end::{GiveBack, RevokeGrant};
use placet_engine::commands::submit::SubmitRequest;
use placet_engine::commands::withdraw::{WithdrawApproval, WithdrawRequest};

use crate::chaos::Blow;
use crate::checkers::Checkers;
use crate::company::{self, Extent};
use crate::credentials;
use crate::world::{Broken, World};
use shown::since;

/// What a story came to.
#[derive(Debug)]
pub struct Told {
    pub transcript: String,
    pub types: BTreeSet<&'static str>,
}

/// A story being told.
#[derive(Debug)]
struct Story {
    world: World,
    checkers: Checkers,
    /// Short names, such as `r1`, in the order of the ledger.
    short: BTreeMap<Stream, String>,
    /// The digest that each request had first.
    first: BTreeMap<RequestId, Digest>,
    /// How many lines of the ledger were told.
    told: usize,
    governing: catalogue::Governing,
    telling: telling::Telling,
    devices: passkeys::Devices,
    out: String,
}

/// Tells a story. The error is a line that cannot be read, or a law that was broken.
pub async fn tell(text: &str) -> Result<Told, String> {
    let mut story = Story {
        world: World::with(extent(text), 0, 0).await,
        checkers: Checkers::default(),
        short: BTreeMap::new(),
        first: BTreeMap::new(),
        told: 0,
        governing: catalogue::Governing::default(),
        telling: telling::Telling::default(),
        devices: passkeys::Devices::default(),
        out: String::new(),
    };
    story.check(true).await?;
    story.told = story.checkers.lines.len();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            let _ = writeln!(story.out, "{line}");
            continue;
        }
        let _ = writeln!(story.out, "> {line}");
        story.sentence(line).await.map_err(|why| format!("`{line}`: {why}"))?;
    }
    story.checkers.thoroughly(&story.world).await.map_err(|breach| breach.to_string())?;
    Ok(Told { transcript: story.out, types: story.checkers.book.types })
}

/// What a story's company has beside the usual.
fn extent(text: &str) -> Extent {
    let says = |sentence: &str| text.lines().any(|line| line.trim() == sentence);
    Extent {
        credentials: says("the company issues credentials"),
        by_hand: says("the company works by hand"),
    }
}

/// The words of a line; what stands in quotes is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split([' ', ',']).filter(|w| !w.is_empty()).map(str::to_owned));
        }
    }
    words
}

/// What an action of people came to.
type Done = Result<(), Broken>;

impl Story {
    async fn check(&mut self, whole: bool) -> Result<(), String> {
        let checked = self.checkers.after_step(&self.world, whole).await;
        checked.map_err(|breach| breach.to_string())?;
        for line in &self.checkers.lines {
            let entry = &line.entry;
            let letter = match &entry.event.0 {
                Event::Request(request::Event::Submitted(submitted)) => {
                    self.first.insert(submitted.revision.request, submitted.digest);
                    'r'
                }
                Event::Grant(grant::Event::Approved(_)) => 'g',
                Event::Finding(finding::Event::Opened(_)) => 'f',
                Event::Proposal(placet_domain::proposal::Event::Proposed(_)) => 'c',
                Event::Handover(placet_domain::handover::Event::Opened(_)) => 'h',
                Event::Passkey(placet_domain::passkey::Event::Offered(_)) => 'k',
                _ => continue,
            };
            if !self.short.contains_key(&entry.stream) {
                let taken = self.short.values().filter(|name| name.starts_with(letter)).count();
                self.short.insert(entry.stream.clone(), format!("{letter}{}", taken + 1));
            }
        }
        Ok(())
    }

    async fn sentence(&mut self, line: &str) -> Result<(), String> {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let ["show", rest @ ..] = words.as_slice() {
            return self.show(rest).await;
        }
        let mut whole = false;
        let short = self.short.clone();
        let grant = |id: &str| named_grant(&short, id);
        let about = credentials::sentence(&mut self.world, grant, &words).await?;
        let done = if let Some(done) = about {
            done
        } else if let Some(done) = self.uses_passkeys(&words).await? {
            done
        } else if let Some(done) = self.happens_to_mail(&words)? {
            done
        } else if let Some(done) = self.happens(&words, &mut whole).await? {
            done
        } else if let Some(done) = self.decides(&words).await? {
            done
        } else if let Some(done) = self.lasts(&words).await? {
            done
        } else if let Some(done) = self.works_by_hand(&words).await? {
            done
        } else if let Some(done) = self.governs(&words).await? {
            done
        } else {
            self.changes(&words).await?
        };
        if let Err(broken) = &done {
            let told = match broken {
                Broken::Refused(refusal) => {
                    format!("refused: {} ({})", refusal.sentence(), refusal.code())
                }
                other => other.to_string(),
            };
            let _ = writeln!(self.out, "    {}", self.without_ids(&told));
        }
        if done == Err(Broken::Crashed) {
            self.world.start().await;
        }
        self.check(whole && done.is_ok()).await?;
        self.tell_news();
        Ok(())
    }

    /// What the world does.
    async fn happens(&mut self, words: &[&str], whole: &mut bool) -> Result<Option<Done>, String> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is no number"));
        match words {
            ["work"] => {
                *whole = true;
                return Ok(Some(self.world.work().await.map(drop)));
            }
            ["work", times, "times"] => {
                *whole = true;
                for _ in 0..number(times)? {
                    if let Err(broken) = self.world.work().await {
                        return Ok(Some(Err(broken)));
                    }
                }
            }
            ["advance", length] => {
                let length = Length::parse(length).map_err(|refusal| refusal.to_string())?;
                self.world.pass(length.as_seconds()).await;
                let _ = writeln!(self.out, "    it is {}", since(self.world.nature.moment()));
            }
            ["the", "clock", "is", "set", way @ ("forward" | "back"), "by", length] => {
                let length = Length::parse(length).map_err(|refusal| refusal.to_string())?;
                let seconds = i64::try_from(length.as_seconds()).map_err(|e| e.to_string())?;
                self.world.nature.set_clock(if *way == "back" { -seconds } else { seconds });
            }
            ["start", "trusting", "the", "clock"] => self.world.start_trusting_the_clock().await,
            ["crash"] => self.world.start().await,
            ["die", "before", "commit", nth] => {
                self.world.fate.strike(number(nth)?.saturating_sub(1), Blow::BeforeCommit);
            }
            ["die", "after", "commit", nth] => {
                self.world.fate.strike(number(nth)?.saturating_sub(1), Blow::AfterCommit);
            }
            ["die", "in", "call"] => self.world.fate.strike(0, Blow::InCall),
            ["by", "hand", sign, target, native, account] => {
                let binding = Binding {
                    native: native.parse().map_err(|_| "no native id")?,
                    account: account.parse().map_err(|_| "no account")?,
                };
                self.target(target)?.change_by_hand(binding, *sign == "+");
            }
            [target, "has", "sessions"] => self.target(target)?.keep_sessions(),
            ["session", sign, target, native, account] => {
                let binding = Binding {
                    native: native.parse().map_err(|_| "no native id")?,
                    account: account.parse().map_err(|_| "no account")?,
                };
                let target = self.target(target)?;
                match *sign {
                    "+" if !target.open_session(&binding) => return Err("they cannot".to_owned()),
                    "+" => {}
                    _ => target.close_session(&binding),
                }
            }
            [target, "meets", faults @ ..] => {
                let faults: Result<Vec<Fault>, String> =
                    faults.iter().map(|one| fault(one)).collect();
                self.target(target)?.plan(faults?);
            }
            [target, "ignores", count, "removals"] => {
                self.target(target)?.ignore_removals(number(count)?);
            }
            [target, "heals"] => self.target(target)?.heal(),
            _ => return Ok(None),
        }
        Ok(Some(Ok(())))
    }

    fn target(&self, name: &str) -> Result<&crate::target::Watched, String> {
        self.world.targets.get(name).ok_or_else(|| format!("no target is called `{name}`"))
    }

    /// What people ask and decide.
    async fn decides(&mut self, words: &[&str]) -> Result<Option<Done>, String> {
        let done = match words {
            [who, "asks", what, "for", length, "because", why] => {
                self.asks(who, None, what, length, why).await
            }
            [who, "asks", what, "for", length, "on", "behalf", "of", whom, "because", why] => {
                self.asks(who, Some(whom), what, length, why).await
            }
            [who, "revises", id, "for", length, "because", why] => {
                self.revises(who, id, length, why).await?
            }
            [who, "approves", id] => {
                let approval = self.approval(id, false)?;
                self.world.by(who, &approval).await.map(drop)
            }
            [who, "approves", id, "as", "it", "was", "first"] => {
                let approval = self.approval(id, true)?;
                self.world.by(who, &approval).await.map(drop)
            }
            [one, "and", other, "approve", id, "together"] => self.together(one, other, id).await?,
            [who, "denies", id, "because", why] => {
                let ApproveRequest { request, digest, .. } = self.approval(id, false)?;
                let deny = DenyRequest { request, digest, reason: (*why).to_owned() };
                self.world.by(who, &deny).await.map(drop)
            }
            _ => return Ok(None),
        };
        Ok(Some(done))
    }

    /// What people take back or end.
    async fn changes(&mut self, words: &[&str]) -> Result<Done, String> {
        Ok(match words {
            [who, "withdraws", "approval", "of", id] => {
                let request = self.request(id)?;
                self.world.by(who, &WithdrawApproval { request }).await
            }
            [who, "withdraws", id] => {
                let request = self.request(id)?;
                self.world.by(who, &WithdrawRequest { request }).await
            }
            [who, "gives", "back", id] => {
                let grant = self.grant(id)?;
                match self.world.actor_of(who).await {
                    Ok(actor) => self.world.run(actor, &GiveBack { grant }).await,
                    Err(broken) => Err(broken),
                }
            }
            [who, "revokes", id, "before", "commit", nth, "of", "work"] => {
                let grant = self.grant(id)?;
                let later = nth.parse::<u32>().map_err(|e| e.to_string())?.saturating_sub(1);
                let revocation = RevokeGrant { grant, note: None };
                match self.world.actor(who).await {
                    Ok(actor) => self.world.interrupted(later, (actor, &revocation)).await,
                    Err(broken) => Err(broken),
                }
            }
            [who, "revokes", id] => {
                let grant = self.grant(id)?;
                self.world.by(who, &RevokeGrant { grant, note: None }).await
            }
            [who, "deactivates", whom] => {
                let leaves = DeactivateIdentity { identity: (*whom).to_owned() };
                self.world.by(who, &leaves).await
            }
            [who, "retires", what] => {
                let retire = RetireEntitlement { entitlement: (*what).to_owned() };
                self.world.by(who, &retire).await
            }
            [who, "exports", id] => self.exports(who, id).await?,
            _ => return Err("this sentence is not known; see the top of script.rs".to_owned()),
        })
    }

    async fn asks(
        &mut self,
        who: &str,
        whom: Option<&str>,
        what: &str,
        length: &str,
        why: &str,
    ) -> Done {
        let ask = SubmitRequest {
            receiver: whom.map(str::to_owned),
            entitlement: what.to_owned(),
            length: length.to_owned(),
            justification: why.to_owned(),
            ..SubmitRequest::default()
        };
        let actor = match self.world.actor_of(who).await {
            Ok(actor) => actor,
            Err(broken) => return Err(broken),
        };
        self.world.run(actor, &ask).await.map(drop)
    }

    async fn revises(
        &mut self,
        who: &str,
        id: &str,
        length: &str,
        why: &str,
    ) -> Result<Done, String> {
        let request = self.request(id)?;
        let revision = self.revision(request)?;
        let entitlement = self.checkers.book.entitlement(revision.entitlement);
        let ask = SubmitRequest {
            receiver: Some(self.world.name(revision.receiver).to_owned()),
            entitlement: entitlement.map(|one| one.name.to_string()).unwrap_or_default(),
            length: length.to_owned(),
            justification: why.to_owned(),
            revises: Some(request),
            ..SubmitRequest::default()
        };
        Ok(self.world.by(who, &ask).await.map(drop))
    }

    async fn together(&mut self, one: &str, other: &str, id: &str) -> Result<Done, String> {
        let approval = self.approval(id, false)?;
        let unknown = |broken: Broken| broken.to_string();
        let slow = self.world.actor(one).await.map_err(unknown)?;
        let fast = self.world.actor(other).await.map_err(unknown)?;
        let both = self.world.overtaken((slow, &approval), (fast, &approval)).await;
        Ok(both.and_then(|(slow, fast)| slow.and(fast).map(drop)))
    }

    async fn exports(&mut self, who: &str, id: &str) -> Result<Done, String> {
        let request = self.request(id)?;
        let json = match self.world.evidence(who, request).await {
            Ok(json) => json,
            Err(broken) => return Ok(Err(broken)),
        };
        let verdict = placet_ledger::evidence::verify(&json, self.world.store().verifier());
        let told = match verdict {
            Ok(_) => "the evidence holds".to_owned(),
            Err(failed) => format!("the evidence does not hold: {failed}"),
        };
        let _ = writeln!(self.out, "    {told}");
        Ok(Ok(()))
    }

    // ---- by short name ----

    fn named(&self, letter: char, id: &str) -> Result<&Stream, String> {
        let name = if id.starts_with(letter) { id.to_owned() } else { format!("{letter}{id}") };
        let found = self.short.iter().find(|(_, short)| **short == name);
        found.map(|(stream, _)| stream).ok_or_else(|| format!("nothing is called `{name}` yet"))
    }

    fn request(&self, id: &str) -> Result<RequestId, String> {
        match self.named('r', id)? {
            Stream::Request(request) => Ok(*request),
            _ => Err(format!("`{id}` is no request")),
        }
    }

    fn grant(&self, id: &str) -> Result<GrantId, String> {
        named_grant(&self.short, id)
    }

    fn revision(&self, id: RequestId) -> Result<Revision, String> {
        let request = self.checkers.book.request(id);
        request.map(|one| one.revision.clone()).ok_or_else(|| "no such request".to_owned())
    }

    fn approval(&self, id: &str, as_first: bool) -> Result<ApproveRequest, String> {
        let request = self.request(id)?;
        let first = self.first.get(&request).copied().filter(|_| as_first);
        let now = self.checkers.book.request(request).map(|one| one.digest);
        let digest = first.or(now).ok_or("no such request")?;
        Ok(ApproveRequest { request, digest, stage: None })
    }

    /// A text with short names and handles in the place of ids.
    fn without_ids(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (stream, short) in &self.short {
            text = text.replace(&stream.to_string(), short);
        }
        for name in company::people().into_iter().chain(company::WORKLOADS.iter().map(|w| w.0)) {
            if let Some(id) = self.world.id(name) {
                text = text.replace(&id.to_string(), name);
            }
        }
        text
    }
}

/// The grant that is called so, with or without its letter.
fn named_grant(short: &BTreeMap<Stream, String>, id: &str) -> Result<GrantId, String> {
    let name = if id.starts_with('g') { id.to_owned() } else { format!("g{id}") };
    let found = short.iter().find(|(_, short)| **short == name).map(|(stream, _)| stream);
    match found {
        Some(Stream::Grant(grant)) => Ok(*grant),
        _ => Err(format!("no grant is called `{name}` yet")),
    }
}

fn fault(name: &str) -> Result<Fault, String> {
    Ok(match name {
        "refuse" => Fault::Refuse,
        "lose-reply" => Fault::LoseReply,
        "swallow" => Fault::Swallow,
        "leave-sessions" => Fault::LeaveSessions,
        "see-part" => Fault::SeePart,
        "see-nothing" => Fault::SeeNothing,
        other => return Err(format!("`{other}` is no fault")),
    })
}
