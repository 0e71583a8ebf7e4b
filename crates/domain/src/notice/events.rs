//! What an event says to whom. Every event is named here, so that a new one cannot be forgotten.

use std::collections::BTreeSet;

use super::{Audience, Kind, Notice};
use crate::action::Outcome;
use crate::event::Event;
use crate::finding::Kind as Found;
use crate::grant::Reason;
use crate::id::{IdentityId, RequestId, Stream};
use crate::request::{Basis, Request};
use crate::state::State;
use crate::{
    credential, delegation, entitlement, finding, grant, handover, identity, organisation, passkey,
    proposal, request, schedule, target, team,
};

/// Who is told of an event, given what its stream says after it.
pub fn of(event: &Event, after: &State) -> Vec<Notice> {
    let mut told = Told(Vec::new());
    match (event, after) {
        (Event::Request(event), State::Request(request)) => told.request(event, request),
        (Event::Grant(event), State::Grant(grant)) => told.grant(event, grant),
        (Event::Finding(event), State::Finding(finding)) => told.finding(event, finding),
        (Event::Target(event), State::Target(target)) => told.target(event, target),
        (Event::Proposal(event), State::Proposal(proposal)) => told.proposal(event, proposal),
        (Event::Organisation(event), _) => told.organisation(event),
        (Event::Passkey(event), State::Passkey(passkey)) => told.passkey(event, passkey),
        (Event::Handover(handover::Event::Opened(opened)), _) => {
            told.to(Kind::HandoverOpened, opened.handover, [Audience::One(opened.to)]);
        }
        (Event::Delegation(delegation::Event::Made(made)), _) => {
            told.to(Kind::DelegationMade, made.delegation, [Audience::One(made.to)]);
        }
        (
            Event::Handover(handover::Event::Settled { .. })
            | Event::Delegation(delegation::Event::Ended { .. })
            | Event::Identity(
                identity::Event::Registered(_)
                | identity::Event::Revised(_)
                | identity::Event::Deactivated {},
            )
            | Event::Team(team::Event::Registered(_) | team::Event::Revised(_))
            | Event::Schedule(schedule::Event::Registered(_) | schedule::Event::Revised(_))
            | Event::Entitlement(
                entitlement::Event::Registered(_)
                | entitlement::Event::Revised(_)
                | entitlement::Event::Retired {},
            )
            | Event::Credential(credential::Event::Issued(_) | credential::Event::Ended { .. })
            | Event::Trail(_),
            _,
        ) => {}
        // An event that does not belong to its stream is refused by the fold.
        (
            Event::Request(_)
            | Event::Grant(_)
            | Event::Finding(_)
            | Event::Target(_)
            | Event::Proposal(_)
            | Event::Passkey(_),
            _,
        ) => {}
    }
    told.0
}

/// For whom a request waits now and did not before.
pub fn newly_waiting(
    request: RequestId,
    before: &BTreeSet<IdentityId>,
    now: &BTreeSet<IdentityId>,
) -> Vec<Notice> {
    let told = |one: &IdentityId| Notice {
        kind: Kind::RequestWaits,
        about: Stream::Request(request),
        to: Audience::One(*one),
    };
    now.difference(before).map(told).collect()
}

struct Told(Vec<Notice>);

impl Told {
    fn to(
        &mut self,
        kind: Kind,
        about: impl Into<Stream>,
        audience: impl IntoIterator<Item = Audience>,
    ) {
        let about = about.into();
        self.0.extend(audience.into_iter().map(|to| Notice { kind, about: about.clone(), to }));
    }

