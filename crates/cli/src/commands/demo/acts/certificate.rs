//! A certificate for a key that its holder has, and its end before its time.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::commands::demo::company::Company;
use crate::commands::demo::keys;
use crate::commands::text_at;

const ABSENT: &str = "`ssh-keygen` is not installed here, so nothing of OpenSSH reads it back";

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("Ines collects a certificate for a key of hers");
    let ask = json!({
        "entitlement": "bastion-login",
        "length": "2h",
        "justification": "read the logs of the staging machines",
    });
    let asked = company.ask("ines", ask).await?;
    let id = text_at(&asked, "/id").to_owned();
    company.agree("mara", &id).await?;
    company.agree("tom", &id).await?;
    company.teller.tell("Mara and Tom agree that she may log in on the staging machines");
    let shown = company.of("ines")?.get(&format!("/requests/{id}")).await?;
    let grant = text_at(&shown, "/grant/id").to_owned();

    let path = company.file("ines-key");
    let key = keys::make(&path)?;
    let collect = format!("/grants/{grant}/collect");
    let stranger = keys::make(&company.file("somebody-elses-key"))?;
    let half = |signer| -> anyhow::Result<Value> {
        Ok(json!({ "ssh_key": keys::public(&key)?, "signature": keys::sign(signer, &grant)? }))
    };
    company.teller.tell("a public key alone is not enough: it has to sign the id of the grant");
    let ines = company.of("ines")?.clone();
    company.expect("not_your_half", ines.clone(), &collect, half(&stranger)?).await?;
    ines.post(&collect, &half(&key)?).await?;
    let issued = company.until_grant(&id, "issued").await?;
    let certificate = company.file("ines-key-cert.pub");
    std::fs::write(&certificate, format!("{}\n", text_at(&issued, "/certificate")))?;
    company.teller.tell(
        "with her own signature she gets a certificate; it is issued, never active: nobody can \
         look where it is",
    );
    company.teller.quote("ssh-keygen -L -f ines-key-cert.pub");
    company.teller.quote(&keys::ssh_keygen(&["-L", "-f"], &[&certificate]).map_or_else(
        || ABSENT.to_owned(),
        |said| said.lines().skip(1).map(|line| format!("{line}\n")).collect(),
    ));
    revoke(company, &id, &grant).await
}

async fn revoke(company: &Company, request: &str, grant: &str) -> anyhow::Result<()> {
    let (published, host) = (company.file("bastion-krl"), company.file("bastion-host-krl"));
    let note = json!({ "note": "her laptop was stolen" });
    company.of("ada")?.post(&format!("/grants/{grant}/revoke"), &note).await?;
    company.teller.tell("Ines reports her laptop stolen, and Ada revokes it at once");
    company.work().await;
    let shown = company.of("nora")?.get(&format!("/grants/{grant}")).await?;
    ensure!(text_at(&shown, "/state") == "ending", "nobody has read it back yet");
    company
        .teller
        .tell(format!("it is {}, and not over before a host shows it:", text_at(&shown, "/state")));
    let trouble = text_at(&shown, "/trouble");
    let trouble = trouble.replace(&host.display().to_string(), "bastion-host-krl");
    company.teller.quote(&trouble);

    // What rsync, Ansible or a cron job does where a host is another machine.
    std::fs::copy(&published, &host)?;
    let ended = company.until_grant(request, "ended").await?;
    let gone = text_at(&ended, "/gone").replace(&host.display().to_string(), "bastion-host-krl");
    company.teller.tell(format!("the list is copied to the host: {gone}"));
    let certificate = company.file("ines-key-cert.pub");
    company.teller.quote("ssh-keygen -Q -f bastion-host-krl ines-key-cert.pub");
    let said = keys::ssh_keygen(&["-Q", "-f"], &[&host, &certificate]);
    let said = said.unwrap_or_else(|| ABSENT.to_owned());
    let folder = host.parent().context("the host's list lies in no folder")?;
    company.teller.quote(&said.replace(&format!("{}/", folder.display()), ""));
    Ok(())
}
