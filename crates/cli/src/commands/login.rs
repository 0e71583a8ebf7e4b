//! `placet login`, `logout`, `whoami`, `login-code`.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Context, moment_at, text_at, who_at};
use crate::api::Api;
use crate::output::{self, Ended};

#[derive(Debug, clap::Args)]
pub struct LoginArgs {
    /// The one-time code; read from stdin if left out, which keeps it out of the shell's history.
    #[arg(long)]
    code: Option<String>,
    /// By the OpenID provider of the server, in any browser.
    #[arg(long, conflicts_with = "code")]
    provider: bool,
}

#[derive(Debug, clap::Args)]
pub struct CodeArgs {
    /// The person's handle.
    person: String,
}

pub async fn log_in(context: &Context, args: LoginArgs) -> anyhow::Result<()> {
    if args.provider {
        let api = context.api().await?;
        let handed = by_provider(&api).await?;
        return keep(context, &api, &handed).await;
    }
    let code = match args.code {
        Some(code) => code,
        None => {
            if std::io::stdin().is_terminal() {
                output::note("your one-time code:");
            }
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line)?;
            line.trim().to_owned()
        }
    };
    if code.is_empty() {
        return Err(Ended::Unreadable("no code was given".to_owned()).into());
    }
    let api = context.api().await?;
    let handed = api.post("/login", &json!({ "code": code })).await?;
    keep(context, &api, &handed).await
}

/// Shows where to go, and asks until somebody has been there (RFC 8628).
async fn by_provider(api: &Api) -> anyhow::Result<Value> {
    let begun = api.post("/login/device", &json!({})).await?;
    let seconds = |value: &Value| {
        let given = value.pointer("/interval").and_then(Value::as_u64);
        Duration::from_secs(given.unwrap_or(5).max(1))
    };
    let code = text_at(&begun, "/user_code");
    output::note(format!(
        "log in by {}: open {}\nand enter the code {code}",
        text_at(&begun, "/provider"),
        text_at(&begun, "/verification_uri"),
    ));
    if let Some(whole) = begun.pointer("/verification_uri_complete").and_then(Value::as_str) {
        output::note(format!("or open {whole}\nand see that it shows the same code"));
    }
    let mut wait = seconds(&begun);
    loop {
        tokio::time::sleep(wait).await;
        let asked = json!({ "handle": text_at(&begun, "/handle") });
        let stands = api.post("/login/device/poll", &asked).await?;
        match text_at(&stands, "/state") {
            "session" => return Ok(stands),
            _ => wait = seconds(&stands),
        }
    }
}

async fn keep(context: &Context, api: &Api, handed: &Value) -> anyhow::Result<()> {
    let secret = text_at(handed, "/secret").to_owned();
    context.sessions.keep(&context.place(), Some(&secret))?;
    let me = api.with(secret).get("/me").await?;
    context.show(&me, |me| {
        let until = moment_at(handed, "/expires_at");
        format!("you are {} ({}), until {until}", who_at(me, "/who"), text_at(me, "/who/name"))
    });
    tell_recovery(&me);
    Ok(())
}

/// That people were let in by the log's key is told to everybody for a week.
pub fn tell_recovery(me: &Value) {
    let Some(recovered) = me.pointer("/recovered").filter(|one| !one.is_null()) else { return };
    let people = recovered.pointer("/people").map(super::rows).unwrap_or_default();
    let people: Vec<String> = people.iter().map(|one| who_at(one, "")).collect();
    let charge = match recovered.pointer("/none_left") == Some(&Value::Bool(true)) {
        true => ", and put in charge because no administrator was left",
        false => "",
    };
    output::note(format!(
        "ATTENTION: {} were let in by the log's key on {}{charge}: {}",
        people.join(" and "),
        moment_at(recovered, "/at"),
        text_at(recovered, "/reason")
    ));
}

pub async fn log_out(context: &Context) -> anyhow::Result<()> {
    let api = context.api().await?;
    api.post("/logout", &Value::Null).await?;
    context.sessions.keep(&context.place(), None)?;
    output::note("logged out");
    Ok(())
}

pub async fn who_am_i(context: &Context) -> anyhow::Result<()> {
    let me = context.api().await?.get("/me").await?;
    context.show(&me, |me| {
        let list = |path: &str| {
            let values = me.pointer(path).map(super::rows).unwrap_or_default();
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        };
        format!(
            "{} ({}), by {}\nteams: {}\nreads: {}",
            who_at(me, "/who"),
            text_at(me, "/who/name"),
            text_at(me, "/by"),
            list("/teams"),
            list("/reads")
        )
    });
    tell_recovery(&me);
    Ok(())
}

pub async fn issue_code(context: &Context, args: CodeArgs) -> anyhow::Result<()> {
    let handed =
        context.api().await?.post("/login-codes", &json!({ "person": args.person })).await?;
    context.show(&handed, |handed| text_at(handed, "/secret").to_owned());
    output::note(format!(
        "hand it to `{}` in person; it works once, until {}",
        args.person,
        moment_at(&handed, "/expires_at")
    ));
    Ok(())
}
