//! How often somebody failed to log in. Secrets are too long to be guessed; what is held back is noise
//! and load. In memory and bounded: a restart forgets it.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use placet_domain::refusal::Class;
use placet_engine::{Engine, Error};

use crate::pending::{self, Limits};

/// So many logins may fail in a minute, from one address and from all.
const FAILURES: (u32, u32) = (20, 6_000);

/// The failures of the last minute.
#[derive(Debug)]
pub(crate) struct Tries {
    failed: Limits,
    behind_proxy: bool,
}

impl Tries {
    pub(crate) fn new(behind_proxy: bool) -> Self {
        Self { failed: Limits::new(FAILURES), behind_proxy }
    }
}

/// Somebody who tries to log in.
#[derive(Debug)]
pub(crate) struct Trying {
    tries: Arc<Tries>,
    caller: Option<IpAddr>,
}

impl Trying {
    /// Lets somebody try who has not failed too often, and counts it if they fail.
    pub(crate) async fn once<T>(
        &self,
        engine: &Engine,
        login: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let failed = &self.tries.failed;
        failed.has_room(self.caller, engine.steady())?;
        let done = login.await;
        if let Err(Error::Refused(refusal)) = &done
            && refusal.class() == Class::Unauthenticated
        {
            // Whoever comes when it is full is told so the next time.
            let _ = failed.count(self.caller, engine.steady());
        }
        done
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Trying {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let tries = parts.extensions.get::<Arc<Tries>>().cloned();
        let tries = tries.unwrap_or_else(|| Arc::new(Tries::new(false)));
        let caller = pending::caller(parts, tries.behind_proxy);
        Ok(Self { tries, caller })
    }
}
