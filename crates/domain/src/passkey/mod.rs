//! Passkeys: keys of people's own (Web Authentication), with which they log in and sign what they
//! agree to. Offered by their holder, and good for nothing until another passkey of theirs or a second
//! person answers for them: whoever took over a session must not get a key of their own by it.
//!
//! What a passkey says is in `assertion`.

mod assertion;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::access::Deed;
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::id::{CredentialId, IdentityId, PasskeyId};
use crate::identity::Identity;
use crate::name::RpId;
use crate::ruling::{Cited, Ruling};
use crate::time::Timestamp;

pub use assertion::{Asserted, Assertion, Bytes, Challenge, MOST_BYTES, UnreadableBytes};

/// The most passkeys of one person that are not over.
pub const MOST: usize = 10;
/// How long an offered passkey waits for somebody to answer for it, in seconds.
pub const OFFER_SECONDS: u64 = 7 * 24 * 60 * 60;

/// A passkey as its holder offered it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    pub passkey: PasskeyId,
    pub holder: IdentityId,
    /// The interactive session in which it was offered.
    pub session: CredentialId,
    /// By what the authenticator finds it.
    pub credential_id: Bytes,
    /// The public half, as a COSE key (RFC 9052).
    pub public_key: Bytes,
    /// For which host it was made; it signs for no other.
    pub rp: RpId,
    /// As its holder calls it.
    pub name: Committed<String>,
    /// What another passkey of the holder signs to answer for this one.
    pub challenge: Challenge,
    pub lapses_at: Timestamp,
}

impl Offered {
    /// What two people compare who talk to each other: the digest of the public key.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.public_key.as_slice())
    }
}

/// Who or what answers for it that a passkey is its holder's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Backing {
    /// Another passkey of theirs, over the challenge of the offer.
    Passkey { assertion: Assertion },
    /// A second person, in a session of their own.
    Person {
        who: IdentityId,
        session: CredentialId,
        /// The permit that says why they may; none for the holder's manager.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ruling: Option<Cited>,
    },
}

/// Where a passkey stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It waits for somebody to answer for it.
    Offered,
    Lapsed,
    Enrolled,
    Revoked,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Lapsed => "lapsed",
            Self::Enrolled => "enrolled",
            Self::Revoked => "revoked",
        }
    }
}

/// A passkey: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    pub offered: Offered,
    pub offered_at: Timestamp,
    pub backing: Option<Backing>,
    pub enrolled_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl Passkey {
    pub fn state_at(&self, now: Timestamp) -> State {
        match (self.revoked_at, &self.backing) {
            (Some(_), _) => State::Revoked,
            (None, Some(_)) => State::Enrolled,
            (None, None) if now < self.offered.lapses_at => State::Offered,
            (None, None) => State::Lapsed,
        }
    }

    /// Whether it may sign for its holder.
    pub fn is_enrolled(&self) -> bool {
        self.backing.is_some() && self.revoked_at.is_none()
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "passkey.offered")]
    Offered(Offered),
    #[serde(rename = "passkey.enrolled")]
    Enrolled { backing: Backing },
    #[serde(rename = "passkey.revoked")]
    Revoked { by: IdentityId },
}

/// Who does something about a passkey in their own name.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub actor: Actor,
    pub person: &'a Identity,
    pub holder: &'a Identity,
    /// What policy says of them and [`Deed::VouchPasskey`].
    pub may: &'a Ruling,
}

