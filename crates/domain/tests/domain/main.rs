//! The domain from outside: its public face, held against the laws, tables and goldens.

#[cfg(test)]
mod assign;
#[cfg(test)]
mod build;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod grant;
#[cfg(test)]
mod grant_laws;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod purity;
#[cfg(test)]
mod request;
#[cfg(test)]
mod request_laws;
