//! The ledger as an auditor reads it: rows of the database, entry by entry, held against the signed
//! head; and what it must say. The rules are said here in other words than in `domain`.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Timestamp;
use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::finding;
use placet_domain::grant::{self, Gone, Grant, Intended, Public};
use placet_domain::id::{ActionId, GrantId, IdentityId, RequestId, Stream};
use placet_domain::observation::Completeness;
use placet_domain::request::{self, Basis, Request};
use placet_domain::state::{self, State};
use placet_ledger::{Checkpoint, Head, Verifier, VerifierKey};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::eyes::Change;

/// What an answer of the server promised to be on record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Promise {
    Asked {
        request: RequestId,
        digest: Digest,
    },
    Agreed {
        request: RequestId,
        by: IdentityId,
    },
    Granted {
        grant: GrantId,
    },
    Collected {
        grant: GrantId,
        digest: Digest,
    },
    GivenBack {
        grant: GrantId,
    },
    Revoked {
        grant: GrantId,
    },
    /// A state that was shown: `active` or `ended`.
    Was {
        grant: GrantId,
        state: String,
    },
}

impl Promise {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::Agreed { .. } => "agreed",
            Self::Granted { .. } => "granted",
            Self::Collected { .. } => "collected",
            Self::GivenBack { .. } => "given back",
            Self::Revoked { .. } => "revoked",
            Self::Was { .. } => "shown",
        }
    }
}

/// One effect on a target, as the ledger tells of it.
#[derive(Clone, Debug)]
pub struct Action {
    pub grant: GrantId,
    pub effect: Effect,
    pub epoch: u64,
    pub intended_at: Timestamp,
    pub over_by: Timestamp,
    pub finished: Option<(Timestamp, Outcome)>,
}

impl Action {
    /// From when on it surely does nothing more.
    fn over_at(&self) -> Timestamp {
        match &self.finished {
            Some((at, Outcome::Done | Outcome::Failed { .. })) => *at,
            _ => self.over_by,
        }
    }

    pub fn is_in_doubt(&self) -> bool {
        matches!(self.finished, None | Some((_, Outcome::InDoubt { .. })))
    }
}

/// Everything that the ledger has said so far.
#[derive(Debug, Default)]
pub struct Book {
    verifier: Verifier,
    entries: u64,
    states: BTreeMap<Stream, State>,
    pub actions: BTreeMap<ActionId, Action>,
    /// The latest action on the access of each grant: whose, and to what.
    latest: BTreeMap<(IdentityId, String), ActionId>,
    agreed: BTreeMap<RequestId, Basis>,
    /// When each grant's end was ordered, and when it was over.
    pub ordered: BTreeMap<GrantId, Timestamp>,
    pub ended: BTreeMap<GrantId, Timestamp>,
    /// Kinds of findings that were opened.
    pub found: BTreeSet<&'static str>,
}

impl Book {
    pub fn entries(&self) -> u64 {
        self.entries
    }

    pub fn head(&self) -> Head {
        self.verifier.head().unwrap()
    }

