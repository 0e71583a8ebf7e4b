//! The pure rules of Placet.
//!
//! Here belong: the state machines (one a file, each with its `Event`, `decide` and `apply`), the
//! laws that no policy bundle can loosen, canonical bytes and digests, and the words of the field
//! as types. Here does not belong: I/O, `async`, a clock, randomness, hash-ordered collections,
//! Cedar, SQL or HTTP. Time, fresh ids and salts come in as values; the policy's answer comes in
//! as a fact.

pub mod access;
pub mod action;
pub mod actor;
pub mod assign;
pub mod bundle;
pub mod canonical;
pub mod catalogue;
pub mod committed;
pub mod credential;
pub mod delegation;
pub mod ending;
pub mod entitlement;
pub mod entry;
pub mod event;
pub mod finding;
pub mod grant;
pub mod handover;
pub mod id;
pub mod identity;
pub mod independence;
pub mod length;
pub mod name;
pub mod notice;
pub mod observation;
pub mod organisation;
pub mod passkey;
pub mod proposal;
pub mod reconcile;
pub mod refusal;
pub mod request;
pub mod route;
pub mod ruling;
pub mod schedule;
#[cfg(feature = "schema")]
mod schema;
pub mod state;
pub mod target;
pub mod team;
pub mod time;

pub use refusal::Refusal;
pub use time::Timestamp;
