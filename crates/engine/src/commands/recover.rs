//! Recover: administrators are locked out. Whoever holds the log's key lets two named people in
//! again, and everybody is told.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::credential::{Kind, longest_seconds};
use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::{self, Identity};
use placet_domain::name::TeamName;
use placet_domain::organisation::{self, Organisation, Recovered};
use placet_store::{LARGEST_PAGE, Page};

use super::login::Given;
use super::text;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Two people get one-time codes; possible only beside the data directory and the log's key.
#[derive(Clone, Debug)]
struct RecoverOrganisation {
    people: Vec<String>,
    reason: String,
}

#[async_trait::async_trait]
impl Command for RecoverOrganisation {
    type Output = Vec<Given>;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Vec<Given>, Error> {
        let found = draft.engine.store.organisation(&mut draft.facts).await?;
        let organisation =
            found.ok_or(Refusal::Founders { why: "it has not been founded".to_owned() })?;
        let mut people = Vec::new();
        for called in &self.people {
            let id = draft.identity_called(called).await?;
            let person = draft.engine.store.load::<Identity>(id, &mut draft.facts).await?;
            people.push(person.ok_or(Refusal::UnknownIdentity { given: called.clone() })?);
        }
        let administrators = draft.administrators(&organisation).await?;
        let reason = text("reason", &self.reason)?;
        let blank = reason.is_empty();
        let reason = draft.seal(&reason, "reason", Stream::Organisation)?;
        let recovered = Recovered {
            people: people.iter().map(|one| one.id).collect(),
            none_left: administrators.is_empty(),
            reason,
        };
        let command = organisation::Command::Recover {
            recovered,
            blank,
            people: &people,
            administrators: &administrators,
            now: draft.now,
        };
        let events = organisation::decide(Some(&organisation), command)?;
        draft.change(Stream::Organisation, Stream::Organisation, events);
        if administrators.is_empty() {
            draft.put_in_charge(&organisation, &people).await?;
        }
        let mut given = Vec::new();
        for person in &people {
            let lasts = longest_seconds(Kind::LoginCode);
            given.push(draft.issue(Kind::LoginCode, person.id, lasts, None).await?);
        }
        Ok(given)
    }
}

impl Draft<'_> {
    /// Everybody who could let others in: by policy, or as a founder where policy cannot say.
    async fn administrators(
        &mut self,
        organisation: &Organisation,
    ) -> Result<BTreeSet<IdentityId>, Error> {
        let mut out = BTreeSet::new();
        let policies = self.policies().await.ok();
        self.engine
            .store
            .note_set(placet_domain::state::IDENTITIES.to_owned(), &mut self.facts)
            .await?;
        let mut after = None;
        loop {
            let page = Page { limit: Some(LARGEST_PAGE), after };
            let found = self.engine.store.identities(&page).await?;
            let Some(last) = found.last() else { return Ok(out) };
            after = Some(last.id.to_string());
            let now = self.now;
            for one in found.iter().filter(|one| one.is_human() && one.is_active_at(now)) {
                let may = match &policies {
                    None => organisation.founded.administrators.contains(&one.id),
                    Some(policies) => {
                        let around = self.around([one.id]).await?;
                        let world = around.world();
                        let mut asking = policies.asking(&world, self.now);
                        asking.may_administer(one.id, Deed::IssueLoginCode).permit
                    }
                };
                if may {
                    out.insert(one.id);
                }
            }
        }
    }

    /// Nobody is left in charge: these two take the teams that all founders had in common.
    async fn put_in_charge(
        &mut self,
        organisation: &Organisation,
        people: &[Identity],
    ) -> Result<(), Error> {
        let mut common: Option<BTreeSet<TeamName>> = None;
        for id in &organisation.founded.administrators {
            let found = self.engine.store.load::<Identity>(*id, &mut self.facts).await?;
            let teams = found.map(|one| one.teams).unwrap_or_default();
            common = Some(match common {
                None => teams,
                Some(common) => common.intersection(&teams).cloned().collect(),
            });
        }
        for person in people {
            let mut after = person.clone();
            after.teams.extend(common.clone().unwrap_or_default());
            if after == *person {
                continue;
            }
            let answerable = match &person.is {
                identity::Nature::Human { external: Some(external), .. } => {
                    self.engine.store.load::<Identity>(external.sponsor, &mut self.facts).await?
                }
                _ => None,
            };
            let answerable = answerable.as_ref();
            let command = identity::Command::Revise { identity: after, answerable };
            self.change(person.id, person.id, identity::decide(Some(person), command)?);
            self.concerns(Stream::Identity(person.id));
        }
        Ok(())
    }
}

impl Engine {
    /// Lets two people in again; whoever calls this has opened the data directory with its key.
    pub async fn recover(&self, people: Vec<String>, reason: String) -> Result<Vec<Given>, Error> {
        self.run(Actor::Recovery, &RecoverOrganisation { people, reason }).await
    }
}
