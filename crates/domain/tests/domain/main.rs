//! The domain from outside: its public face, held against the laws, tables and goldens.

#[cfg(test)]
mod assign;
#[cfg(test)]
mod build;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod collected;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod goldens_catalogue;
#[cfg(test)]
mod goldens_passkeys;
#[cfg(test)]
mod grant;
#[cfg(test)]
mod grant_laws;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod purity;
#[cfg(test)]
mod request;
#[cfg(test)]
mod request_laws;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod work;
