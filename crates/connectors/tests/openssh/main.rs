//! SSH certificates against OpenSSH itself: keys and signatures by `ssh-keygen`, an `ssh-agent`, and
//! a real `sshd` that lets in or refuses. It listens on loopback, and lets in only whoever runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

mod ground;
mod halves;
mod sshd;