    pub fn grant(&self, id: GrantId) -> Option<&Grant> {
        match self.states.get(&Stream::Grant(id)) {
            Some(State::Grant(grant)) => Some(grant),
            _ => None,
        }
    }

    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.states.values().filter_map(|state| match state {
            State::Grant(grant) => Some(grant),
            _ => None,
        })
    }

    pub fn request(&self, id: RequestId) -> Option<&Request> {
        match self.states.get(&Stream::Request(id)) {
            Some(State::Request(request)) => Some(request),
            _ => None,
        }
    }

    /// Reads on to the end, judges what is new, and holds everything read against the signed head:
    /// an entry that was read once and is gone or another makes another root.
    pub async fn read_on(
        &mut self,
        data: &std::path::Path,
        key: &VerifierKey,
    ) -> Result<(), String> {
        let options = SqliteConnectOptions::new().filename(data.join("placet.db")).read_only(true);
        let mut database = options.connect().await.unwrap();
        let rows = "select body from ledger_entry where idx >= $1 order by idx";
        let rows = sqlx::query(rows).bind(self.entries as i64).fetch_all(&mut database).await;
        let head = "select checkpoint from ledger_head";
        let head = sqlx::query(head).fetch_one(&mut database).await.unwrap();
        for row in rows.unwrap() {
            let body: String = row.get(0);
            let entry = self.verifier.push(self.entries, body.as_bytes());
            let entry = entry.map_err(|error| format!("entry {}: {error}", self.entries))?;
            self.take(&entry).map_err(|why| format!("{why} (entry {})", self.entries))?;
            self.entries += 1;
        }
        database.close().await.unwrap();
        let signed = Checkpoint::open(&head.get::<String, _>(0), key).unwrap().head();
        if self.head() != signed {
            return Err(format!("{} entries were read, and others are signed", self.entries));
        }
        Ok(())
    }

    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        match (&entry.stream, &entry.event.0) {
            (Stream::Request(id), Event::Request(event)) => {
                self.judge_request(*id, entry, event)?
            }
            (Stream::Grant(id), Event::Grant(event)) => self.judge_grant(*id, entry, event)?,
            (_, Event::Finding(finding::Event::Opened(opened))) => {
                self.found.insert(opened.kind.as_str());
            }
            _ => {}
        }
        let before = self.states.remove(&entry.stream);
        let after = state::apply(&entry.stream, before, &entry.event.0, entry.at);
        if let Some(after) = after.map_err(|error| error.to_string())? {
            self.states.insert(entry.stream.clone(), after);
        }
        Ok(())
    }

    fn judge_request(
        &mut self,
        id: RequestId,
        entry: &Entry,
        event: &request::Event,
    ) -> Result<(), String> {
        match event {
            request::Event::ApprovalRecorded(approval) => {
                let request = self.request(id).ok_or("an approval of no request")?;
                let parties = [request.revision.requester, request.revision.receiver];
                let own =
                    matches!(entry.actor, Actor::Person { id, .. } if id == approval.approver);
                if !own || parties.contains(&approval.approver) {
                    return Err(format!("`{id}`: nobody else agreed in person"));
                }
                if approval.digest != request.digest {
                    return Err(format!("`{id}`: agreed to something else"));
                }
            }
            request::Event::Approved(approved) => {
                self.agreed.insert(id, approved.basis.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn judge_grant(
        &mut self,
        id: GrantId,
        entry: &Entry,
        event: &grant::Event,
    ) -> Result<(), String> {
        match event {
            grant::Event::Intended(intended) => self.judge_intent(id, entry, intended)?,
            grant::Event::Finished(finished) => {
                let action = self.actions.get_mut(&finished.action);
                let action = action.ok_or("an action came out that was never intended")?;
                if action.finished.is_some() {
                    return Err(format!("`{}` came out twice", finished.action));
                }
                action.finished = Some((entry.at, finished.outcome.clone()));
            }
            grant::Event::Ending { .. } => {
                self.ordered.insert(id, entry.at);
            }
            grant::Event::Ended { gone } => {
                let grant = self.grant(id).ok_or("the end of no grant")?;
                let shown = match gone {
                    Gone::SeenAbsent { sighting } => {
                        sighting.completeness == Completeness::Complete
                            && self.calls_of(id).all(|one| one.over_at() <= sighting.began_at)
                    }
                    Gone::CarriedOn { by } => self.grant(*by).is_some_and(|by| {
                        !by.state.is_over() && access(by) == access(grant) && by.id != id
                    }),
                    _ => false,
                };
                if !shown {
                    return Err(format!("`{id}` was called gone, and nothing shows it"));
                }
                self.ended.insert(id, entry.at);
            }
            _ => {}
        }
        Ok(())
    }

    /// The calls that could have put a grant there.
    fn calls_of(&self, id: GrantId) -> impl Iterator<Item = &Action> {
        self.actions.values().filter(move |one| one.grant == id && one.effect == Effect::Grant)
    }

    fn judge_intent(
        &mut self,
        id: GrantId,
        entry: &Entry,
        intended: &Intended,
    ) -> Result<(), String> {
        let grant = self.grant(id).ok_or("an action for no grant")?;
        if !matches!(entry.actor, Actor::Worker { .. }) {
            return Err(format!("`{id}` was carried out by no worker"));
        }
        if intended.effect == Effect::Grant {
            self.judge_assent(grant)?;
            let begun = self.calls_of(id).map(|one| one.intended_at).min().unwrap_or(entry.at);
            if intended.until != begun + grant.approved.length || entry.at >= intended.until {
                return Err(format!("the end of `{id}` was moved, or was over"));
            }
        }
        let access = access(grant);
        if let Some(before) = self.latest.get(&access).map(|one| &self.actions[one])
            && (before.over_at() > entry.at || before.epoch >= intended.epoch)
        {
            let new = &intended.action;
            return Err(format!(
                "`{new}` of `{id}` was intended while this is under way: {before:?}"
            ));
        }
        let action = Action {
            grant: id,
            effect: intended.effect,
            epoch: intended.epoch,
            intended_at: entry.at,
            over_by: intended.call_over_by,
            finished: None,
        };
        self.latest.insert(access, intended.action);
        match self.actions.insert(intended.action, action) {
            None => Ok(()),
            Some(_) => Err(format!("`{}` was intended twice", intended.action)),
        }
    }

    /// Whether those agreed who had to: nobody for what only reads, else two other people.
    fn judge_assent(&self, grant: &Grant) -> Result<(), String> {
        let request = self.request(grant.approved.request).ok_or("a grant of no request")?;
        let same = request.digest == grant.approved.digest
            && request.state == request::State::Approved
            && request.revision.receiver == grant.approved.receiver
            && request.revision.length == grant.approved.length;
        let reads = grant.approved.native.as_str() != "booking-deployers";
        let agreed = match self.agreed.get(&request.id) {
            Some(Basis::PreApproved { .. }) => reads,
            Some(Basis::People { approvers }) => {
                *approvers == request.approvers() && approvers.len() >= 2 && !reads
            }
            _ => false,
        };
        if same && agreed {
            return Ok(());
        }
        Err(format!("`{}` was begun without assent to exactly this", grant.id))
    }

    // ---- what is held against it ----

    pub fn keeps(&self, promise: &Promise) -> Result<(), String> {
        let ended_by = |grant: GrantId, reason: &str| {
            self.grant(grant)
                .and_then(|grant| grant.end.as_ref())
                .is_some_and(|end| end.as_str() == reason)
        };
        let kept = match promise {
            Promise::Asked { request, digest } => {
                self.request(*request).is_some_and(|request| request.digest == *digest)
            }
            Promise::Agreed { request, by } => {
                self.request(*request).is_some_and(|request| request.approvers().contains(by))
            }
            Promise::Granted { grant } => self.grant(*grant).is_some(),
            Promise::Collected { grant, digest } => {
                self.grant(*grant).is_some_and(|grant| collected(grant) == Some(*digest))
            }
            Promise::GivenBack { grant } => ended_by(*grant, "given back"),
            Promise::Revoked { grant } => ended_by(*grant, "revoked"),
            Promise::Was { grant, state } => self.grant(*grant).is_some_and(|grant| {
                let (active, over) = (grant.first_seen_at.is_some(), grant.state.is_over());
                match state.as_str() {
                    "active" => active,
                    _ => over,
                }
            }),
        };
        if kept {
            return Ok(());
        }
        Err(format!("this was answered as done, and the ledger does not say so: {promise:?}"))
    }

    /// Whether a thing on a target stands for a grant that was begun, and is not over.
    pub fn covers(&self, thing: &str, handles: &BTreeMap<IdentityId, String>) -> bool {
        self.grants().any(|grant| {
            !grant.state.is_over()
                && self.calls_of(grant.id).next().is_some()
                && stands_for(grant, thing, handles)
        })
    }

    /// Everything that came to a target or went from it was one action, and no action did two.
    pub fn explains(
        &self,
        changes: &[Change],
        handles: &BTreeMap<IdentityId, String>,
    ) -> Result<(), String> {
        let mut used = BTreeSet::new();
        for change in changes {
            let effect = if change.came { Effect::Grant } else { Effect::Remove };
            let did = self.actions.iter().find(|(id, action)| {
                action.effect == effect
                    && !used.contains(*id)
                    && (action.intended_at..action.over_by).contains(&change.at)
                    && self
                        .grant(action.grant)
                        .is_some_and(|grant| stands_for(grant, &change.thing, handles))
            });
            match did {
                Some((id, _)) => drop(used.insert(*id)),
                None => return Err(format!("no action of its own did this: {change:?}")),
            }
        }
        Ok(())
    }
}

/// Whose access to what.
fn access(grant: &Grant) -> (IdentityId, String) {
    (grant.approved.receiver, grant.approved.native.to_string())
}

fn collected(grant: &Grant) -> Option<Digest> {
    match grant.collected.as_ref()?.public {
        Public::TokenDigest { sha256 } => Some(sha256),
        _ => None,
    }
}

fn stands_for(grant: &Grant, thing: &str, handles: &BTreeMap<IdentityId, String>) -> bool {
    let Some(handle) = handles.get(&grant.approved.receiver) else { return false };
    let native = &grant.approved.native;
    match (collected(grant), grant.until) {
        (Some(digest), Some(until)) => {
            thing == format!("sha256:{digest} {native} {handle} {until} {}", grant.id)
        }
        _ => thing == format!("{native} {handle}"),
    }
}
