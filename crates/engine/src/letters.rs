//! Letters: what a notice says to a person. Names are looked up as it is told; what has been erased
//! by then is told without.

use placet_domain::finding::Finding;
use placet_domain::grant::Grant;
use placet_domain::handover::Handover;
use placet_domain::id::{GrantId, RequestId, Stream};
use placet_domain::notice::Kind;
use placet_domain::passkey::Passkey;
use placet_domain::proposal::Proposal;
use placet_domain::request::Request;
use placet_domain::target::Target;
use placet_store::{Aggregate, Facts, ShownNotice};

use crate::Engine;
use crate::error::Error;

/// A notice in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Words {
    pub subject: String,
    /// What it is about.
    pub about: String,
    /// What can be done.
    pub next: Option<String>,
}

/// Where the API shows what a notice is about.
pub(crate) fn link(about: &Stream) -> String {
    let path = match about {
        Stream::Request(id) => format!("/requests/{id}"),
        Stream::Grant(_) => "/grants".to_owned(),
        Stream::Finding(_) => "/findings".to_owned(),
        Stream::Proposal(id) => format!("/catalogue/proposals/{id}"),
        Stream::Handover(_) => "/catalogue/handovers".to_owned(),
        Stream::Delegation(_) => "/delegations".to_owned(),
        Stream::Target(_) => "/targets".to_owned(),
        Stream::Entitlement(_) => "/entitlements".to_owned(),
        Stream::Organisation | Stream::Schedule(_) => "/policy".to_owned(),
        Stream::Identity(_) | Stream::Team(_) => "/catalogue/upkeep".to_owned(),
        Stream::Credential(_) => "/me".to_owned(),
        Stream::Passkey(_) => "/passkeys".to_owned(),
    };
    format!("/api/v1{path}")
}

/// The command with which a person goes on from here.
fn next(kind: Kind, about: &Stream) -> Option<String> {
    let told = match kind {
        Kind::RequestWaits | Kind::RequestEscalated | Kind::LapsesSoon => {
            format!(
                "read it with `placet request show {about}`, then `placet approve {about}` or `placet deny {about} --because \"...\"`"
            )
        }
        Kind::QuestionAsked | Kind::QuestionAnswered | Kind::RequestNarrowed => {
            format!("read it with `placet request show {about}`")
        }
        Kind::RequestDenied | Kind::RequestLapsed | Kind::RequestWithdrawn => {
            format!("see why with `placet request show {about}`; you may ask again")
        }
        Kind::EndsSoon => {
            format!(
                "if it is needed longer: `placet request extend {about} --length 4h --because \"...\"`"
            )
        }
        Kind::EndsEarly | Kind::GrantCancelled | Kind::GrantEnded => {
            "see `placet grants --all`; you may ask again".to_owned()
        }
        Kind::CollectWaits => format!("bring a key or draw a token with `placet collect {about}`"),
        Kind::WorkWaits | Kind::WorkReturned => {
            "see `placet work list`, then `placet work done`".to_owned()
        }
        Kind::WorkToConfirm => {
            "see `placet work list`, then `placet work confirm` or `placet work return`".to_owned()
        }
        Kind::GrantActive | Kind::GrantUnverified => "see `placet grants`".to_owned(),
        Kind::Stuck
        | Kind::FindingOpened
        | Kind::FindingDue
        | Kind::FindingOverdue
        | Kind::FirstLook => {
            "see `placet findings`; `placet findings --help` names the answers".to_owned()
        }
        Kind::GlassBroken => format!("see `placet request show {about}`"),
        Kind::ReviewOwed | Kind::ReviewDue | Kind::ReviewOverdue => {
            "see `placet review list`, then `placet review record`".to_owned()
        }
        Kind::ProposalWaits if *about == Stream::Organisation => {
            "see `placet policy show`".to_owned()
        }
        Kind::ProposalWaits | Kind::ProposalDecided if *about != Stream::Organisation => {
            format!("read it with `placet catalog show {about}`")
        }
        Kind::HandoverOpened | Kind::HandoverDue => {
            format!("keep it with `placet catalog keep {about}`, or propose somebody else")
        }
        Kind::DelegationMade => "what waits for you is in `placet inbox`".to_owned(),
        Kind::PasskeyWaits => {
            "ask them whether it is theirs; then vouch for it, or revoke it, on the page `/passkeys`"
                .to_owned()
        }
        Kind::PasskeyEnrolled => {
            "if it is not yours, revoke it on the page `/passkeys` and tell an administrator at once"
                .to_owned()
        }
        Kind::PasskeyRevoked => "see the page `/passkeys`".to_owned(),
        Kind::TargetBraked => {
            "look at the target; if it is right, `placet catalog release-target`".to_owned()
        }
        Kind::RerulingHeld => "see `placet catalog upkeep`".to_owned(),
        Kind::Recovered => "if you do not know of this, ask both people at once".to_owned(),
        Kind::RequestApproved
        | Kind::ReviewRecorded
        | Kind::ProposalWaits
        | Kind::ProposalDecided => return None,
    };
    Some(told)
}

