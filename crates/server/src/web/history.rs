//! History: requests that fit, each with who agreed, its grant and its proof; and the same as a file.

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::{Refusal, Timestamp};
use placet_engine::Engine;
use placet_engine::queries::{self, RequestView, SoughtRequests};
use serde::Deserialize;

use super::address::Query;
use super::failed::Failed;
use super::form::day;
use super::page::{self, Here, Page};
use super::rows::{self, Rows};
use super::show;
use super::visitor::Visitor;
use crate::body::encoded;

/// What is looked for, as it was typed; what is empty fits all.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Sought {
    #[serde(default)]
    person: String,
    #[serde(default)]
    entitlement: String,
    /// Days, both of them included.
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    after: Option<String>,
}

const DAY: u64 = 24 * 60 * 60;

impl Sought {
    fn sought(&self) -> Result<SoughtRequests, Refusal> {
        let optional = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(SoughtRequests {
            person: optional(&self.person),
            entitlement: optional(&self.entitlement),
            since: day(&self.since)?,
            until: day(&self.until)?.map(|day| day.plus_seconds(DAY)),
        })
    }

    fn is_empty(&self) -> bool {
        [&self.person, &self.entitlement, &self.since, &self.until].iter().all(|one| one.is_empty())
    }

    /// The same search as it stands in an address.
    fn query(&self) -> String {
        let fields = [
            ("person", &self.person),
            ("entitlement", &self.entitlement),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let named = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let parts: Vec<String> =
            named.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        parts.join("&")
    }
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    page: Page,
    sought: Sought,
    found: Rows<RequestView>,
    /// What is wrong with a day that was typed.
    wrong: Option<String>,
    may_export: bool,
}

impl HistoryPage {
    fn query(&self) -> String {
        self.sought.query()
    }

    fn address(&self) -> String {
        match self.query().as_str() {
            "" => "/history".to_owned(),
            query => format!("/history?{query}"),
        }
    }
}

/// How many on a page, which stays small with them.
const ROWS: usize = 15;

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(sought): Query<Sought>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::History).await?;
    let may_export = engine.authorise(actor, Deed::ExportEvidence).await.is_ok();
    let rows = rows::asked(ROWS, sought.after.clone());
    let (found, wrong) = match sought.sought() {
        Ok(fits) => (engine.sought_requests(actor, &fits, &rows).await?, None),
        Err(refusal) => (Vec::new(), Some(refusal.sentence())),
    };
    let found = Rows::cut(found, ROWS, |one| one.id.to_string());
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::with_status(status, &HistoryPage { page, sought, found, wrong, may_export })
}

/// The most rows of a file, and how many are read at once.
const MOST: usize = 20_000;
const AT_ONCE: u32 = 200;

/// How far a file has come.
struct Writing {
    engine: Engine,
    actor: Actor,
    sought: SoughtRequests,
    after: Option<String>,
    written: usize,
    done: bool,
}

impl Writing {
    /// The next rows; nothing when there are no more. Each page is ruled anew.
    async fn more(mut self) -> Result<Option<(String, Self)>, placet_engine::Error> {
        if self.done {
            return Ok(None);
        }
        let mut text = String::new();
        if self.written == 0 {
            text.push_str(&record(HEADS.map(str::to_owned)));
        }
        let rows = queries::Page { limit: Some(AT_ONCE), after: self.after.take() };
        let found = self.engine.sought_requests(self.actor, &self.sought, &rows).await?;
        found.iter().for_each(|one| text.push_str(&record(cells(one))));
        self.written += found.len();
        self.done = found.len() < AT_ONCE as usize || self.written >= MOST;
        self.after = found.last().map(|last| last.id.to_string());
        if self.done && found.len() >= AT_ONCE as usize {
            let said = format!("this file ends after {MOST} rows; search for less to see the rest");
            text.push_str(&record([said]));
        }
        Ok(Some((text, self)))
    }
}

/// What was found as CSV (RFC 4180), written as it is read.
pub(super) async fn export(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(sought): Query<Sought>,
) -> Result<Response, Failed> {
    let sought = sought.sought()?;
    let writing = Writing { engine, actor, sought, after: None, written: 0, done: false };
    // What fails on the way ends the connection: half a file must not look like a whole one.
    let body = Body::from_stream(stream::try_unfold(writing, Writing::more));
    let about = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"history.csv\""),
    ];
    Ok((about, body).into_response())
}

const HEADS: [&str; 17] = [
    "request",
    "asked at",
    "asked by",
    "for whom",
    "entitlement",
    "target",
    "length",
    "why",
    "state",
    "decided at",
    "way",
    "agreed by",
    "grant",
    "grant state",
    "until",
    "over at",
    "gone",
];

fn cells(one: &RequestView) -> [String; 17] {
    let at = |at: &Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let grant = one.grant.as_ref();
    let agreed = one.stages.iter().flat_map(|stage| {
        stage.approved_by.iter().map(|by| format!("{} as {}", show::called(&by.who), stage.name))
    });
    [
        one.id.to_string(),
        one.submitted_at.to_string(),
        show::called(&one.requester),
        show::called(&one.receiver),
        one.entitlement.clone(),
        one.target.clone(),
        one.length.clone(),
        one.justification.clone().unwrap_or_default(),
        one.state.to_owned(),
        at(&one.decided_at),
        one.route.to_owned(),
        agreed.collect::<Vec<_>>().join("; "),
        grant.map(|grant| grant.id.to_string()).unwrap_or_default(),
        grant.map(|grant| grant.state.to_owned()).unwrap_or_default(),
        at(&grant.and_then(|grant| grant.until)),
        at(&grant.and_then(|grant| grant.over_at)),
        grant.and_then(|grant| grant.gone.clone()).unwrap_or_default(),
    ]
}

/// One line of the file.
fn record<const N: usize>(cells: [String; N]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    cells.join(",") + "\r\n"
}

/// A cell in quotes. What a spreadsheet would take for a formula is made a text.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_text_and_never_a_formula() {
        for (cell, written) in [
            ("plain", "\"plain\""),
            ("say \"no\", twice", "\"say \"\"no\"\", twice\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("a=b", "\"a=b\""),
        ] {
            assert_eq!(quoted(cell), written);
        }
        assert_eq!(record(["a".to_owned(), "b\nc".to_owned()]), "\"a\",\"b\nc\"\r\n");
    }
}
