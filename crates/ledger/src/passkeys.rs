//! Passkeys as the ledger knows them: which were enrolled before an entry, by whom they are answered
//! for, and what they signed. Nothing is believed that an entry does not show.

use std::collections::BTreeMap;

use placet_domain::actor::Actor;
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::id::{IdentityId, PasskeyId, Stream};
use placet_domain::passkey::{Assertion, Backing, Challenge, Event as E, Offered};

use crate::assertion;

/// The passkeys of which there are entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passkeys(BTreeMap<PasskeyId, Life>);

#[derive(Clone, Debug)]
struct Life {
    offered: Offered,
    /// From which entry on it is enrolled, or why that does not hold.
    enrolled: Option<(u64, Result<(), String>)>,
    /// At which entry it was revoked.
    revoked: Option<u64>,
}

impl Passkeys {
    /// Takes in one entry; entries come in the order of the ledger. Those of other things are left
    /// alone.
    pub fn learn(&mut self, index: u64, entry: &Entry) {
        let (Event::Passkey(event), Stream::Passkey(id)) = (&entry.event.0, &entry.stream) else {
            return;
        };
        match event {
            E::Offered(offered) => {
                let own = by(entry, offered.holder) && offered.passkey == *id;
                let life = Life { offered: offered.clone(), enrolled: None, revoked: None };
                // What somebody else offered in a person's name is as if it were not there.
                if own && !self.0.contains_key(id) {
                    self.0.insert(*id, life);
                }
            }
            E::Enrolled { backing } => {
                let shown = match self.0.get(id) {
                    Some(life) => self.backed(index, entry, &life.offered, backing),
                    None => return,
                };
                if let Some(life) = self.0.get_mut(id).filter(|life| life.enrolled.is_none()) {
                    life.enrolled = Some((index, shown));
                }
            }
            E::Revoked { .. } => {
                if let Some(life) = self.0.get_mut(id) {
                    life.revoked.get_or_insert(index);
                }
            }
        }
    }

    /// Why a passkey is its holder's: another one of theirs says so, or a second person.
    fn backed(
        &self,
        index: u64,
        entry: &Entry,
        offered: &Offered,
        backing: &Backing,
    ) -> Result<(), String> {
        if entry.at >= offered.lapses_at {
            return Err("it was enrolled after its offer had lapsed".to_owned());
        }
        match backing {
            Backing::Person { who, session, ruling } => {
                let own =
                    matches!(entry.actor, Actor::Person { session: one, .. } if one == *session);
                if !own || !by(entry, *who) {
                    return Err("nobody vouched for it in a session of their own".to_owned());
                }
                if *who == offered.holder {
                    return Err("its holder vouched for it themselves".to_owned());
                }
                if ruling.as_ref().is_some_and(|ruling| !ruling.permit) {
                    return Err("policy did not permit to vouch for it".to_owned());
                }
                Ok(())
            }
            Backing::Passkey { assertion } => {
                if assertion.passkey == offered.passkey || !by(entry, offered.holder) {
                    return Err("it answers for itself".to_owned());
                }
                self.signed(index, offered.holder, offered.challenge, assertion)
            }
        }
    }

    /// Checks that `who` signed a challenge at an entry, with a passkey that was theirs by then.
    pub fn signed(
        &self,
        index: u64,
        who: IdentityId,
        challenge: Challenge,
        assertion: &Assertion,
    ) -> Result<(), String> {
        let id = assertion.passkey;
        let of = |why: &str| Err(format!("`{id}` {why}"));
        let Some(life) = self.0.get(&id) else {
            return of("is not known: the entries of its enrolment are not here");
        };
        match &life.enrolled {
            Some((from, Ok(()))) if *from < index => {}
            Some((from, Err(why))) if *from < index => return of(&format!("never counted: {why}")),
            _ => return of("was not enrolled yet"),
        }
        if life.revoked.is_some_and(|revoked| revoked < index) {
            return of("had been revoked");
        }
        if life.offered.holder != who {
            return of("belongs to somebody else");
        }
        let Offered { public_key, rp, .. } = &life.offered;
        assertion::verify(public_key, rp, challenge, assertion)
            .or_else(|why| of(&format!("does not show it: {why}")))
    }
}

fn by(entry: &Entry, who: IdentityId) -> bool {
    matches!(entry.actor, Actor::Person { id, .. } if id == who)
}
