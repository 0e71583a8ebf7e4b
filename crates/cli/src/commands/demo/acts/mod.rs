//! The acts of the demo, told while they happen, one file each.

mod asking;
mod bundle;
mod catalogue;
mod certificate;
mod database;
mod drift;
mod emergency;
mod holiday;
mod leaver;
mod pipeline;
mod proof;
mod refused;

use super::company::Company;
pub use proof::Told;

/// The acts, in order.
pub async fn play(company: &mut Company) -> anyhow::Result<Told> {
    let request = asking::play(company).await?;
    holiday::play(company).await?;
    refused::play(company).await?;
    certificate::play(company).await?;
    pipeline::play(company).await?;
    drift::play(company).await?;
    database::play(company).await?;
    emergency::play(company).await?;
    catalogue::play(company).await?;
    leaver::play(company).await?;
    asking::give_back(company, &request).await?;
    bundle::play(company).await?;
    proof::play(company, &request).await
}
