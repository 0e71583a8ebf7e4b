//! Overview, for who answers for it: what has an end and what has none, how long things take, what is
//! not settled, what has no owner.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_engine::Engine;
use placet_engine::queries::{OverviewView, UnsettledView};

use super::failed::Failed;
use super::page::{self, Here, Page};
use super::plots::{Length, Part, Strip};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    page: Page,
    view: OverviewView,
}

/// How long something took, as a bar.
struct Took {
    what: &'static str,
    seconds: u64,
    bar: Length,
}

impl OverviewPage {
    fn is_everything(&self) -> bool {
        self.view.of == "everything"
    }

    fn ends(&self) -> Vec<Part> {
        let of = &self.view.time_bound;
        let part = |name, count, class| Part { name, count, class };
        vec![
            part("end within a day", of.in_a_day, "one"),
            part("within a week", of.in_a_week, "two"),
            part("within 30 days", of.in_a_month, "three"),
            part("later", of.later, "four"),
            part("not in force yet, or being ended", of.not_in_force, "five"),
        ]
    }

    fn ends_strip(&self) -> Strip {
        Strip { of: "live grants by their end".to_owned(), parts: self.ends() }
    }

    fn ages(&self) -> Vec<Part> {
        let sum = |of: fn(&UnsettledView) -> u64| self.view.unsettled.iter().map(of).sum();
        let part = |name, count, class| Part { name, count, class };
        vec![
            part("up to a day old", sum(|one| one.of_a_day), "one"),
            part("up to a week", sum(|one| one.of_a_week), "two"),
            part("up to 30 days", sum(|one| one.of_a_month), "three"),
            part("older", sum(|one| one.older), "four"),
        ]
    }

    fn ages_strip(&self) -> Strip {
        Strip { of: "unsettled findings by age".to_owned(), parts: self.ages() }
    }

    fn unsettled(&self) -> u64 {
        self.view.unsettled.iter().map(|one| one.all).sum()
    }

    fn unowned(&self) -> u64 {
        let unowned = self.view.unsettled.iter().filter(|one| one.kind == "unowned");
        unowned.map(|one| one.all).sum()
    }

    fn kind(&self, one: &UnsettledView) -> String {
        one.kind.replace('_', " ")
    }

    /// What the times are drawn from; nothing where there is none.
    fn times(&self) -> Vec<Took> {
        let both = [
            (&self.view.decide, ["to decide, the middle one", "to decide, 95 of 100"]),
            (&self.view.revoke, ["to revoke, the middle one", "to revoke, 95 of 100"]),
        ];
        let lengths: Vec<(&'static str, u64)> = both
            .into_iter()
            .filter_map(|(took, [middle, most])| {
                let took = took.as_ref()?;
                Some([(middle, took.median_seconds), (most, took.p95_seconds)])
            })
            .flatten()
            .collect();
        let longest = lengths.iter().map(|(_, seconds)| *seconds).max().unwrap_or_default();
        let took = |(what, seconds)| Took { what, seconds, bar: Length { of: seconds, longest } };
        lengths.into_iter().map(took).collect()
    }
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
) -> Result<Response, Failed> {
    let view = engine.overview(actor).await?;
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    page::shown(&OverviewPage { page, view })
}