    fn request(&mut self, event: &request::Event, request: &Request) {
        use request::Event as E;
        let asked = &request.revision;
        let theirs = || [Audience::One(asked.requester), Audience::One(asked.receiver)];
        match event {
            E::Escalated(escalated) => {
                let to = escalated.to.keys().map(|one| Audience::One(*one));
                self.to(Kind::RequestEscalated, request.id, to);
            }
            E::QuestionAsked(_) => self.to(Kind::QuestionAsked, request.id, theirs()),
            E::QuestionAnswered(answered) => {
                let question =
                    request.questions.iter().find(|one| one.asked.number == answered.number);
                let asker = question.map(|one| Audience::One(one.asked.by));
                self.to(Kind::QuestionAnswered, request.id, asker);
            }
            E::Narrowed(_) => self.to(Kind::RequestNarrowed, request.id, theirs()),
            E::Approved(approved) => match approved.basis {
                Basis::People { .. } => self.to(Kind::RequestApproved, request.id, theirs()),
                // Whoever asked was answered at once.
                Basis::PreApproved { .. } => {}
                Basis::BreakGlass { .. } => {
                    let to = [
                        Audience::Security,
                        Audience::OwnerOf(Stream::Entitlement(asked.entitlement)),
                        Audience::ManagerOf(asked.requester),
                    ];
                    self.to(Kind::GlassBroken, request.id, to);
                }
            },
            E::Denied(_) => self.to(Kind::RequestDenied, request.id, theirs()),
            E::Withdrawn { .. } => self.to(Kind::RequestWithdrawn, request.id, theirs()),
            E::ApprovalWithdrawn { .. } if request.state == request::State::Withdrawn => {
                self.to(Kind::RequestWithdrawn, request.id, theirs());
            }
            E::Lapsed {} | E::Overtaken(_) => self.to(Kind::RequestLapsed, request.id, theirs()),
            E::ReviewOwed(_) => self.to(Kind::ReviewOwed, request.id, [Audience::Security]),
            E::ReviewRecorded(_) => {
                self.to(Kind::ReviewRecorded, request.id, [Audience::One(asked.requester)]);
            }
            // For whom it waits is said by what waits, not by these.
            E::Submitted(_)
            | E::Revised(_)
            | E::Routed(_)
            | E::StepUpOpened(_)
            | E::ApprovalRecorded(_)
            | E::ApprovalWithdrawn { .. } => {}
        }
    }

    fn grant(&mut self, event: &grant::Event, grant: &grant::Grant) {
        use grant::Event as E;
        let approved = &grant.approved;
        let theirs = || [Audience::One(approved.receiver), Audience::AskerOf(approved.request)];
        let owner = || {
            let (target, entitlement) = (approved.target, approved.entitlement);
            [Stream::Target(target), Stream::Entitlement(entitlement)].map(Audience::OwnerOf)
        };
        match event {
            E::Approved(approved) if approved.issues.is_some() => {
                self.to(Kind::CollectWaits, grant.id, [Audience::One(approved.receiver)]);
            }
            E::Activated { .. } => self.to(Kind::GrantActive, grant.id, theirs()),
            E::Finished(grant::Finished { outcome: Outcome::Ordered { .. }, .. }) => {
                self.to(Kind::WorkWaits, grant.id, owner());
            }
            E::CarriedOut(_) => self.to(Kind::WorkToConfirm, grant.id, owner()),
            E::WorkOverdue { .. } => {
                let done = grant.work.as_ref().is_some_and(|work| work.carried_out.is_some());
                let kind = if done { Kind::WorkToConfirm } else { Kind::WorkWaits };
                self.to(kind, grant.id, owner());
            }
            E::Returned(returned) => {
                let told = Audience::One(returned.carried_out_by);
                self.to(Kind::WorkReturned, grant.id, [told]);
            }
            E::Confirmed(_) if grant.state == grant::State::Unverified => {
                self.to(Kind::GrantUnverified, grant.id, theirs());
            }
            E::Ending { reason }
                if !matches!(reason, Reason::Expired | Reason::GivenBack { .. }) =>
            {
                self.to(Kind::EndsEarly, grant.id, theirs());
            }
            E::Ended { .. } => {
                self.to(Kind::GrantEnded, grant.id, [Audience::One(approved.receiver)]);
            }
            E::Cancelled { .. } => self.to(Kind::GrantCancelled, grant.id, theirs()),
            E::Approved(_)
            | E::Intended(_)
            | E::Finished(_)
            | E::Collected(_)
            | E::Issued(_)
            | E::ReadBack(_)
            | E::Confirmed(_)
            | E::Ending { .. }
            | E::SeenStill { .. } => {}
        }
    }

