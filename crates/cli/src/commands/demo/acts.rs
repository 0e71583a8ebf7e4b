//! The acts of the demo, told while they happen. Everything goes through the API, as whoever does
//! it; the workers are stepped in between, as `placet serve` would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use placet_engine::Engine;
use placet_engine::commands::found::Catalogue;
use serde_json::{Value, json};

use super::file;
use super::tell::Teller;
use crate::api::Api;
use crate::commands::{evidence, request, rows, text_at, who_at};
use crate::output::{self, Ended};

/// The company, its people's sessions, and its one group file.
pub struct Company {
    engine: Engine,
    api: Api,
    sessions: BTreeMap<String, Api>,
    groups: PathBuf,
    refusals: u64,
    pub teller: Teller,
}

/// What the demo came to.
pub struct Told {
    pub requests: usize,
    pub grants: usize,
    pub findings: usize,
    pub refusals: u64,
    pub size: u64,
    pub root: String,
    pub rows: u64,
}

const PEOPLE: [&str; 5] = ["mara", "ines", "tom", "kim", "nora"];

impl Company {
    /// Founds the company; its people log in, each by a one-time code.
    pub async fn found(
        engine: Engine,
        catalogue: Catalogue,
        groups: PathBuf,
        teller: Teller,
    ) -> anyhow::Result<Self> {
        teller.act("Kattegat Ferries founds its control plane");
        let handles: Vec<String> =
            catalogue.administrators.iter().map(ToString::to_string).collect();
        let (people, workloads) = (catalogue.person.len(), catalogue.workload.len());
        let entitlements = catalogue.entitlement.len();
        let codes =
            engine.found(catalogue, placet_policy::shipped()).await.map_err(output::ended)?;
        teller.tell(format!(
            "{people} people, {workloads} workloads, {entitlements} entitlements on one target: a group file on disk"
        ));
        let api = Api::in_process(placet_server::router(engine.clone()), None);
        let sessions = BTreeMap::new();
        let mut company = Self { engine, api, sessions, groups, refusals: 0, teller };
        for (handle, code) in handles.iter().zip(&codes) {
            company.log_in(handle, code.secret.reveal()).await?;
        }
        company.teller.tell("Ada and Bo, the first administrators, log in with one-time codes");
        for person in PEOPLE {
            let handed =
                company.of("ada")?.post("/login-codes", &json!({ "person": person })).await?;
            company.log_in(person, text_at(&handed, "/secret")).await?;
        }
        company.teller.tell("Ada gives the others theirs, each for one login");
        company.work().await;
        company.teller.tell("the first look at the target finds nothing that nobody approved");
        Ok(company)
    }

    async fn log_in(&mut self, handle: &str, code: &str) -> anyhow::Result<()> {
        let handed = self.api.post("/login", &json!({ "code": code })).await?;
        let session = self.api.with(text_at(&handed, "/secret").to_owned());
        self.sessions.insert(handle.to_owned(), session);
        Ok(())
    }

    fn of(&self, handle: &str) -> anyhow::Result<&Api> {
        self.sessions.get(handle).with_context(|| format!("`{handle}` has not logged in"))
    }

    /// Fresh login codes for everybody in the story.
    pub async fn fresh_codes(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut out = Vec::new();
        for person in ["ada", "bo"].iter().chain(&PEOPLE) {
            let handed = self.of("ada")?.post("/login-codes", &json!({ "person": person })).await?;
            out.push(((*person).to_owned(), text_at(&handed, "/secret").to_owned()));
        }
        Ok(out)
    }

    /// The acts, in order.
    pub async fn live(&mut self, dir: &Path) -> anyhow::Result<Told> {
        let request = self.ask_and_agree().await?;
        self.edit_by_hand().await?;
        self.refuse().await?;
        self.end_by_itself().await?;
        self.give_back(&request).await?;
        self.prove(&request, dir).await?;
        self.close().await
    }

    async fn ask_and_agree(&mut self) -> anyhow::Result<String> {
        self.teller.act("Ines asks");
        let ask = json!({
            "entitlement": "booking-staging-deploy",
            "length": "4h",
            "justification": "roll out the new timetable to staging before the weekend",
            "reference": "FERRY-1204",
        });
        let asked = self.of("ines")?.post("/requests", &ask).await?;
        self.teller.tell("policy answers at once, with its reasons");
        self.teller.quote(&request::one(&asked));
        let id = text_at(&asked, "/id").to_owned();

        self.teller.act("two people agree, each in a session of their own");
        for (person, words) in [("mara", "Mara, her manager"), ("kim", "Kim, of the owning team")] {
            let waiting = self.of(person)?.get("/inbox").await?;
            let found = rows(&waiting).iter().find(|one| text_at(one, "/id") == id);
            let digest =
                text_at(found.context("the request is in no inbox")?, "/digest").to_owned();
            let body = json!({ "digest": digest });
            let after = self.of(person)?.post(&format!("/requests/{id}/approve"), &body).await?;
            let short: String = digest.chars().take(12).collect();
            self.teller.tell(format!(
                "{words}, agrees to {short}…: the request is {}",
                text_at(&after, "/state")
            ));
        }
        self.work().await;
        let grant = self.grant_of(&id).await?;
        self.teller.tell(format!(
            "carried out on proof from the ledger, and seen on the target: the grant is {}",
            text_at(&grant, "/state")
        ));
        self.show_groups("booking-deployers")?;
        ensure!(text_at(&grant, "/state") == "active", "the grant was not seen");
        Ok(id)
    }

