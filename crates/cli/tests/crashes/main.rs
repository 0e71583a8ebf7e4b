//! The real thing dies: the program itself is killed at random moments under load, its disk is full,
//! its database is yesterday's, and each commit fails once. What was answered as done is on record,
//! nothing was granted without assent, nothing was done twice, and what is due ends.
//!
//! `kill -9` takes the process, not the machine: what the kernel has in its buffers stays. A loss of
//! power is not tried here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)] // A test may.

mod book;
mod callers;
mod commits;
mod company;
mod dice;
mod disk;
mod eyes;
mod kills;
mod pages;
#[path = "../binary/place.rs"]
#[allow(dead_code)] // Shared with the tests of the program; not everything is used here.
mod place;
mod starts;
#[path = "../api/world.rs"]
#[allow(dead_code)] // Shared with the tests of the API.
mod world;
mod yesterday;