    fn finding(&mut self, event: &finding::Event, finding: &finding::Finding) {
        use finding::Event as E;
        let owner = || Audience::One(finding.opened.owner);
        match event {
            // What was there before Placet is told together, by the look that found it.
            E::Opened(opened) if opened.baseline => {}
            E::Opened(opened) => match opened.kind {
                Found::Stuck => self.to(Kind::Stuck, finding.id, [owner()]),
                Found::OverdueReview => {
                    self.to(Kind::ReviewOverdue, finding.id, [owner(), Audience::Security]);
                }
                Found::Unapproved
                | Found::Missing
                | Found::Overstayed
                | Found::ScopeChanged
                | Found::Orphan => self.to(Kind::FindingOpened, finding.id, [owner()]),
            },
            E::Reopened {} => self.to(Kind::FindingOpened, finding.id, [owner()]),
            E::Resolved { .. }
            | E::Accepted(_)
            | E::RemovalOrdered { .. }
            | E::RemovalIntended { .. }
            | E::RemovalTried(_) => {}
        }
    }

    fn target(&mut self, event: &target::Event, target: &target::Target) {
        use target::Event as E;
        match event {
            E::Observed(seen) if seen.baseline && seen.count > 0 => {
                self.to(Kind::FirstLook, target.id, [Audience::One(target.owner)]);
            }
            E::Braked(_) => {
                let to = [Audience::One(target.owner), Audience::Administrators];
                self.to(Kind::TargetBraked, target.id, to);
            }
            E::Registered(_)
            | E::Revised(_)
            | E::Retired {}
            | E::Observed(_)
            | E::Released { .. } => {}
        }
    }

    fn proposal(&mut self, event: &proposal::Event, proposal: &proposal::Proposal) {
        use proposal::Event as E;
        match event {
            E::Proposed(_) => {
                self.to(Kind::ProposalWaits, proposal.id, [Audience::Administrators]);
            }
            E::Adopted { .. } | E::Rejected { .. } | E::Lapsed {} => {
                let to = [Audience::One(proposal.proposed.by)];
                self.to(Kind::ProposalDecided, proposal.id, to);
            }
            E::Withdrawn { .. } => {}
        }
    }

    fn passkey(&mut self, event: &passkey::Event, passkey: &passkey::Passkey) {
        use passkey::Event as E;
        let (id, holder) = (passkey.offered.passkey, passkey.offered.holder);
        match event {
            E::Offered(_) => {
                let to = [Audience::ManagerOf(holder), Audience::Administrators];
                self.to(Kind::PasskeyWaits, id, to);
            }
            E::Enrolled { .. } => self.to(Kind::PasskeyEnrolled, id, [Audience::One(holder)]),
            E::Revoked { .. } => self.to(Kind::PasskeyRevoked, id, [Audience::One(holder)]),
        }
    }

    fn organisation(&mut self, event: &organisation::Event) {
        use organisation::Event as E;
        let admins = [Audience::Administrators];
        match event {
            E::BundleProposed { .. } => self.to(Kind::ProposalWaits, Stream::Organisation, admins),
            E::BundleAdopted { proposed_by, .. } => {
                let to = [Audience::One(*proposed_by)];
                self.to(Kind::ProposalDecided, Stream::Organisation, to);
            }
            E::Recovered(recovered) => {
                let people = recovered.people.iter().map(|one| Audience::One(*one));
                let to = admins.into_iter().chain([Audience::Security]).chain(people);
                self.to(Kind::Recovered, Stream::Organisation, to);
            }
            E::ReruleHeld { what, .. } => self.to(Kind::RerulingHeld, what.clone(), admins),
            E::Founded(_) | E::ReruleReleased { .. } => {}
        }
    }
}