    async fn edit_by_hand(&mut self) -> anyhow::Result<()> {
        self.teller.act("somebody edits the group file by hand");
        let text = std::fs::read_to_string(&self.groups)?;
        std::fs::write(
            &self.groups,
            text.replace("booking-prod-admins:", "booking-prod-admins: eve"),
        )?;
        self.show_groups("booking-prod-admins")?;
        let findings = self.observed_findings(|findings| !rows(findings).is_empty()).await?;
        let found = rows(&findings).first().context("nothing was found")?;
        ensure!(found.pointer("/request") == Some(&Value::Null), "the finding names a request");
        self.teller.tell(format!(
            "finding: `{}` holds {} on {} ({}); the request behind it: none; it waits for {}",
            text_at(found, "/account"),
            text_at(found, "/entitlement"),
            text_at(found, "/target"),
            text_at(found, "/kind"),
            who_at(found, "/owner"),
        ));
        Ok(())
    }

    async fn refuse(&mut self) -> anyhow::Result<()> {
        self.teller.act("what is not let through");
        let ask = json!({
            "entitlement": "booking-staging-deploy",
            "length": "2h",
            "justification": "I own it anyway, so it should be quick",
        });
        let asked = self.of("tom")?.post("/requests", &ask).await?;
        let id = text_at(&asked, "/id").to_owned();
        self.teller
            .tell("Tom, who is in the owning team, asks for himself and tries to agree to it");
        let body = json!({ "digest": text_at(&asked, "/digest") });
        self.expect("self_approval", "tom", &format!("/requests/{id}/approve"), body).await?;
        self.of("tom")?.post(&format!("/requests/{id}/withdraw"), &Value::Null).await?;

        self.teller.tell("Ines asks for production, for ever");
        let ask = |length: &str| {
            json!({
                "entitlement": "booking-prod-admin",
                "length": length,
                "justification": "just in case somebody needs me at night",
            })
        };
        self.expect("length_out_of_range", "ines", "/requests", ask("forever")).await?;
        self.teller.tell("… then for a day");
        self.expect("over_limit", "ines", "/requests", ask("1d")).await
    }

    async fn expect(
        &mut self,
        code: &str,
        who: &str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<()> {
        let refused = self.of(who)?.text("POST", path, Some(&body)).await.err();
        let refused =
            refused.with_context(|| format!("`{code}` was expected, and it was let through"))?;
        self.refusals += 1;
        match refused.downcast_ref::<Ended>() {
            Some(Ended::Refused { code: found, sentence, next, .. }) => {
                ensure!(found == code, "`{code}` was expected, not `{found}`");
                self.teller.refused(found, sentence, next);
            }
            _ => return Err(refused),
        }
        Ok(())
    }

    async fn end_by_itself(&mut self) -> anyhow::Result<()> {
        self.teller.act("a pipeline gets three seconds, and they end");
        let token = json!({ "holder": "timetable-ci", "length": "1h" });
        let handed = self.of("mara")?.post("/tokens", &token).await?;
        let pipeline = self.api.with(text_at(&handed, "/secret").to_owned());
        let ask = json!({
            "entitlement": "build-logs",
            "length": "3s",
            "justification": "read the log of build 881 of the timetable",
        });
        let asked = pipeline.post("/requests", &ask).await?;
        let why = rows(asked.pointer("/because").unwrap_or(&Value::Null));
        self.teller.tell(
            "timetable-ci asks with a token; a pre-approved pattern covers it, so nobody is asked",
        );
        self.teller.quote(why.first().and_then(Value::as_str).unwrap_or_default());
        let id = text_at(&asked, "/id").to_owned();
        self.work().await;
        let grant = self.grant_of(&id).await?;
        ensure!(text_at(&grant, "/state") == "active", "the grant was not seen");
        self.teller.tell(format!("the grant is active, until {}", text_at(&grant, "/until")));
        self.show_groups("build-log-readers")?;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.work().await;
            let grant = self.grant_of(&id).await?;
            if text_at(&grant, "/state") == "ended" {
                self.teller.tell(format!(
                    "its time is over: removed, looked at again, and {} at {}",
                    text_at(&grant, "/gone"),
                    text_at(&grant, "/over_at")
                ));
                return self.show_groups("build-log-readers");
            }
        }
        anyhow::bail!("the grant did not end")
    }