impl Engine {
    pub(crate) async fn words(&self, notice: &ShownNotice) -> Result<Words, Error> {
        let (name, about) = match &notice.about {
            Stream::Request(id) => self.about_request(*id).await?,
            Stream::Grant(id) => self.about_grant(*id).await?,
            Stream::Finding(id) => match self.row::<Finding>(*id).await? {
                None => gone(&notice.about),
                Some(found) => {
                    let name = self.entitlement_name(found.opened.entitlement).await?;
                    let kind = found.opened.kind.as_str().replace('_', " ");
                    let due = found.opened.due_at.map(|at| format!("; answer it by {at}"));
                    let detail = &found.opened.detail;
                    let about = format!(
                        "{}: {kind} on `{name}`: {detail}{}",
                        found.id,
                        due.unwrap_or_default()
                    );
                    (Some(name), about)
                }
            },
            Stream::Target(id) => match self.row::<Target>(*id).await? {
                None => gone(&notice.about),
                Some(target) => {
                    let held = target.brake.as_ref();
                    let held = held.map(|one| format!(": {} findings at once", one.findings));
                    let about = format!("target `{}`{}", target.name, held.unwrap_or_default());
                    (Some(target.name.to_string()), about)
                }
            },
            Stream::Proposal(id) => match self.row::<Proposal>(*id).await? {
                None => gone(&notice.about),
                Some(one) => {
                    let by = self.handle(one.proposed.by).await?;
                    let stands = one.state.as_str();
                    let records = one.proposed.records;
                    (None, format!("{}: a change of {records} records by {by}, {stands}", one.id))
                }
            },
            Stream::Handover(id) => match self.row::<Handover>(*id).await? {
                None => gone(&notice.about),
                Some(one) => {
                    let from = self.handle(one.opened.from).await?;
                    let what = self.record_name(&one.opened.what).await?;
                    let (by, way) = (one.opened.settle_by, one.opened.heir.words());
                    (None, format!("{what}, from {from}, {way}; settle it by {by}"))
                }
            },
            Stream::Passkey(id) => match self.row::<Passkey>(*id).await? {
                None => gone(&notice.about),
                Some(one) => {
                    let holder = self.handle(one.offered.holder).await?;
                    let key = one.offered.fingerprint().short().to_string();
                    (None, format!("{id}: a passkey of {holder}, key {key}"))
                }
            },
            other => gone(other),
        };
        let subject = notice.kind.subject();
        let subject = name.map_or_else(|| subject.to_owned(), |name| format!("{subject}: {name}"));
        Ok(Words { subject, about, next: next(notice.kind, &notice.about) })
    }

    async fn about_request(&self, id: RequestId) -> Result<(Option<String>, String), Error> {
        let Some(request) = self.row::<Request>(id).await? else {
            return Ok(gone(&Stream::Request(id)));
        };
        let asked = &request.revision;
        let name = self.entitlement_name(asked.entitlement).await?;
        let (who, whom) = (self.handle(asked.requester).await?, self.handle(asked.receiver).await?);
        let whom =
            if asked.requester == asked.receiver { String::new() } else { format!(" for {whom}") };
        let glass = if asked.emergency.is_some() { " in an emergency" } else { "" };
        let about = format!(
            "{id}: {who} asks for `{name}`{whom} for {}{glass}; it is {}",
            asked.length,
            request.state.as_str()
        );
        Ok((Some(name), about))
    }

    async fn about_grant(&self, id: GrantId) -> Result<(Option<String>, String), Error> {
        let Some(grant) = self.row::<Grant>(id).await? else {
            return Ok(gone(&Stream::Grant(id)));
        };
        let name = self.entitlement_name(grant.approved.entitlement).await?;
        let whom = self.handle(grant.approved.receiver).await?;
        let until = grant.until.map(|at| format!(" until {at}")).unwrap_or_default();
        let why = grant.end.as_ref().map(|end| format!(": {}", end.as_str())).unwrap_or_default();
        let stands = grant.state.as_str();
        Ok((Some(name.clone()), format!("{id}: `{name}` for {whom}{until}, {stands}{why}")))
    }

    /// For showing: no version is noted.
    async fn row<T: Aggregate>(&self, id: impl Into<Stream>) -> Result<Option<T>, Error> {
        Ok(self.store.load::<T>(id, &mut Facts::default()).await?)
    }
}

/// What is not shown by name.
fn gone(about: &Stream) -> (Option<String>, String) {
    (None, about.to_string())
}
