//! The only crate that knows Cedar: a question in, a ruling out.
//!
//! Here belong: reading a policy bundle and finding what is wrong with it, turning the domain's
//! values into the slice of facts that a decision needs, asking, solving the way of a request from
//! the gates, and the records that let anybody ask again. Here does not belong: loading facts,
//! storing records, a clock, and whatever follows from a ruling.
//!
//! Cedar's own words (principal, resource, action) stay inside. Two of its manners shape this crate:
//! it skips a policy that errs, a forbid too, so any error here is a refusal; and it knows only what
//! stands in the slice, so a fact that was not loaded is an error and never a silent "no".

mod asking;
mod bundle;
mod diff;
mod fixture;
mod lint;
mod placed;
mod policies;
mod problem;
mod record;
mod schema;
mod slice;
mod solve;
mod syntax;
#[cfg(test)]
mod tests;
mod words;

pub use asking::Asking;
pub use bundle::shipped;
pub use diff::{Changed, Difference, Otherwise, difference};
pub use fixture::{Failure, FixtureReport, run_fixtures};
pub use policies::{Policies, Rule, Sources};
pub use problem::Problem;
pub use record::{NotReplayed, replay, slice_of};
pub use slice::{Ask, Emergency, World};
