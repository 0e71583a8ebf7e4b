//! What a governed catalogue adds to a company: a schedule, a proposal, a handover, and rounds that
//! workers have to go through.

use placet_domain::canonical::Digest;
use placet_domain::handover::{self, Heir, Opened};
use placet_domain::id::{HandoverId, ProposalId, Stream};
use placet_domain::proposal::{self, Proposed};
use placet_domain::schedule::{self, Schedule};
use placet_store::{Commit, Round, Upkeep};

use crate::company::{Company, at, change, empty, fresh};
use crate::ground::Ground;

/// A commit that makes one of each.
pub fn one_of_each(company: &Company) -> (Commit, ProposalId, HandoverId) {
    let mut commit = empty(5);
    let schedule = Schedule::usual();
    let events = schedule::decide(None, schedule::Command::Register(schedule.clone())).unwrap();
    commit.changes.push(change(schedule.name, 0, events));
    let proposal: ProposalId = fresh();
    let proposed = Proposed {
        proposal,
        by: company.olga.id,
        changes: Digest::of(b"changes"),
        records: 1,
        lapses_at: at(100),
    };
    let command = proposal::Command::Propose(proposed);
    let events = proposal::decide(None, command, at(5)).unwrap();
    commit.changes.push(change(proposal, 0, events));
    let id: HandoverId = fresh();
    let opened = Opened {
        handover: id,
        what: Stream::Identity(company.ana.id),
        from: company.ana.id,
        to: company.olga.id,
        heir: Heir::Manager,
        settle_by: at(100),
    };
    let events = handover::decide(None, handover::Command::Open(opened)).unwrap();
    commit.changes.push(change(id, 0, events));
    (commit, proposal, id)
}

#[tokio::test]
async fn proposals_and_handovers_are_found_while_they_wait() {
    let ground = Ground::sqlite();
    let company = Company::found(ground.open().await).await;
    let (commit, proposal, handover) = one_of_each(&company);
    company.store.commit(commit).await.unwrap();
    let page = placet_store::Page::default();
    assert_eq!(company.store.proposals(true, &page).await.unwrap().len(), 1);
    assert_eq!(company.store.lapsing_proposals(at(99), 9).await.unwrap(), []);
    assert_eq!(company.store.lapsing_proposals(at(100), 9).await.unwrap(), [proposal]);
    let what = Stream::Identity(company.ana.id);
    assert_eq!(company.store.handovers_on(&what).await.unwrap(), [handover]);
    let of = |who| company.store.handovers(Some(who), &page);
    assert_eq!(of(company.olga.id).await.unwrap().len(), 1);
    assert_eq!(of(company.ana.id).await.unwrap().len(), 0);

    let mut settle = empty(6);
    let settled = handover::Event::Settled { how: handover::Settled::Kept };
    settle.changes.push(change(handover, 1, vec![settled]));
    let withdrawn = proposal::Event::Withdrawn { by: company.olga.id };
    settle.changes.push(change(proposal, 1, vec![withdrawn]));
    company.store.commit(settle).await.unwrap();
    assert_eq!(company.store.handovers_on(&what).await.unwrap(), []);
    assert_eq!(company.store.lapsing_proposals(at(100), 9).await.unwrap(), []);
    assert_eq!(company.store.proposals(true, &page).await.unwrap().len(), 0);
    assert_eq!(company.store.proposals(false, &page).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_round_that_was_begun_anew_is_not_ended_by_who_went_through_the_old_one() {
    let ground = Ground::sqlite();
    let company = Company::found(ground.open().await).await;
    let what = Round::Rerule(Stream::Organisation);
    let go = async |upkeep: Vec<Upkeep>| {
        let mut commit = empty(5);
        commit.upkeep = upkeep;
        company.store.commit(commit).await.unwrap();
    };
    let begin = || Upkeep::Begin { what: what.clone(), due_at: at(5) };
    let done = |turn| Upkeep::Done { what: what.clone(), turn };
    let step = |turn, progress: &str| Upkeep::Move {
        what: what.clone(),
        turn,
        progress: progress.to_owned(),
        due_at: at(7),
    };
    let due = async |now| company.store.due_rounds(at(now), 9).await.unwrap();
    go(vec![begin()]).await;
    assert_eq!(due(4).await, []);
    assert_eq!(due(5).await[0].turn, 1);
    go(vec![step(1, "half")]).await;
    assert_eq!((due(6).await.len(), due(7).await[0].progress.as_str()), (0, "half"));
    // Another change asks for the same while it is under way.
    go(vec![begin()]).await;
    go(vec![step(1, "whole")]).await;
    go(vec![done(1)]).await;
    let again = due(5).await;
    assert_eq!((again[0].turn, again[0].progress.as_str()), (2, ""));
    go(vec![done(2)]).await;
    assert_eq!(company.store.rounds(9).await.unwrap(), []);
}
