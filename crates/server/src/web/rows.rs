//! One page of a list: the rows that are shown, and where the next page begins. What a row says is of
//! its own page.

use std::fmt;

use askama::filters::HtmlSafe;
use placet_engine::queries;
use serde::Deserialize;

use super::show::escaped;

/// Which part of a list is looked at.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shown {
    /// What is over as well, where a list leaves that out.
    #[serde(default)]
    pub all: bool,
    pub after: Option<String>,
}

/// What to ask for: one row more than is shown tells whether there are more.
pub(super) fn asked(most: usize, after: Option<String>) -> queries::Page {
    let limit = u32::try_from(most.saturating_add(1)).ok();
    queries::Page { limit, after }
}

/// Leaves the first of a list that is only told of; answers how many are left out.
pub(super) fn trim<T>(list: &mut Vec<T>, most: usize) -> usize {
    let more = list.len().saturating_sub(most);
    list.truncate(most);
    more
}

/// How many of these rows fit into so many bytes; the first one always does.
pub(super) fn fitting<T>(
    rows: impl IntoIterator<Item = T>,
    bytes: usize,
    weight: impl Fn(T) -> usize,
) -> usize {
    let mut taken = 0;
    let fits = |weight: &usize| {
        taken += weight;
        taken <= bytes
    };
    rows.into_iter().map(weight).take_while(fits).count().max(1)
}

/// Rows of one page.
#[derive(Debug)]
pub(super) struct Rows<T> {
    pub shown: Vec<T>,
    /// The last of them, if there are more.
    next: Option<String>,
}

impl<T> Rows<T> {
    /// The first of what was found, each known again by its key.
    pub(super) fn cut(mut found: Vec<T>, most: usize, key: impl Fn(&T) -> String) -> Self {
        let more = trim(&mut found, most);
        let next = found.last().filter(|_| more > 0).map(key);
        Self { shown: found, next }
    }

    pub(super) fn more(&self) -> bool {
        self.next.is_some()
    }

    /// The way to the next page of a list that is alone at its address.
    pub(super) fn pager(&self, list: &'static str, address: impl AsRef<str>) -> Pager {
        self.pager_by("after", list, address.as_ref())
    }

    /// The same where several lists share an address: `name` tells them apart.
    pub(super) fn pager_by(&self, name: &str, list: &'static str, address: &str) -> Pager {
        let join = if address.contains('?') { '&' } else { '?' };
        let to = self.next.as_ref().map(|next| format!("{address}{join}{name}={next}"));
        Pager { list, to }
    }
}

/// A link to the next page, if there is one.
#[derive(Clone, Debug)]
pub(super) struct Pager {
    list: &'static str,
    to: Option<String>,
}

impl HtmlSafe for Pager {}

impl fmt::Display for Pager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(to) = &self.to else { return Ok(()) };
        let (list, to) = (self.list, escaped(to));
        write!(f, "<nav class=\"pager\" aria-label=\"Pages of {list}\"><span></span>")?;
        write!(f, "<a class=\"button\" rel=\"next\" href=\"{to}\">More</a></nav>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_counted_in_bytes_and_is_never_nothing() {
        for (rows, fits) in [(&[9, 1, 1][..], 2), (&[10], 1), (&[11, 1], 1), (&[4, 4, 4], 2)] {
            assert_eq!(fitting(rows, 10, |bytes| *bytes), fits, "{rows:?}");
        }
    }

    #[test]
    fn a_page_leads_on_only_where_there_is_more() {
        let check = |found: usize, address: &str, to: &str| {
            let rows = Rows::cut((1..=found).collect(), 3, ToString::to_string);
            assert_eq!(rows.shown.len(), found.min(3));
            let pager = rows.pager("things", address).to_string();
            match to {
                "" => assert_eq!(pager, ""),
                to => assert!(pager.contains(&format!("href=\"{to}\"")), "{pager}"),
            }
        };
        assert_eq!(asked(3, None).limit, Some(4));
        check(0, "/things", "");
        check(3, "/things", "");
        check(4, "/things", "/things?after=3");
        check(4, "/things?all=true", "/things?all=true&amp;after=3");
    }
}
