//! Asking and deciding: people ask, agree, decide at once with others, and change their minds.

use placet_domain::canonical::Digest;
use placet_domain::id::{GrantId, RequestId};
use placet_domain::request::State;
use placet_engine::commands::approve::{ApproveRequest, DenyRequest};
use placet_engine::commands::submit::SubmitRequest;
use placet_engine::commands::withdraw::{WithdrawApproval, WithdrawRequest};

use super::lasting::TICKET;
use super::{ASKERS, Acted, PURPOSE, Walk};
use crate::company;

const LENGTHS: [&str; 8] = ["20s", "90s", "10m", "1h", "4h", "8h", "2d", "40d"];

impl Walk {
    pub(super) fn ask_of(&mut self, who: &str) -> SubmitRequest {
        let finance = ["tom", "tina", "felix"].contains(&who);
        let fits = |offer: &&company::Offer| (offer.offered_to == "finance") == finance;
        let mut offers: Vec<&company::Offer> = company::offers().filter(fits).collect();
        if self.dice.chance(10) {
            offers = company::offers().collect();
        }
        let offer = self.dice.pick(&offers).map_or("", |offer| offer.name);
        let workload = company::WORKLOADS.iter().find(|(_, _, owner)| *owner == who);
        let receiver = match workload {
            Some((workload, _, _)) if self.dice.chance(35) => Some((*workload).to_owned()),
            _ if self.dice.chance(8) => Some(self.person()),
            _ => None,
        };
        let length = self.dice.pick(&LENGTHS).copied().unwrap_or("1h");
        SubmitRequest {
            receiver,
            entitlement: offer.to_owned(),
            length: length.to_owned(),
            justification: PURPOSE.to_owned(),
            reference: self.dice.chance(20).then(|| "INC-4711".to_owned()),
            starts_at: self.starts_at(),
            ends_on: self.dice.chance(20).then(|| TICKET.to_owned()).into_iter().collect(),
            ..SubmitRequest::default()
        }
    }

    pub(super) async fn ask(&mut self) -> Acted {
        let who = match self.dice.pick(&ASKERS) {
            Some(who) if self.dice.chance(95) => (*who).to_owned(),
            _ => self.person(),
        };
        let ask = self.ask_of(&who);
        let receiver = ask.receiver.clone().unwrap_or_else(|| "themselves".to_owned());
        let words = format!("{who} asks {} for {receiver} for {}", ask.entitlement, ask.length);
        let asked = self.world.by(&who, &ask).await;
        (words, asked.map(|submitted| self.promised(submitted.request, submitted.grant)))
    }

    pub(super) fn promised(&mut self, request: RequestId, grant: Option<GrantId>) {
        self.checkers.promise(request);
        if let Some(grant) = grant {
            self.checkers.promise(grant);
        }
    }

    pub(super) async fn revise(&mut self) -> Acted {
        let Some(id) = self.request(&[State::Open]) else { return Self::nothing("revise") };
        let Some(request) = self.checkers.book.request(id).cloned() else {
            return Self::nothing("revise");
        };
        let who = self.world.name(request.revision.requester).to_owned();
        let entitlement = self.checkers.book.entitlement(request.revision.entitlement);
        let entitlement = entitlement.map(|one| one.name.to_string()).unwrap_or_default();
        let ask = SubmitRequest {
            receiver: Some(self.world.name(request.revision.receiver).to_owned()),
            entitlement,
            length: "2h".to_owned(),
            justification: PURPOSE.to_owned(),
            revises: Some(id),
            ..SubmitRequest::default()
        };
        let done = self.world.by(&who, &ask).await;
        if done.is_ok() {
            self.old.insert(id, request.digest);
        }
        (format!("{who} revises {id}"), done.map(|out| self.promised(out.request, out.grant)))
    }

    /// Everybody for whom a request waits agrees to it.
    pub(super) async fn agree_together(&mut self) -> Acted {
        let Some(request) = self.request(&[State::Open]) else { return self.ask().await };
        let words = format!("everybody agrees to {request}");
        let digest = self.checkers.book.request(request).map(|one| one.digest);
        let approval =
            ApproveRequest { request, digest: digest.unwrap_or(Digest::of(b"")), stage: None };
        for _ in 0..6 {
            let waiting = self.world.store().waiting_on(request).await.unwrap_or_default();
            let fitting: Vec<String> =
                waiting.values().flatten().map(|id| self.world.name(*id).to_owned()).collect();
            let Some(who) = self.dice.pick(&fitting).cloned() else { break };
            match self.world.by(&who, &approval).await {
                Ok(decided) => self.promised(request, decided.grant),
                Err(broken) => return (words, Err(broken)),
            }
        }
        (words, Ok(()))
    }

    pub(super) async fn approve(&mut self) -> Acted {
        let Some(request) = self.request(&[State::Open]) else { return self.work().await };
        let who = self.approver(request).await;
        let digest = self.shown_digest(request);
        let words = format!("{who} approves {request}");
        let approval = ApproveRequest { request, digest, stage: None };
        let decided = self.world.by(&who, &approval).await;
        (words, decided.map(|decided| self.promised(request, decided.grant)))
    }

    /// Two decide on the same request at once: one of them on facts that are no longer so.
    pub(super) async fn overtaken(&mut self) -> Acted {
        let Some(request) = self.request(&[State::Open]) else { return Self::nothing("race") };
        let (first, second) = (self.approver(request).await, self.approver(request).await);
        let digest = self.shown_digest(request);
        let words = format!("{first} and {second} decide on {request} at once");
        let actors = (self.world.actor(&first).await, self.world.actor(&second).await);
        let (one, other) = match actors {
            (Ok(one), Ok(other)) => (one, other),
            (Err(broken), _) | (_, Err(broken)) => return (words, Err(broken)),
        };
        let approval = ApproveRequest { request, digest, stage: None };
        if self.dice.chance(30) {
            let withdrawal = WithdrawRequest { request };
            let done = self.world.overtaken((one, &approval), (other, &withdrawal)).await;
            return (words, done.and_then(|(approved, _)| approved.map(drop)));
        }
        let done = self.world.overtaken((one, &approval), (other, &approval)).await;
        (words, done.and_then(|(one, _)| one.map(|one| self.promised(request, one.grant))))
    }

    pub(super) async fn change_mind(&mut self) -> Acted {
        let states = [State::Open, State::Approved];
        let Some(request) = self.request(&states) else { return Self::nothing("change of mind") };
        let Some(known) = self.checkers.book.request(request).cloned() else {
            return Self::nothing("change of mind");
        };
        let approvers: Vec<_> = known.approvers().into_iter().collect();
        match self.dice.below(3) {
            0 => {
                let who = self.world.name(known.revision.requester).to_owned();
                let done = self.world.by(&who, &WithdrawRequest { request }).await;
                (format!("{who} withdraws {request}"), done)
            }
            1 => {
                let who = self.dice.pick(&approvers).map(|id| self.world.name(*id).to_owned());
                let who = who.unwrap_or_else(|| "olga".to_owned());
                let done = self.world.by(&who, &WithdrawApproval { request }).await;
                (format!("{who} withdraws the approval of {request}"), done)
            }
            _ => {
                let who = self.approver(request).await;
                let digest = self.shown_digest(request);
                let deny = DenyRequest { request, digest, reason: "not now, please".to_owned() };
                let done = self.world.by(&who, &deny).await.map(drop);
                (format!("{who} denies {request}"), done)
            }
        }
    }
}
