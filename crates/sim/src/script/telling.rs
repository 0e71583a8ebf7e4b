//! Sentences about what people are told: `mail is refused 3 times`, `die with the next mail`, `show
//! mail` (what came since it was last shown), `show undelivered`, `show notices of ines`.

use super::shown::since;
use super::{Done, Story};

/// How much of the mail was told already.
#[derive(Debug, Default)]
pub(super) struct Telling {
    shown: usize,
    ids: std::collections::BTreeSet<String>,
}

impl Story {
    pub(super) fn happens_to_mail(&mut self, words: &[&str]) -> Result<Option<Done>, String> {
        match words {
            ["mail", "is", "refused", times, "times"] => {
                self.world.mail.refuse(times.parse().map_err(|_| "no number")?);
            }
            ["die", "with", "the", "next", "mail"] => self.world.mail.die_with_the_next(),
            _ => return Ok(None),
        }
        Ok(Some(Ok(())))
    }

    pub(super) fn mail(&mut self) -> Vec<String> {
        let fresh = self.world.mail.from(self.telling.shown);
        self.telling.shown += fresh.len();
        let mut lines: Vec<String> = Vec::new();
        for one in &fresh {
            let again = if self.telling.ids.insert(one.id.to_string()) { "" } else { " (again)" };
            let about = self.short.get(&one.about).cloned();
            let about = about.unwrap_or_else(|| self.plain_name(&one.about));
            let who = self.world.name(one.receiver);
            let line = format!("{} {who} {} {about}{again}", since(one.at), one.kind);
            lines.push(line.trim_end().to_owned());
        }
        // Who is told of the same thing comes in the order of ids, which are drawn.
        lines.sort();
        lines
    }

    pub(super) async fn notices_of(&mut self, who: &str) -> Result<Vec<String>, String> {
        let actor = self.world.actor(who).await.map_err(|broken| broken.to_string())?;
        let engine = self.world.engine().clone();
        let page = placet_engine::queries::Page::default();
        let found = engine.notices(actor, &page).await.map_err(|error| error.to_string())?;
        let mut lines = Vec::new();
        for one in found {
            lines.push(format!("{} {}", since(one.at), one.title));
            lines.push(format!("  {}", self.without_ids(&self.without_moments(&one.text))));
            lines.extend(one.next.map(|next| format!("  {}", self.without_ids(&next))));
        }
        Ok(lines)
    }

    /// Moments as the time since the world began.
    fn without_moments(&self, text: &str) -> String {
        let words = text.split(' ').map(|word| {
            let plain = word.trim_end_matches([',', ';', ':']);
            match plain.parse() {
                Ok(at) => word.replace(plain, &since(at)),
                Err(_) => word.to_owned(),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    pub(super) async fn undelivered(&self) -> Result<Vec<String>, String> {
        let count = self.world.engine().count_undelivered().await.map_err(|e| e.to_string())?;
        Ok(if count == 0 { Vec::new() } else { vec![format!("{count} given up")] })
    }
}
