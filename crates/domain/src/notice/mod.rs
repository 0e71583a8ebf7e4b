//! Notices: what people are told of, and who is told. What an event says to whom is in [`of`]; what
//! is said again before a time runs out, in [`reminders`] and [`remind`].
//!
//! A notice names, it does not tell: it holds ids alone. Whoever delivers it looks up what they
//! stand for.

mod events;
mod reminder;

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::canonical::Digest;
use crate::id::{IdentityId, NoticeId, RequestId, Stream, UnreadableId};

pub use events::{newly_waiting, of};
pub use reminder::{Reminder, remind, reminders};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $subject:literal;)*) => {
        /// What a notice is about. A closed list: a configuration may name what it wants to hear of.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Kind {
            $($(#[$doc])* $kind),*
        }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Self::$kind),*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),*
                }
            }

            /// The notice in one line, without anybody's name.
            pub fn subject(self) -> &'static str {
                match self {
                    $(Self::$kind => $subject),*
                }
            }
        }
    };
}

kinds! {
    RequestWaits = "request_waits", "A request waits for your decision";
    RequestEscalated = "request_escalated", "A request nobody decided is put before you";
    QuestionAsked = "question_asked", "There is a question about your request";
    QuestionAnswered = "question_answered", "Your question was answered";
    RequestNarrowed = "request_narrowed", "Your request was narrowed by an approver";
    RequestApproved = "request_approved", "Your request was approved";
    RequestDenied = "request_denied", "Your request was denied";
    /// Taken back by somebody else: an approver, or because somebody left.
    RequestWithdrawn = "request_withdrawn", "Your request was taken back";
    RequestLapsed = "request_lapsed", "Your request lapsed without a decision";
    LapsesSoon = "lapses_soon", "A request that waits for you lapses soon";
    /// The target issues credentials, and nothing was handed in for one yet.
    CollectWaits = "collect_waits", "Your access waits for you to collect it";
    GrantActive = "grant_active", "Your access is active";
    GrantUnverified = "grant_unverified", "Your access was made by hand";
    /// A target that no program reaches: people carry out what was decided.
    WorkWaits = "work_waits", "Something is to be done by hand at a target";
    WorkToConfirm = "work_to_confirm", "What was done by hand waits for a second person";
    WorkReturned = "work_returned", "What you did by hand was not confirmed";
    EndsSoon = "ends_soon", "Your access ends soon";
    /// For another reason than that its time is over or that it was given back.
    EndsEarly = "ends_early", "Your access is being taken away";
    GrantEnded = "grant_ended", "Your access has ended";
    GrantCancelled = "grant_cancelled", "What was approved was not carried out";
    Stuck = "stuck", "Something keeps failing at a target";
    FindingOpened = "finding_opened", "A finding needs your answer";
    FindingDue = "finding_due", "A finding needs your answer soon";
    FindingOverdue = "finding_overdue", "A finding was not answered in time";
    FirstLook = "first_look", "A target was looked at for the first time";
    GlassBroken = "glass_broken", "The glass was broken";
    ReviewOwed = "review_owed", "An emergency owes a review";
    ReviewDue = "review_due", "The review of an emergency is due soon";
    ReviewOverdue = "review_overdue", "The review of an emergency is overdue";
    ReviewRecorded = "review_recorded", "Your emergency was reviewed";
    ProposalWaits = "proposal_waits", "A proposed change waits for a second person";
    ProposalDecided = "proposal_decided", "Your proposed change was decided";
    HandoverOpened = "handover_opened", "You answer for something that somebody left";
    HandoverDue = "handover_due", "Something that somebody left waits for your answer";
    DelegationMade = "delegation_made", "Somebody lets you decide in their place";
    PasskeyWaits = "passkey_waits", "Somebody asks you to vouch for a passkey";
    PasskeyEnrolled = "passkey_enrolled", "A passkey of yours was enrolled";
    PasskeyRevoked = "passkey_revoked", "A passkey of yours was revoked";
    TargetBraked = "target_braked", "A look at a target found more than is believed";
    RerulingHeld = "reruling_held", "A change would end more access than is believed";
    Recovered = "recovered", "People were let in by the key of the ledger";
}

