//! Mine: what I hold and until when, what I asked for and whom it waits for, what waits for me.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_engine::Engine;
use placet_engine::queries::{GrantView, RequestView};

use super::failed::Failed;
use super::page::{self, Here, Page};
use super::requests::{Waiting, by_risk};
use super::rows::{self, Rows};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "mine.html")]
struct MinePage {
    page: Page,
    holds: Rows<GrantView>,
    /// What is open, and what was decided lately.
    asked: Rows<RequestView>,
    waiting: Vec<Waiting>,
}

impl MinePage {
    fn is_empty(&self) -> bool {
        self.holds.shown.is_empty() && self.asked.shown.is_empty() && self.waiting.is_empty()
    }

    fn sentence(&self) -> String {
        let open = self.asked.shown.iter().filter(|one| one.state == "open").count();
        let mut parts = Vec::new();
        match self.holds.shown.len() {
            0 => parts.push("You hold nothing".to_owned()),
            many if self.holds.more() => parts.push(format!("You hold more than {many}")),
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
const ROWS: usize = 8;

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Mine).await?;
    let rows = rows::asked(ROWS, None);
    let mine = engine.mine(actor, &rows).await?;
    let holds = Rows::cut(mine.holds, ROWS, |one| one.id.to_string());
    let asked = Rows::cut(mine.asked, ROWS, |one| one.id.to_string());
    let mut waiting = by_risk(engine.inbox(actor, &rows).await?, &page.standing.who);
    waiting.truncate(ROWS);
    page::shown(&MinePage { page, holds, asked, waiting })
}
