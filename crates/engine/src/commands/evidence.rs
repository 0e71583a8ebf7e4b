//! Evidence: a request's trail is sealed, and leaves the house as one file that proves itself.

use std::collections::BTreeSet;

use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::committed::{Commitment, Disclosure};
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::event::trail::{self, Sealed};
use placet_domain::id::{CredentialId, IdentityId, RequestId, Stream};
use placet_domain::passkey::{self, Backing};
use placet_domain::{Refusal, credential, identity, request};
use placet_ledger::evidence::Bundle;
use placet_ledger::{Checkpoint, Proven, TrailHead};
use placet_store::Stored;

use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Writes into the ledger how many entries a trail has, so that leaving one out shows.
struct Seal {
    request: RequestId,
}

#[async_trait::async_trait]
impl Command for Seal {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::ExportEvidence).await?;
        let request = draft.request(self.request).await?;
        let stream = Stream::Request(request.id);
        let head = draft.engine.store.trail_head(&stream).await?;
        let TrailHead { entries, digest } =
            head.ok_or(Refusal::UnknownRequest { given: request.id.to_string() })?;
        let sealed = trail::Event::Sealed(Sealed { entries, head: digest });
        draft.change(stream.clone(), stream, vec![sealed]);
        Ok(())
    }
}

/// How often sealing is tried when the trail grows meanwhile.
const TRIES: u32 = 3;

impl Engine {
    /// The evidence of a request, as the text of its file. It is verified before it is given away.
    pub async fn export_evidence(&self, actor: Actor, request: RequestId) -> Result<String, Error> {
        for _ in 0..TRIES {
            self.run(actor, &Seal { request }).await?;
            let bundle = self.bundle(request).await?;
            let json = bundle.to_json()?;
            match placet_ledger::evidence::verify(&json, self.store.verifier()) {
                Ok(_) => return Ok(json),
                // An entry that came between counting and sealing: seal again.
                Err(placet_ledger::evidence::Failed::Incomplete(_)) => {}
                // A breach is what an auditor must see, so it is no reason to withhold it.
                Err(_) => return Ok(json),
            }
        }
        Err(Refusal::StaleFacts {}.into())
    }

    /// The request behind a grant.
    pub async fn request_of_grant(
        &self,
        grant: placet_domain::id::GrantId,
    ) -> Result<RequestId, Error> {
        let mut facts = placet_store::Facts::default();
        let found = self.store.load::<placet_domain::grant::Grant>(grant, &mut facts).await?;
        let found = found.ok_or(Refusal::UnknownGrant { given: grant.to_string() })?;
        Ok(found.approved.request)
    }

    pub(crate) async fn bundle(&self, request: RequestId) -> Result<Bundle, Error> {
        let trail = self.store.proven_trail(&Stream::Request(request)).await?;
        let broken = |error: placet_ledger::Error| Error::Fault(error.to_string());
        // What came after the checkpoint cannot be proved under it.
        let size = Checkpoint::open(&trail.checkpoint, self.store.verifier()).map_err(broken)?.size;
        let mut mentions = Mentions::default();
        for proven in &trail.entries {
            mentions.read(&proven.body)?;
        }
        let mut related: Vec<Stored> = Vec::new();
        let mut seen = BTreeSet::new();
        // An identity leads on to its owner, and so on up.
        while let Some(stream) = mentions.streams.pop_first() {
            if !seen.insert(stream.clone()) {
                continue;
            }
            let entries: Vec<Stored> = self.store.stream(&stream).await?;
            // Of the organisation and a target only the beginning says who and what it is; of
            // people, credentials, delegations and passkeys everything does, since they may have ended.
            let keep = match stream {
                Stream::Identity(_)
                | Stream::Credential(_)
                | Stream::Delegation(_)
                | Stream::Passkey(_) => entries.len(),
                _ => 1,
            };
            let entries: Vec<Stored> =
                entries.into_iter().take(keep).filter(|one| one.index < size).collect();
            for entry in &entries {
                mentions.read(entry.body.as_bytes())?;
            }
            related.extend(entries);
        }
        let mut related = self.store.prove(&trail.checkpoint, related).await?;
        related.sort_by_key(|one: &Proven| one.index);
        let mut disclosures: Vec<Disclosure> = Vec::new();
        for commitment in &mentions.commitments {
            // What was erased stays a commitment; the evidence says so.
            disclosures.extend(self.store.disclosure(*commitment).await?);
        }
        Ok(Bundle::new(trail.checkpoint, request, trail.entries, related, disclosures)?)
    }
}

