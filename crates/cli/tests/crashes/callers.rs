//! Callers: people and a pipeline who ask, agree, collect, give back and revoke, over HTTP, until
//! nobody answers any more. What was answered as done is noted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use placet_domain::canonical::Digest;
use placet_domain::id::IdentityId;
use serde_json::json;

use crate::book::Promise;
use crate::company::{Company, Door, ENGINEERS, Gone, OWNERS, WORKLOAD};
use crate::dice::Dice;
use crate::world::Answer;

/// What all callers of a company noted.
#[derive(Debug, Default)]
pub struct Notes {
    pub promises: Vec<Promise>,
    /// How often each refusal was met.
    pub refused: BTreeMap<String, u32>,
    /// Answers that nobody should get while nothing is broken.
    pub wrong: Vec<String>,
}

pub struct Caller {
    pub company: Arc<Company>,
    pub door: Door,
    pub dice: Dice,
    pub notes: Arc<Mutex<Notes>>,
}

impl Caller {
    pub async fn work(mut self) {
        while self.turn().await.is_ok() {}
    }

    async fn turn(&mut self) -> Result<(), Gone> {
        match self.dice.below(10) {
            0..4 => self.read().await,
            4..7 => self.deploy().await,
            7..9 => self.pull().await,
            _ => self.build().await,
        }
    }

    fn promise(&self, promise: Promise) {
        self.notes.lock().unwrap().promises.push(promise);
    }

    /// What came back, if it is good; a refusal has a code, a sentence and a next step.
    fn noted(&self, answer: Answer) -> Option<Answer> {
        if answer.code() == "ok" {
            return Some(answer);
        }
        let mut notes = self.notes.lock().unwrap();
        let in_words = !answer.text("/detail").is_empty() && !answer.text("/next").is_empty();
        if answer.status >= 500 || !in_words {
            notes.wrong.push(format!("{answer:?}"));
        }
        *notes.refused.entry(answer.code()).or_default() += 1;
        None
    }

    async fn pause(&mut self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(self.dice.below(millis))).await;
    }

    async fn asks(&mut self, who: &str, entitlement: &str) -> Result<Option<Answer>, Gone> {
        let length = *self.dice.one(&["1s", "2s", "3s"]);
        let asked = self.company.ask(&self.door, who, entitlement, length).await?;
        let Some(asked) = self.noted(asked) else { return Ok(None) };
        let (request, digest) = (asked.text("/id"), asked.text("/digest"));
        self.promise(Promise::Asked {
            request: request.parse().unwrap(),
            digest: digest.parse().unwrap(),
        });
        Ok(Some(asked))
    }

    /// The grant that a request came to, if it has.
    fn grant_of(&self, request: &Answer) -> Option<String> {
        let grant = request.text("/grant/id");
        if grant.is_empty() {
            return None;
        }
        self.promise(Promise::Granted { grant: grant.parse().unwrap() });
        Some(grant)
    }

    /// Somebody reads the logs: nobody has to agree.
    async fn read(&mut self) -> Result<(), Gone> {
        let who = *self.dice.one(&ENGINEERS);
        let Some(asked) = self.asks(who, "build-logs").await? else { return Ok(()) };
        let Some(grant) = self.grant_of(&asked) else { return Ok(()) };
        self.live_and_end(who, &grant).await
    }

    /// Somebody deploys: their manager and an owner agree.
    async fn deploy(&mut self) -> Result<(), Gone> {
        let who = *self.dice.one(&ENGINEERS);
        let Some(asked) = self.asks(who, "booking-staging-deploy").await? else { return Ok(()) };
        let body = json!({ "digest": asked.text("/digest") });
        let path = format!("/requests/{}/approve", asked.text("/id"));
        for by in ["mara", *self.dice.one(&OWNERS)] {
            let answer = self.company.post(&self.door, by, &path, &body).await?;
            let Some(agreed) = self.noted(answer) else { return Ok(()) };
            let request = agreed.text("/id").parse().unwrap();
            self.promise(Promise::Agreed { request, by: self.id_of(by) });
        }
        let path = format!("/requests/{}", asked.text("/id"));
        let shown = self.company.get(&self.door, who, &path).await?;
        let Some(shown) = self.noted(shown) else { return Ok(()) };
        let Some(grant) = self.grant_of(&shown) else { return Ok(()) };
        self.live_and_end(who, &grant).await
    }

    /// Somebody has a token entered, and it works when the answer says so.
    async fn pull(&mut self) -> Result<(), Gone> {
        let who = *self.dice.one(&ENGINEERS);
        let Some(asked) = self.asks(who, "registry-pull").await? else { return Ok(()) };
        let Some(grant) = self.grant_of(&asked) else { return Ok(()) };
        let digest = Digest::of(&self.dice.next().to_be_bytes());
        let path = format!("/grants/{grant}/collect");
        let body = json!({ "token_sha256": digest.to_string() });
        let answer = self.company.post(&self.door, who, &path, &body).await?;
        let Some(shown) = self.noted(answer) else { return Ok(()) };
        self.promise(Promise::Collected { grant: grant.parse().unwrap(), digest });
        self.note_state(&shown);
        self.live_and_end(who, &grant).await
    }

    /// A pipeline asks with its token, and gives back when it is through.
    async fn build(&mut self) -> Result<(), Gone> {
        let Some(asked) = self.asks(WORKLOAD, "build-logs").await? else { return Ok(()) };
        let Some(grant) = self.grant_of(&asked) else { return Ok(()) };
        self.pause(100).await;
        self.give_back(WORKLOAD, &grant).await
    }

    fn note_state(&self, grant: &Answer) {
        let state = grant.text("/state");
        if ["active", "ended"].contains(&state.as_str()) {
            let grant = grant.text("/id").parse().unwrap();
            self.promise(Promise::Was { grant, state });
        }
    }

    /// A grant is looked at, and given back, revoked or left to its end.
    async fn live_and_end(&mut self, who: &str, grant: &str) -> Result<(), Gone> {
        self.pause(120).await;
        let shown = self.company.get(&self.door, who, &format!("/grants/{grant}")).await?;
        if let Some(shown) = self.noted(shown) {
            self.note_state(&shown);
        }
        match self.dice.below(10) {
            0..4 => self.give_back(who, grant).await,
            4..6 => {
                let by = *self.dice.one(&["tom", "ada"]);
                let path = format!("/grants/{grant}/revoke");
                let body = json!({ "note": "not today" });
                let answer = self.company.post(&self.door, by, &path, &body).await?;
                if self.noted(answer).is_some() {
                    self.promise(Promise::Revoked { grant: grant.parse().unwrap() });
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn give_back(&mut self, who: &str, grant: &str) -> Result<(), Gone> {
        let path = format!("/grants/{grant}/give-back");
        let answer = self.company.post(&self.door, who, &path, &json!({})).await?;
        if self.noted(answer).is_some() {
            self.promise(Promise::GivenBack { grant: grant.parse().unwrap() });
        }
        Ok(())
    }

    fn id_of(&self, handle: &str) -> IdentityId {
        let handles = self.company.handles.iter();
        *handles.into_iter().find(|(_, one)| *one == handle).unwrap().0
    }
}
