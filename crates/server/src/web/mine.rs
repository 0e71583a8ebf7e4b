//! Mine: what I hold and until when, what I asked for and whom it waits for, what waits for me.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_engine::Engine;
use placet_engine::queries::{self, GrantView, RequestView};

use super::failed::Failed;
use super::page::{self, Here, Page};
use super::requests::{Waiting, by_risk};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "mine.html")]
struct MinePage {
    page: Page,
    holds: Vec<GrantView>,
    /// What is open, and what was decided lately.
    asked: Vec<RequestView>,
    waiting: Vec<Waiting>,
}

impl MinePage {
    fn is_empty(&self) -> bool {
        self.holds.is_empty() && self.asked.is_empty() && self.waiting.is_empty()
    }

    /// Whether there may be more than is shown.
    fn is_full(&self, rows: usize) -> bool {
        rows >= ROWS as usize
    }

    fn sentence(&self) -> String {
        let open = self.asked.iter().filter(|one| one.state == "open").count();
        let mut parts = Vec::new();
        match self.holds.len() {
            0 => parts.push("You hold nothing".to_owned()),
            many if self.is_full(many) => parts.push(format!("You hold {many} or more")),
            many => parts.push(format!("You hold {many}")),
        }
        if open > 0 {
            parts.push(format!(
                "{open} of your requests {} open",
                if open == 1 { "is" } else { "are" }
            ));
        }
        match self.page.standing.waits {
            0 => parts.push("nothing waits for you".to_owned()),
            1 => parts.push("one thing waits for you".to_owned()),
            many => parts.push(format!("{many} things wait for you")),
        }
        format!("{}.", parts.join("; "))
    }
}

/// How many rows of each kind: the page stays small, and links to all of them.
const ROWS: u32 = 8;

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Mine).await?;
    let rows = queries::Page { limit: Some(ROWS), after: None };
    let mine = engine.mine(actor, &rows).await?;
    let waiting = by_risk(engine.inbox(actor, &rows).await?, &page.standing.who);
    page::shown(&MinePage { page, holds: mine.holds, asked: mine.asked, waiting })
}