/// What entries name: the streams whose beginnings say who and what that is, and the commitments
/// that can be opened.
#[derive(Default)]
struct Mentions {
    streams: BTreeSet<Stream>,
    commitments: BTreeSet<Commitment>,
}

impl Mentions {
    fn read(&mut self, body: &[u8]) -> Result<(), Error> {
        let entry = Entry::decode(body).map_err(|e| Error::Fault(e.to_string()))?;
        self.streams.insert(Stream::Organisation);
        self.actor(entry.actor);
        match &entry.event.0 {
            Event::Request(
                request::Event::Submitted(submitted)
                | request::Event::Revised(submitted)
                | request::Event::Narrowed(request::Narrow { submitted, .. }),
            ) => {
                let revision = &submitted.revision;
                self.people([revision.requester, revision.receiver]);
                self.people(submitted.excluded.iter().copied());
                self.streams.insert(Stream::Entitlement(revision.entitlement));
                self.streams.insert(Stream::Target(revision.terms.target));
            }
            // In whose place somebody agreed, and what let them.
            Event::Request(request::Event::ApprovalRecorded(approval)) => {
                let signed = approval.assertion.as_ref().map(|one| one.passkey);
                self.streams.extend(signed.map(Stream::Passkey));
                let Some(acting) = &approval.acting_for else { return self.open(body) };
                self.people([acting.identity]);
                if let request::Authority::Delegation { delegation } = acting.by {
                    self.streams.insert(Stream::Delegation(delegation));
                }
            }
            Event::Request(request::Event::Escalated(escalated)) => {
                self.people(escalated.to.iter().flat_map(|(to, silent)| [*to, *silent]));
            }
            Event::Identity(
                identity::Event::Registered(identity) | identity::Event::Revised(identity),
            ) => self.people(identity.owner()),
            // Who let this person in: the login code behind the session, and who issued it.
            Event::Credential(credential::Event::Issued(issued)) => {
                self.streams.extend(issued.opened_by.map(Stream::Credential));
                self.streams.extend(issued.passkey.map(Stream::Passkey));
            }
            // Whose a passkey is, and what answers for it.
            Event::Passkey(passkey::Event::Offered(offered)) => self.people([offered.holder]),
            Event::Passkey(passkey::Event::Enrolled {
                backing: Backing::Passkey { assertion },
            }) => {
                self.streams.insert(Stream::Passkey(assertion.passkey));
            }
            _ => {}
        }
        self.open(body)
    }

    fn open(&mut self, body: &[u8]) -> Result<(), Error> {
        self.commitments.extend(commitments(body)?);
        Ok(())
    }

    fn actor(&mut self, actor: Actor) {
        let credential: Option<(IdentityId, CredentialId)> = match actor {
            Actor::Person { id, session } => Some((id, session)),
            Actor::Token { id, token } => Some((id, token)),
            Actor::Worker { .. } | Actor::Founding | Actor::Recovery => None,
        };
        if let Some((id, credential)) = credential {
            self.people([id]);
            self.streams.insert(Stream::Credential(credential));
        }
    }

    fn people(&mut self, people: impl IntoIterator<Item = IdentityId>) {
        self.streams.extend(people.into_iter().map(Stream::Identity));
    }
}

/// Every commitment in an entry, wherever it stands.
fn commitments(body: &[u8]) -> Result<Vec<Commitment>, Error> {
    fn walk(value: &serde_json::Value, out: &mut Vec<Commitment>) {
        match value {
            serde_json::Value::Object(map) => {
                let sealed = map.get("$sd").and_then(|one| one.as_str());
                out.extend(sealed.and_then(|text| Commitment::try_from(text.to_owned()).ok()));
                map.values().for_each(|one| walk(one, out));
            }
            serde_json::Value::Array(list) => list.iter().for_each(|one| walk(one, out)),
            _ => {}
        }
    }
    let value = serde_json::from_slice(body).map_err(|e| Error::Fault(e.to_string()))?;
    let mut out = Vec::new();
    walk(&value, &mut out);
    Ok(out)
}
