//! The API, in the voice of actors: what each may, and what bad input gets. Everything goes
//! through the router that `placet serve` serves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

mod by_hand;
mod catalogue;
mod changes;
mod conditions;
mod credentials;
mod forms;
mod full;
mod lasting;
mod lists;
mod notices;
mod openapi;
mod pages;
mod passkeys;
mod reading;
mod recover;
mod refusals;
mod routes;
mod stories;
mod tokens;
mod world;