impl Kind {
    /// Whether it is told at once and even to those who did it.
    pub fn is_loud(self) -> bool {
        matches!(
            self,
            Self::Stuck
                | Self::FindingOverdue
                | Self::GlassBroken
                | Self::ReviewOverdue
                | Self::TargetBraked
                | Self::RerulingHeld
                | Self::Recovered
                | Self::PasskeyEnrolled
                | Self::PasskeyRevoked
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no kind of notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        write!(f, "`{}` is no kind of notice; there are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.iter().find(|kind| kind.as_str() == text);
        found.copied().ok_or_else(|| UnknownKind(text.chars().take(64).collect()))
    }
}

/// Who is to be told. People are found when they are told, so that whoever has just got a part in
/// it is among them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Audience {
    /// This person, or the owner of this workload.
    One(IdentityId),
    /// The manager of this person, or of the owner of this workload.
    ManagerOf(IdentityId),
    /// Who asked for it.
    AskerOf(RequestId),
    /// Those for whom it waits, and those who may decide in their place.
    WaitedFor(RequestId),
    /// Who answers for this target, entitlement or workload.
    OwnerOf(Stream),
    /// Those who judge risk.
    Security,
    Administrators,
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(id) => write!(f, "one/{id}"),
            Self::ManagerOf(id) => write!(f, "manager/{id}"),
            Self::AskerOf(id) => write!(f, "asker/{id}"),
            Self::WaitedFor(id) => write!(f, "waited/{id}"),
            Self::OwnerOf(stream) => write!(f, "owner/{stream}"),
            Self::Security => f.write_str("security"),
            Self::Administrators => f.write_str("administrators"),
        }
    }
}

impl FromStr for Audience {
    type Err = UnreadableId;

    fn from_str(text: &str) -> Result<Self, UnreadableId> {
        match text.split_once('/') {
            Some(("one", id)) => id.parse().map(Self::One),
            Some(("manager", id)) => id.parse().map(Self::ManagerOf),
            Some(("asker", id)) => id.parse().map(Self::AskerOf),
            Some(("waited", id)) => id.parse().map(Self::WaitedFor),
            Some(("owner", stream)) => stream.parse().map(Self::OwnerOf),
            None if text == "security" => Ok(Self::Security),
            None if text == "administrators" => Ok(Self::Administrators),
            _ => Err(UnreadableId { expected: "aud", given: text.chars().take(64).collect() }),
        }
    }
}

/// Something that somebody is to be told of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Notice {
    pub kind: Kind,
    pub about: Stream,
    pub to: Audience,
}

/// The id of what one person is told for one cause: told again after a crash, it is the same.
pub fn id(cause: &str, kind: Kind, receiver: IdentityId) -> NoticeId {
    let digest = Digest::of(format!("{cause} {kind} {receiver}").as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    NoticeId::from(Uuid::from_bytes(bytes))
}

/// How often a delivery is tried. With pauses of up to five minutes that is a day.
const TRIES: u32 = 290;

/// How long to wait after so many failures, in seconds; none if it is given up.
pub fn again_after(failures: u32) -> Option<u64> {
    (failures < TRIES).then(|| crate::action::back_off_seconds(failures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_audiences_print_and_parse() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        assert!("news".parse::<Kind>().is_err());
        let id = "0192f0c1a2b37c4d8e9fa0b1c2d3e4f5";
        for text in [
            format!("one/idn_{id}"),
            format!("manager/idn_{id}"),
            format!("asker/req_{id}"),
            format!("waited/req_{id}"),
            format!("owner/tgt_{id}"),
            "security".to_owned(),
            "administrators".to_owned(),
        ] {
            assert_eq!(text.parse::<Audience>().map(|one| one.to_string()), Ok(text));
        }
        assert!(format!("one/req_{id}").parse::<Audience>().is_err());
        assert!("everybody".parse::<Audience>().is_err());
    }

    #[test]
    fn the_same_notice_has_the_same_id_and_no_other_has() {
        let who = |n: u128| IdentityId::from(Uuid::from_u128(n));
        let one = id("evt_1", Kind::EndsSoon, who(1));
        assert_eq!(one, id("evt_1", Kind::EndsSoon, who(1)));
        assert_ne!(one, id("evt_2", Kind::EndsSoon, who(1)));
        assert_ne!(one, id("evt_1", Kind::GrantEnded, who(1)));
        assert_ne!(one, id("evt_1", Kind::EndsSoon, who(2)));
    }

    #[test]
    fn a_delivery_is_tried_for_a_day() {
        assert_eq!([1, 2, 3, 20].map(again_after), [Some(1), Some(2), Some(4), Some(300)]);
        let whole: u64 = (1..).map_while(again_after).sum();
        assert!((20 * 3_600..28 * 3_600).contains(&whole), "{whole}");
        assert_eq!(again_after(TRIES), None);
    }
}