    async fn give_back(&mut self, request: &str) -> anyhow::Result<()> {
        self.teller.act("Ines is done early, and the hand-made change goes");
        let grant = self.grant_of(request).await?;
        let id = text_at(&grant, "/id").to_owned();
        self.of("ines")?.post(&format!("/grants/{id}/give-back"), &Value::Null).await?;
        let text = std::fs::read_to_string(&self.groups)?;
        std::fs::write(&self.groups, text.replace(" eve", ""))?;
        self.work().await;
        let grant = self.grant_of(request).await?;
        ensure!(text_at(&grant, "/state") == "ended", "the grant did not end");
        self.teller.tell(format!("Ines gives it back: {}", text_at(&grant, "/gone")));
        self.observed_findings(|findings| rows(findings).is_empty()).await?;
        self.teller.tell("Tom took `eve` out of the file; the next look resolves the finding");
        ensure!(
            std::fs::read_to_string(&self.groups)? == super::GROUPS,
            "other lines were touched"
        );
        self.teller.tell("the file is byte for byte as it was in the beginning");
        Ok(())
    }

    async fn prove(&mut self, request: &str, dir: &Path) -> anyhow::Result<()> {
        self.teller.act("Nora, the auditor, takes the evidence away and checks it offline");
        let path = format!("/requests/{request}/evidence");
        let text = self.of("nora")?.text("POST", &path, Some(&Value::Null)).await?;
        let key = self.engine.verifier_key();
        std::fs::write(file(dir, "evidence.json"), &text)?;
        std::fs::write(file(dir, "log.verifier"), format!("{key}\n"))?;
        let key = key.parse().map_err(|error| anyhow::anyhow!("the verifier key: {error}"))?;
        let verdict = placet_ledger::evidence::verify(&text, &key)
            .map_err(|error| Ended::Broken(error.to_string()))?;
        self.teller.tell(format!(
            "{} bytes, and one public key; the whole story, from the entries alone",
            text.len()
        ));
        self.teller.quote(&evidence::as_text(&verdict));

        let mut cut: Value = serde_json::from_str(&text)?;
        let entries = cut.pointer_mut("/entries").and_then(Value::as_array_mut);
        entries.context("the evidence has no entries")?.remove(3);
        let cut = serde_json::to_string(&cut)?;
        let error = placet_ledger::evidence::verify(&cut, &key).err();
        let error = error.context("evidence with a missing entry was accepted")?;
        self.teller.tell("with one entry left out");
        self.teller.quote(&error.to_string());
        Ok(())
    }

    async fn close(&mut self) -> anyhow::Result<Told> {
        self.teller.act("the ledger is read again from its first byte");
        let report = self.engine.verify_ledger(true).await.map_err(output::ended)?;
        ensure!(report.faults.is_empty(), "the ledger does not hold: {}", report.faults.join("; "));
        let compared = report.rows.unwrap_or(0);
        self.teller.tell(format!(
            "{} entries, root {}; {compared} governed rows are exactly the fold of their events",
            report.size, report.root
        ));
        let count = async |path: &str| -> anyhow::Result<usize> {
            Ok(rows(&self.of("nora")?.get(path).await?).len())
        };
        Ok(Told {
            requests: count("/requests?limit=200").await?,
            grants: count("/grants?all=true&limit=200").await?,
            findings: count("/findings?all=true&limit=200").await?,
            refusals: self.refusals,
            size: report.size,
            root: report.root,
            rows: compared,
        })
    }

    /// One round of the workers.
    async fn work(&self) {
        self.engine.step().await;
    }

    /// Findings, once the target has been looked at again and they are as expected.
    async fn observed_findings(&self, done: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        for _ in 0..100 {
            self.work().await;
            let findings = self.of("nora")?.get("/findings").await?;
            if done(&findings) {
                return Ok(findings);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the findings did not come out as expected")
    }

    async fn grant_of(&self, request: &str) -> anyhow::Result<Value> {
        let shown = self.of("nora")?.get(&format!("/requests/{request}")).await?;
        shown.pointer("/grant").cloned().context("the request led to no grant")
    }

    /// The line of a group in the file on disk.
    fn show_groups(&self, group: &str) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(&self.groups)?;
        let line = text.lines().find(|line| line.starts_with(group)).unwrap_or_default();
        self.teller.quote(&format!("web-groups: {line}"));
        Ok(())
    }
}
