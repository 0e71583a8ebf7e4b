//! The simulation: a seeded world in which the real engine, store, policies and ledger live, and
//! the laws, which are held against it after every step.
//!
//! Here belong: the world (clock, randomness, targets, people), chaos (crashes, lost replies, hands
//! on targets), the checkers, the story language and the stories with their transcripts. Here does
//! not belong: anything that ships. What a checker says it says from the ledger's entries and from
//! the targets' own memory, never from what the engine answers about itself.
//!
//! One seed is one life: the same seed makes the same ledger to the byte.

// Only tests use this crate: where its own world is broken, it stops loudly.
#![allow(clippy::expect_used)]

pub mod book;
pub mod by_hand;
pub mod chaos;
pub mod checkers;
pub mod company;
pub mod credentials;
pub mod dice;
pub mod laws;
pub mod lives;
pub mod mail;
pub mod nature;
pub mod script;
pub mod target;
pub mod walk;
pub mod world;
