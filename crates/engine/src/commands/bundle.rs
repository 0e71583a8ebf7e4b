//! Policy bundles: proposed by one, adopted by another. A bundle that does not validate is never
//! stored, and the old one keeps ruling.

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::{self, Digest};
use placet_domain::id::Stream;
use placet_domain::organisation::{self, Command as Change};
use placet_policy::Policies;

use crate::draft::{Command, Draft};
use crate::error::Error;

/// Somebody proposes a bundle.
#[derive(Clone, Debug)]
pub struct ProposeBundle {
    pub bundle: Bundle,
}

/// Somebody else adopts it: it rules from now on.
#[derive(Clone, Copy, Debug)]
pub struct AdoptBundle {
    pub bundle: Digest,
}

/// Refuses a bundle that could not rule.
pub(crate) fn validate(bundle: &Bundle) -> Result<(), Refusal> {
    Policies::load(bundle).map(|_| ()).map_err(|problems| {
        let shown: Vec<String> = problems.iter().take(5).map(ToString::to_string).collect();
        let more = problems.len().saturating_sub(shown.len());
        let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
        Refusal::BundleInvalid { why: format!("{}{rest}", shown.join("; ")) }
    })
}

#[async_trait::async_trait]
impl Command for ProposeBundle {
    type Output = Digest;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Digest, Error> {
        draft.must_be_allowed(Deed::ProposeBundle).await?;
        let by = draft.someone()?;
        validate(&self.bundle)?;
        let digest = self.bundle.digest()?;
        let organisation = draft.engine.store.organisation(&mut draft.facts).await?;
        let events = organisation::decide(
            organisation.as_ref(),
            Change::ProposeBundle { bundle: digest, by },
        )?;
        draft.change(Stream::Organisation, Stream::Organisation, events);
        draft.commit.records.insert(digest, canonical::text(&self.bundle)?);
        Ok(digest)
    }
}

#[async_trait::async_trait]
impl Command for AdoptBundle {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::AdoptBundle).await?;
        let organisation = draft.engine.store.organisation(&mut draft.facts).await?;
        let command = Change::AdoptBundle { bundle: self.bundle, actor: draft.actor };
        let events = organisation::decide(organisation.as_ref(), command)?;
        // It was validated when it was proposed, by whatever engine ran then.
        draft.engine.policies(self.bundle).await?;
        draft.change(Stream::Organisation, Stream::Organisation, events);
        draft.concerns(Stream::Organisation);
        Ok(())
    }
}
