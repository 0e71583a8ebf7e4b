//! Replay: recorded rulings are asked again, years later, of the bundle and the slice that they
//! cite. What comes out otherwise is a difference.

use std::collections::BTreeSet;

use placet_domain::canonical::Digest;
use placet_domain::entry::Entry;
use placet_domain::id::{RequestId, Stream};
use placet_domain::ruling::Cited;
use placet_domain::{Refusal, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::Engine;
use crate::error::Error;

/// The most differences that are listed.
const SHOWN: usize = 100;

/// Which rulings are asked again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replayed {
    pub since: Option<Timestamp>,
    pub request: Option<RequestId>,
}

/// A ruling that comes out otherwise, or cannot be asked again.
#[derive(Clone, Debug, Serialize)]
pub struct Otherwise {
    /// Where in the ledger it is cited.
    pub entry: u64,
    pub r#type: &'static str,
    pub record: Digest,
    pub why: String,
}

/// What asking again showed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReplayReport {
    /// Rulings that came out as recorded.
    pub same: u64,
    pub different: u64,
    /// The first hundred of them.
    pub differences: Vec<Otherwise>,
}

impl Engine {
    /// Asks every ruling again that the chosen entries cite. Needs no actor: whoever can open the
    /// data directory reads the files anyway.
    pub async fn replay(&self, chosen: Replayed) -> Result<ReplayReport, Error> {
        let mut report = ReplayReport::default();
        // One record may be cited by several entries; it is asked once for each bundle of entries.
        let mut asked = BTreeSet::new();
        let trail = chosen.request.map(Stream::Request);
        if let Some(trail) = &trail
            && self.store.trail_head(trail).await?.is_none()
        {
            return Err(Refusal::UnknownRequest { given: trail.to_string() }.into());
        }
        let mut index = 0;
        loop {
            let page = self.store.entries_from(index).await?;
            if page.is_empty() {
                return Ok(report);
            }
            for stored in page {
                index = stored.index + 1;
                let entry = Entry::decode(stored.body.as_bytes())
                    .map_err(|e| Error::Fault(e.to_string()))?;
                let wanted = trail.as_ref().is_none_or(|trail| *trail == entry.trail)
                    && chosen.since.is_none_or(|since| entry.at >= since);
                if !wanted {
                    continue;
                }
                for cited in rulings(stored.body.as_bytes())? {
                    if !asked.insert(cited.record) {
                        continue;
                    }
                    match self.ask_again(&cited).await {
                        Ok(()) => report.same += 1,
                        Err(why) => {
                            report.different += 1;
                            if report.differences.len() < SHOWN {
                                let r#type = entry.event.0.type_name();
                                let (entry, record) = (stored.index, cited.record);
                                report.differences.push(Otherwise { entry, r#type, record, why });
                            }
                        }
                    }
                }
            }
        }
    }

    /// The reason why a ruling does not come out as it is cited.
    async fn ask_again(&self, cited: &Cited) -> Result<(), String> {
        let text = async |what: &str, digest| {
            let found = self.store.record(digest).await.map_err(|e| e.to_string())?;
            found.ok_or_else(|| format!("its {what} is not stored any more"))
        };
        let record = text("record", cited.record).await?;
        let slice = placet_policy::slice_of(&record).map_err(|e| e.to_string())?;
        let slice = text("slice", slice).await?;
        let policies = self.policies(cited.bundle).await.map_err(|e| e.to_string())?;
        let again = placet_policy::replay(&policies, &record, &slice).map_err(|e| e.to_string())?;
        let again = again.cite();
        if again.permit != cited.permit || again.policies != cited.policies {
            let words = |one: &Cited| {
                let answer = if one.permit { "permitted" } else { "refused" };
                format!("{answer} by {}", one.policies.join(", "))
            };
            return Err(format!("recorded as {}, and now {}", words(cited), words(&again)));
        }
        Ok(())
    }
}

/// Every ruling that an entry cites, wherever it stands.
fn rulings(body: &[u8]) -> Result<Vec<Cited>, Error> {
    fn walk(value: &Value, out: &mut Vec<Cited>) {
        match value {
            Value::Object(map) => {
                if map.contains_key("record")
                    && let Ok(cited) = serde_json::from_value(value.clone())
                {
                    out.push(cited);
                }
                map.values().for_each(|one| walk(one, out));
            }
            Value::Array(list) => list.iter().for_each(|one| walk(one, out)),
            _ => {}
        }
    }
    let value = serde_json::from_slice(body).map_err(|e| Error::Fault(e.to_string()))?;
    let mut out = Vec::new();
    walk(&value, &mut out);
    Ok(out)
}