#[derive(Debug)]
pub enum Command<'a> {
    Offer {
        actor: Actor,
        holder: &'a Identity,
        offered: Offered,
        /// How many of theirs are not over.
        held: usize,
    },
    /// A second person says that it is the holder's.
    Vouch(By<'a>),
    /// The holder shows it with another passkey of theirs.
    Confirm { actor: Actor, holder: &'a Identity, asserted: Asserted<'a> },
    /// The holder ends it, or somebody who could have vouched for it.
    Revoke(By<'a>),
}

pub fn decide(
    state: Option<&Passkey>,
    command: Command<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Offer { actor, holder, offered, held }) => {
            let (who, session) = person(actor, holder, now)?;
            if held >= MOST {
                return Err(Refusal::TooManyPasskeys { most: MOST });
            }
            let lapses_at = now.plus_seconds(OFFER_SECONDS);
            Ok(vec![Event::Offered(Offered { holder: who, session, lapses_at, ..offered })])
        }
        (Some(passkey), Command::Vouch(By { actor, person: by, holder, may })) => {
            let (who, session) = person(actor, by, now)?;
            let passkey = waiting(passkey, holder, now)?;
            if who == passkey.offered.holder {
                return Err(Refusal::VouchesForThemselves {});
            }
            answers_for(by, holder, may)?;
            let ruling = (!manages(by, holder)).then(|| may.cite());
            Ok(vec![Event::Enrolled { backing: Backing::Person { who, session, ruling } }])
        }
        (Some(passkey), Command::Confirm { actor, holder, asserted }) => {
            if actor.identity() != Some(passkey.offered.holder) {
                return Err(unknown(passkey));
            }
            let (who, _) = person(actor, holder, now)?;
            let passkey = waiting(passkey, holder, now)?;
            let other = asserted.passkey;
            let theirs = other.offered.holder == who
                && other.is_enrolled()
                && other.offered.passkey != passkey.offered.passkey
                && other.offered.rp == passkey.offered.rp
                && asserted.challenge == passkey.offered.challenge
                && asserted.assertion.passkey == other.offered.passkey;
            if !theirs {
                let why = "it is not an enrolled passkey of yours, or signed something else";
                return Err(Refusal::PasskeyRefused { why: why.to_owned() });
            }
            let Asserted { assertion, .. } = asserted;
            Ok(vec![Event::Enrolled { backing: Backing::Passkey { assertion } }])
        }
        (Some(passkey), Command::Revoke(By { actor, person: by, holder, may })) => {
            let (who, _) = person(actor, by, now)?;
            if who != passkey.offered.holder {
                answers_for(by, holder, may)?;
            }
            match passkey.state_at(now) {
                State::Offered | State::Enrolled => Ok(vec![Event::Revoked { by: who }]),
                State::Lapsed | State::Revoked => Err(over(passkey, now)),
            }
        }
        (Some(passkey), Command::Offer { .. }) => {
            Err(Refusal::AlreadyRegistered { what: passkey.offered.passkey.to_string() })
        }
        (None, _) => Err(Refusal::UnknownPasskey { given: "none".to_owned() }),
    }
}

/// Only people have passkeys and answer for them, each in a session of their own.
fn person(
    actor: Actor,
    who: &Identity,
    now: Timestamp,
) -> Result<(IdentityId, CredentialId), Refusal> {
    if !who.is_human() {
        return Err(Refusal::OnlyPeopleDecide {});
    }
    match actor {
        Actor::Person { id, session } if id == who.id => {
            if !who.is_active_at(now) {
                return Err(Refusal::InactiveIdentity { who: who.id.to_string() });
            }
            Ok((id, session))
        }
        _ => Err(Refusal::NeedsSession {}),
    }
}

fn waiting<'a>(
    passkey: &'a Passkey,
    holder: &Identity,
    now: Timestamp,
) -> Result<&'a Passkey, Refusal> {
    if !holder.is_active_at(now) {
        return Err(Refusal::InactiveIdentity { who: holder.id.to_string() });
    }
    match passkey.state_at(now) {
        State::Offered => Ok(passkey),
        _ => Err(over(passkey, now)),
    }
}

fn over(passkey: &Passkey, now: Timestamp) -> Refusal {
    let state = passkey.state_at(now).as_str();
    Refusal::PasskeyOver { passkey: passkey.offered.passkey.to_string(), state }
}

fn unknown(passkey: &Passkey) -> Refusal {
    Refusal::UnknownPasskey { given: passkey.offered.passkey.to_string() }
}

fn manages(person: &Identity, holder: &Identity) -> bool {
    holder.manager() == Some(person.id)
}

fn answers_for(person: &Identity, holder: &Identity, may: &Ruling) -> Result<(), Refusal> {
    if manages(person, holder) || (may.permit && may.errors.is_empty()) {
        return Ok(());
    }
    let what = Deed::VouchPasskey.words().to_owned();
    Err(Refusal::NotPermitted { what, why: may.sentence() })
}

pub fn apply(state: Option<Passkey>, event: &Event, at: Timestamp) -> Option<Passkey> {
    match (state, event) {
        (None, Event::Offered(offered)) => Some(Passkey {
            offered: offered.clone(),
            offered_at: at,
            backing: None,
            enrolled_at: None,
            revoked_at: None,
        }),
        (Some(one), Event::Enrolled { backing }) if one.backing.is_none() => {
            Some(Passkey { backing: Some(backing.clone()), enrolled_at: Some(at), ..one })
        }
        (Some(one), Event::Revoked { .. }) => Some(Passkey { revoked_at: Some(at), ..one }),
        (state, _) => state,
    }
}
