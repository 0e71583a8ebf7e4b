//! Policy: the ruling rules in their own words beside their text, what they decided lately, and what it
//! would take to get something.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_engine::queries::{PolicyView, PreviewView, RuleView};
use placet_engine::{Engine, Error};
use serde::Deserialize;

use super::address::Query;
use super::failed::Failed;
use super::form::Typed;
use super::page::{self, Here, Page};
use super::refused::{Refused, Sent};
use super::show::Digits;
use super::visitor::Visitor;

/// Which file of the bundle is read, and who would ask for what.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    file: String,
    #[serde(default)]
    who: String,
    #[serde(default)]
    entitlement: String,
    #[serde(default)]
    length: String,
}

/// What came of a what-if.
struct WhatIf {
    preview: Option<PreviewView>,
    refused: Option<Refused>,
}

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    page: Page,
    policy: PolicyView,
    digits: Digits,
    files: Vec<String>,
    /// Of the file that is read.
    rules: Vec<RuleView>,
    asked: Asked,
    what_if: Option<WhatIf>,
}

impl PolicyPage {
    /// The form that asks, which comes back with every answer.
    fn ask(&self) -> Sent<'_> {
        Sent::of(self.what_if.as_ref().and_then(|one| one.refused.as_ref()), &"/policy")
    }

    /// What a file is about, as its name says.
    fn topic(&self, file: &str) -> String {
        let name = file.rsplit('/').next().unwrap_or(file);
        name.trim_end_matches(".cedar").replace('_', " ")
    }

    fn decided_any(&self) -> bool {
        self.rules.iter().any(|rule| !rule.decided.is_empty())
    }
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let policy = engine.policy(actor).await?;
    let mut rules = engine.rules(actor).await?;
    let mut files: Vec<String> = rules.iter().map(|rule| rule.file.clone()).collect();
    files.dedup();
    if !files.contains(&asked.file) {
        // What most people want to know: who has to agree.
        let gates = files.iter().find(|file| file.contains("gate")).or(files.first());
        asked.file = gates.cloned().unwrap_or_default();
    }
    rules.retain(|rule| rule.file == asked.file);
    let what_if = match (asked.entitlement.trim(), asked.length.trim()) {
        ("", _) | (_, "") => None,
        (entitlement, length) => {
            let who = Some(asked.who.trim().to_owned()).filter(|who| !who.is_empty());
            let answer =
                engine.what_if(actor, who, entitlement.to_owned(), length.to_owned()).await;
            Some(what_came(answer, &asked)?)
        }
    };
    let digits = Digits(policy.bundle.to_string());
    page::shown(&PolicyPage { page, policy, digits, files, rules, asked, what_if })
}

fn what_came(answer: Result<PreviewView, Error>, asked: &Asked) -> Result<WhatIf, Failed> {
    match answer {
        Ok(preview) => Ok(WhatIf { preview: Some(preview), refused: None }),
        Err(Error::Refused(refusal)) => {
            let fields = [
                ("who", &asked.who),
                ("entitlement", &asked.entitlement),
                ("length", &asked.length),
            ];
            let typed = fields.map(|(name, text)| (name.to_owned(), text.clone())).to_vec();
            let refused = Refused::of(&refusal, "/policy".to_owned(), Typed::of(typed));
            Ok(WhatIf { preview: None, refused: Some(refused) })
        }
        Err(error) => Err(error.into()),
    }
}
