//! The record of a ruling, and asking again from it: years later, with the bundle and the slice that
//! it cites by digest.

use std::collections::BTreeSet;

use cedar_policy::entities_errors::EntitiesError;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, Request, get_lang_version, get_sdk_version,
};
use placet_domain::canonical::{self, Digest};
use placet_domain::ruling::Ruling;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policies::Policies;

/// A question with everything but the slice.
#[derive(Debug)]
pub(crate) struct Question {
    pub action: String,
    pub principal: EntityUid,
    pub resource: EntityUid,
    pub context: Context,
}

/// What was answered, with nothing to cite it by: for answers that only lead to others.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub permit: bool,
    pub policies: BTreeSet<String>,
    pub errors: Vec<String>,
}

/// What is remembered of a ruling; its digest is [`Ruling::record`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    bundle: Digest,
    engine: String,
    action: String,
    principal: String,
    resource: String,
    context: Value,
    /// None when the facts could not be gathered; such a ruling refused and cannot be asked again.
    slice: Option<Digest>,
    /// Pre-approvals that did not rule any more.
    lapsed: BTreeSet<String>,
    permit: bool,
    policies: BTreeSet<String>,
    errors: Vec<String>,
}

/// Asks, and writes down what was answered.
pub(crate) fn rule(
    policies: &Policies,
    question: Question,
    lapsed: &BTreeSet<String>,
    facts: Result<(&Entities, Digest), String>,
) -> (Ruling, String) {
    let slice = facts.as_ref().ok().map(|(_, digest)| *digest);
    let context = question.context.to_json_value().map_err(|e| e.to_string());
    let mut record = Record {
        bundle: policies.bundle,
        engine: engine(),
        action: question.action.clone(),
        principal: question.principal.to_string(),
        resource: question.resource.to_string(),
        context: context.as_ref().cloned().unwrap_or_default(),
        slice,
        lapsed: lapsed.clone(),
        permit: false,
        policies: BTreeSet::new(),
        errors: Vec::new(),
    };
    match facts.and_then(|(entities, _)| context.map(|_| entities)) {
        Ok(entities) => {
            let Answer { permit, policies, errors } = answer(policies, question, lapsed, entities);
            record.permit = permit;
            record.policies = policies;
            record.errors = errors;
        }
        Err(why) => record.errors.push(why),
    }
    let text = canonical::text(&record).unwrap_or_else(|e| {
        // Without a record nobody could ask again, so nothing is permitted.
        record.permit = false;
        record.errors.push(e.to_string());
        String::new()
    });
    let ruling = Ruling {
        permit: record.permit,
        deciding: record.policies.iter().map(|id| policies.deciding(id)).collect(),
        errors: record.errors,
        bundle: policies.bundle,
        record: Digest::of(text.as_bytes()),
    };
    (ruling, text)
}

/// Asks.
pub(crate) fn answer(
    policies: &Policies,
    question: Question,
    lapsed: &BTreeSet<String>,
    entities: &Entities,
) -> Answer {
    let Question { action, principal, resource, context } = question;
    let uid = policies.words.action(&action);
    let request = match Request::new(principal, uid, resource, context, None) {
        Ok(request) => request,
        Err(why) => return Answer { errors: vec![why.to_string()], ..Answer::default() },
    };
    let set = policies.ruling_on(&action, lapsed);
    let response = Authorizer::new().is_authorized(&request, &set, entities);
    let found = response.diagnostics();
    let mut errors: Vec<String> = found.errors().map(ToString::to_string).collect();
    errors.sort();
    Answer {
        // A policy that errs was skipped, and it may have been the forbid that mattered.
        permit: response.decision() == Decision::Allow && errors.is_empty(),
        policies: found.reason().map(|id| AsRef::<str>::as_ref(id).to_owned()).collect(),
        errors,
    }
}

fn engine() -> String {
    let language = get_lang_version();
    format!("cedar-policy {}, language {}.{}", get_sdk_version(), language.major, language.minor)
}

/// Why a ruling cannot be asked again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotReplayed {
    #[error("the record cannot be read: {0}")]
    Record(String),
    #[error("the record cites bundle {cited}, and this is {given}")]
    Bundle { cited: Digest, given: Digest },
    #[error("the record cites slice {cited}, and this is {given}")]
    Slice { cited: Digest, given: Digest },
    #[error("the facts could not be gathered then, so it was refused without asking policy")]
    NoSlice,
    #[error("the slice cannot be read: {0}")]
    UnreadableSlice(String),
}

/// The digest of the slice that a record cites.
pub fn slice_of(record_text: &str) -> Result<Digest, NotReplayed> {
    let record: Record =
        serde_json::from_str(record_text).map_err(|e| NotReplayed::Record(e.to_string()))?;
    record.slice.ok_or(NotReplayed::NoSlice)
}

/// Asks again what a record says was asked. The answer is the same exactly if [`Ruling::record`] is
/// the digest of `record_text`; with another version of the engine it may differ in that alone.
pub fn replay(
    policies: &Policies,
    record_text: &str,
    slice_text: &str,
) -> Result<Ruling, NotReplayed> {
    let record: Record =
        serde_json::from_str(record_text).map_err(|e| NotReplayed::Record(e.to_string()))?;
    if record.bundle != policies.bundle {
        return Err(NotReplayed::Bundle { cited: record.bundle, given: policies.bundle });
    }
    let cited = record.slice.ok_or(NotReplayed::NoSlice)?;
    let given = Digest::of(slice_text.as_bytes());
    if cited != given {
        return Err(NotReplayed::Slice { cited, given });
    }
    let unreadable = |e: EntitiesError| NotReplayed::UnreadableSlice(e.to_string());
    let entities = Entities::from_json_str(slice_text, None).map_err(unreadable)?;
    let actions = policies.actions.iter().cloned();
    let entities = entities.add_entities(actions, None).map_err(unreadable)?;
    let entity = |text: &str| {
        text.parse::<EntityUid>().map_err(|e| NotReplayed::Record(format!("`{text}`: {e}")))
    };
    let question = Question {
        action: record.action,
        principal: entity(&record.principal)?,
        resource: entity(&record.resource)?,
        context: Context::from_json_value(record.context, None)
            .map_err(|e| NotReplayed::Record(e.to_string()))?,
    };
    let (ruling, _) = rule(policies, question, &record.lapsed, Ok((&entities, given)));
    Ok(ruling)
}
