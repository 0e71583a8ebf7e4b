//! The source of incidents, where one is configured: a file with one reference a line, as an incident
//! tool or a cron job writes it. An emergency that it does not know is refused; one that cannot be
//! checked is marked unverified, because the glass must break also when the source is down.

use std::io::Read as _;
use std::path::Path;

use placet_domain::Refusal;

use crate::Engine;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

impl Engine {
    /// Whether the source knows this incident; false where it could not be asked.
    pub(crate) fn knows_incident(&self, reference: &str) -> Result<bool, Refusal> {
        let Some(path) = &self.options.incidents else { return Ok(false) };
        match read(path) {
            Ok(text) if text.lines().any(|line| line.trim() == reference) => Ok(true),
            Ok(_) => Err(Refusal::UnknownIncident { given: reference.to_owned() }),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the source of incidents cannot be read");
                Ok(false)
            }
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}
