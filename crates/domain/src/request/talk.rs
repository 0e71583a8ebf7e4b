//! Talking about a request: somebody who may decide asks, somebody who wants it answers. Both are
//! part of the trail, so that whoever reads it later knows what was known.

use serde::{Deserialize, Serialize};

use super::Request;
use super::rules::{may_decide, person};
use crate::Refusal;
use crate::actor::Actor;
use crate::committed::Committed;
use crate::id::IdentityId;
use crate::identity::Identity;
use crate::name::StageName;
use crate::ruling::Ruling;
use crate::time::Timestamp;

/// The most questions about one request.
pub const MOST_QUESTIONS: usize = 20;

/// A question as asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talked {
    /// From 1, in the order of asking.
    pub number: u32,
    pub by: IdentityId,
    pub text: Committed<String>,
}

/// An answer as given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    pub number: u32,
    pub by: IdentityId,
    pub text: Committed<String>,
}

/// A question with its answer, once there is one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub asked: Talked,
    pub asked_at: Timestamp,
    pub answered: Option<Answered>,
    pub answered_at: Option<Timestamp>,
}

impl Question {
    pub(super) fn new(asked: &Talked, at: Timestamp) -> Self {
        Self { asked: asked.clone(), asked_at: at, answered: None, answered_at: None }
    }
}

pub(super) fn answer(questions: &mut [Question], answered: &Answered, at: Timestamp) {
    let open = questions.iter_mut().find(|one| one.asked.number == answered.number);
    if let Some(question) = open {
        question.answered = Some(answered.clone());
        question.answered_at = Some(at);
    }
}

/// Only somebody who may decide on it asks.
pub(super) fn ask(
    request: &Request,
    actor: Actor,
    asker: &Identity,
    text: Committed<String>,
    eligible: &[(StageName, Ruling)],
    now: Timestamp,
) -> Result<Talked, Refusal> {
    let (by, _) = person(actor, asker, now)?;
    may_decide(eligible)?;
    if request.questions.len() >= MOST_QUESTIONS {
        return Err(Refusal::TooManyQuestions { most: MOST_QUESTIONS });
    }
    let number = u32::try_from(request.questions.len()).unwrap_or(u32::MAX).saturating_add(1);
    Ok(Talked { number, by, text })
}

/// Those who want it answer: the asker of the request, the receiver, or who owns the receiver.
pub(super) fn reply(
    request: &Request,
    by: IdentityId,
    receiver: &Identity,
    number: u32,
    text: Committed<String>,
) -> Result<Answered, Refusal> {
    let revision = &request.revision;
    let theirs =
        by == revision.requester || by == revision.receiver || receiver.owner() == Some(by);
    if !theirs {
        return Err(Refusal::NotYours { what: request.id.to_string() });
    }
    let question = request.questions.iter().find(|one| one.asked.number == number);
    match question {
        Some(question) if question.answered.is_none() => Ok(Answered { number, by, text }),
        Some(_) => Err(Refusal::AnsweredAlready { number }),
        None => Err(Refusal::UnknownQuestion { number, request: request.id.to_string() }),
    }
}
