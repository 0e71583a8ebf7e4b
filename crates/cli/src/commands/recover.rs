//! `placet recover`: administrators are locked out. Offline, with the log's key, by two named people,
//! and loud.

use serde_json::json;

use super::Context;
use crate::output::{self, Ended, Format};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Two active administrators; any two active people if no administrator is left.
    #[arg(long, required = true, num_args = 2, value_names = ["PERSON", "PERSON"])]
    people: Vec<String>,

    /// Why. Everybody is told it at each login for a week.
    #[arg(long, value_name = "WHY")]
    because: String,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    if context.server.is_some() {
        let what = "`recover` works on a data directory with its signing key, not through a server";
        return Err(Ended::Unreadable(what.to_owned()).into());
    }
    let engine = context.engine().await?;
    let given = engine.recover(args.people.clone(), args.because).await.map_err(output::ended)?;
    let named = args.people.iter().zip(&given);
    if context.format == Format::Json {
        let codes: Vec<_> = named
            .map(|(person, given)| {
                json!({ "person": person, "code": given.secret.reveal(), "expires_at": given.expires_at })
            })
            .collect();
        output::show_json(&json!({ "login_codes": codes }));
    } else {
        output::say("one-time login codes, shown this once, good for 24 hours:");
        for (person, given) in named {
            output::say(format!("  {person}  {}", given.secret.reveal()));
        }
    }
    output::note("recorded in the ledger; everybody who logs in is told for a week");
    Ok(())
}
