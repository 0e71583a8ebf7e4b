//! The ledger from outside: its public face, over trails that the domain itself decided.

#[cfg(test)]
mod assent;
#[cfg(test)]
mod authenticator;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod collected;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod export;
#[cfg(test)]
mod interop;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod log;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod story;
#[cfg(test)]
mod tree;
