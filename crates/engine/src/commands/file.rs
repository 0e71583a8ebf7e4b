//! File: several asks at once, each its own request with its own trail, all or none. What conflicts is
//! refused before anybody is asked.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::id::{FilingId, IdentityId};
use placet_domain::name::EntitlementName;

use super::submit::{SubmitRequest, Submitted};
use crate::draft::{Command, Draft};
use crate::error::Error;

/// The most asks that are filed together.
pub const MOST: usize = 20;

#[derive(Clone, Debug)]
pub struct FileTogether {
    pub asks: Vec<SubmitRequest>,
}

#[derive(Clone, Debug)]
pub struct Filed {
    pub filing: FilingId,
    pub requests: Vec<Submitted>,
}

#[async_trait::async_trait]
impl Command for FileTogether {
    type Output = Filed;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Filed, Error> {
        if self.asks.is_empty() || self.asks.len() > MOST {
            return Err(Refusal::NothingAsked {}.into());
        }
        self.check_conflicts(draft).await?;
        let filing = draft.engine.environment.id();
        let mut requests = Vec::with_capacity(self.asks.len());
        for ask in &self.asks {
            requests.push(draft.submit(ask, Some(filing)).await?);
        }
        Ok(Filed { filing, requests })
    }
}

impl FileTogether {
    /// No two asks for one receiver are for the same, or for what conflicts.
    async fn check_conflicts(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let mut asked = Vec::new();
        for ask in &self.asks {
            let receiver: IdentityId = match &ask.receiver {
                Some(given) => draft.identity_called(given).await?,
                None => draft.someone()?,
            };
            asked.push((receiver, draft.entitlement_called(&ask.entitlement).await?));
        }
        let mut before: Vec<(IdentityId, EntitlementName, BTreeSet<_>)> = Vec::new();
        for (receiver, one) in asked {
            let theirs = || before.iter().filter(|(other, _, _)| *other == receiver);
            if theirs().any(|(_, other, _)| *other == one.name) {
                return Err(Refusal::AskedTwice { entitlement: one.name.to_string() }.into());
            }
            let clash = theirs().find(|(_, _, conflicts)| conflicts.contains(&one.id));
            if let Some((_, other, _)) = clash {
                return Err(Refusal::ConflictingAsks {
                    one: other.to_string(),
                    other: one.name.to_string(),
                }
                .into());
            }
            before.push((receiver, one.name, one.conflicts));
        }
        Ok(())
    }
}
