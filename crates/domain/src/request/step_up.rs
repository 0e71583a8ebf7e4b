//! Step-up: where a stage takes it, whoever agrees also signs with a passkey of theirs. What is signed
//! is a challenge that stands in the trail beside the digest before it is shown to anybody, so that one
//! signature is for one person, one session and one digest, once, within minutes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rules::{independent, may_decide, person, same_revision, undecided};
use super::{Event, Request};
use crate::Refusal;
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::id::{CredentialId, IdentityId};
use crate::identity::Identity;
use crate::name::StageName;
use crate::passkey::{Asserted, Assertion, Challenge};
use crate::route::Stage;
use crate::ruling::Ruling;
use crate::time::Timestamp;

/// How long somebody may take to sign, in seconds.
pub const STEP_UP_SECONDS: u64 = 5 * 60;

/// What somebody is about to sign.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// What they will have agreed to.
    pub digest: Digest,
    pub approver: IdentityId,
    pub session: CredentialId,
    pub challenge: Challenge,
    pub expires_at: Timestamp,
}

/// What opening is judged by.
#[derive(Debug)]
pub struct Opening<'a> {
    pub actor: Actor,
    pub approver: &'a Identity,
    /// The digest that they saw.
    pub digest: Digest,
    pub challenge: Challenge,
    pub excluded: &'a BTreeSet<IdentityId>,
    /// Their own rights, and those of others on which they may act.
    pub eligible: &'a [(StageName, Ruling)],
    /// Whether they have a passkey to sign with.
    pub has_passkey: bool,
}

impl Request {
    /// What somebody is about to sign in a session, as long as it may still be signed.
    pub fn opened_for(
        &self,
        approver: IdentityId,
        session: CredentialId,
        now: Timestamp,
    ) -> Option<&Opened> {
        self.step_ups.iter().find(|one| {
            one.approver == approver
                && one.session == session
                && one.digest == self.digest
                && now < one.expires_at
        })
    }
}

/// Only whoever could agree now opens anything. What is open already is signed first.
pub(super) fn open(
    request: &Request,
    opening: Opening<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let (approver, session) = person(opening.actor, opening.approver, now)?;
    let request = undecided(request, now)?;
    same_revision(request, opening.digest)?;
    independent(request, approver, opening.excluded)?;
    may_decide(opening.eligible)?;
    if request.spent().contains(&approver) {
        return Err(Refusal::AlreadyApproved {});
    }
    if !opening.has_passkey {
        return Err(Refusal::NoPasskey {});
    }
    if request.opened_for(approver, session, now).is_some() {
        return Ok(Vec::new());
    }
    let Opening { digest, challenge, .. } = opening;
    let expires_at = now.plus_seconds(STEP_UP_SECONDS);
    Ok(vec![Event::StepUpOpened(Opened { digest, approver, session, challenge, expires_at })])
}

/// What goes into the approval: the signature, where it is for exactly what was opened. A stage that
/// takes one is not agreed to without.
pub(super) fn signed(
    request: &Request,
    stage: &Stage,
    (approver, session): (IdentityId, CredentialId),
    asserted: Option<&Asserted<'_>>,
    now: Timestamp,
) -> Result<Option<Assertion>, Refusal> {
    let Some(asserted) = asserted else {
        return match stage.step_up {
            Some(_) => Err(Refusal::StepUpNeeded { stage: stage.name.to_string() }),
            None => Ok(None),
        };
    };
    let opened = request.opened_for(approver, session, now);
    opened.filter(|one| one.challenge == asserted.challenge).ok_or(Refusal::StepUpOver {})?;
    let passkey = asserted.passkey;
    if passkey.offered.holder != approver || !passkey.is_enrolled() {
        let why = "it is not an enrolled passkey of yours".to_owned();
        return Err(Refusal::PasskeyRefused { why });
    }
    Ok(Some(asserted.assertion.clone()))
}

/// The newest of each person stands, and none when what was asked is another.
pub(super) fn note(open: &mut Vec<Opened>, opened: &Opened) {
    open.retain(|one| one.approver != opened.approver);
    open.push(opened.clone());
}
