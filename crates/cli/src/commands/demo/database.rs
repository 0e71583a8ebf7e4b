//! The PostgreSQL server that the demo was given: what it makes there and takes away again, and the
//! people who work on it by hand. They use `psql`, as people do; a password is in no command line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use placet_domain::canonical::Digest;
use placet_engine::commands::found::Catalogue;
use reqwest::Url;

use crate::commands::scram;
use crate::output::Ended;

/// Who of the story has an account there, beside Placet's two.
const ACCOUNTS: [&str; 2] = ["ines", "eve"];

/// What is left by an earlier demo goes first, and everything goes in the end.
const CLEAR: &str = "
drop schema if exists placet_demo cascade;
do $$ declare one text; begin
    for one in select rolname from pg_roles where rolname in ('placet_demo_read', 'placet_demo_ines',
        'placet_demo_eve', 'placet_demo_acts', 'placet_demo_looks') loop
        execute format('drop owned by %I; drop role %I', one, one);
    end loop;
end $$;
";

/// The least rights, as `docs/operate.md` has them.
const MAKE: &str = r"
create schema placet_demo;
create table placet_demo.crew_lists as select * from (values
    ('Kattegat I', 'Lotta', 'captain'), ('Kattegat I', 'Per', 'mate'), ('Kattegat II', 'Axel', 'captain')
) as crew (ship, name, duty);
create role placet_demo_read;
grant usage on schema placet_demo to placet_demo_read;
grant select on placet_demo.crew_lists to placet_demo_read;
grant pg_signal_backend, pg_read_all_stats to placet_demo_acts;
grant pg_read_all_stats to placet_demo_looks;
select current_setting('server_version_num')::int >= 160000 as since_16 \gset
\if :since_16
grant placet_demo_read to placet_demo_acts with admin true, inherit false, set false;
\else
grant placet_demo_read to placet_demo_acts with admin option;
\endif
";

#[derive(Clone, Debug)]
pub struct Database {
    /// The file that leads to somebody who may do anything there.
    file: PathBuf,
    /// The password that Ines has there.
    ines: String,
}

impl Database {
    /// Makes what the story needs there, and the two files in which Placet finds its accounts.
    pub fn make(file: &Path, dir: &Path) -> anyhow::Result<Self> {
        let mut accounts = String::new();
        let mut with_password = |name: &str| -> anyhow::Result<String> {
            let password = Digest::from_bytes(drawn()?).to_string();
            // The server is given no password, and so logs none.
            let verifier = scram::verifier(&password, drawn()?)?;
            accounts.push_str(&format!("create role {name} login password '{verifier}';\n"));
            Ok(password)
        };
        let ines = with_password("placet_demo_ines")?;
        with_password("placet_demo_eve")?;
        let acts = with_password("placet_demo_acts")?;
        let looks = with_password("placet_demo_looks")?;
        let database = Self { file: file.to_owned(), ines };
        database.by_hand(&format!("begin;{CLEAR}{accounts}{MAKE}commit;"))?;
        for (user, password) in [("acts", acts), ("looks", looks)] {
            let mut url = database.url()?;
            become_user(&mut url, &format!("placet_demo_{user}"), &password)?;
            let path = dir.join(format!("crew-db-{user}"));
            let open =
                std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
            open?.write_all(url.as_str().as_bytes())?;
        }
        Ok(database)
    }

    /// Takes everything away again.
    pub fn clear(&self) -> anyhow::Result<()> {
        self.by_hand(&format!("begin;{CLEAR}commit;")).map(drop)
    }

    /// What people of the catalogue are called there.
    pub fn name_accounts(&self, catalogue: &mut Catalogue) -> anyhow::Result<()> {
        let target: placet_domain::name::TargetName = "crew-db".parse()?;
        for person in &mut catalogue.person {
            if ACCOUNTS.contains(&person.handle.as_str()) {
                let account = format!("placet_demo_{}", person.handle).parse()?;
                person.accounts.insert(target.clone(), account);
            }
        }
        Ok(())
    }

    /// Somebody who may do anything there does something.
    pub fn by_hand(&self, statements: &str) -> anyhow::Result<String> {
        let mut psql = psql(&self.url()?)?.spawn().context(ABSENT)?;
        let mut stdin = psql.stdin.take().context("`psql` takes nothing in")?;
        stdin.write_all(statements.as_bytes())?;
        drop(stdin);
        let out = psql.wait_with_output()?;
        let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        ensure!(
            out.status.success(),
            Ended::Unreadable(format!("`{}`: psql: {said}", self.file.display()))
        );
        Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }

    /// Ines opens a session, and leaves it open.
    pub fn log_in(&self) -> anyhow::Result<Session> {
        let mut url = self.url()?;
        become_user(&mut url, "placet_demo_ines", &self.ines)?;
        let mut psql = psql(&url)?.spawn().context(ABSENT)?;
        let answers = psql.stdout.take().context("`psql` gives nothing out")?;
        Ok(Session { psql, answers: BufReader::new(answers) })
    }

    fn url(&self) -> anyhow::Result<Url> {
        let shown = self.file.display();
        let unreadable = |why: String| Ended::Unreadable(format!("`{shown}`: {why}"));
        let mut file = File::open(&self.file).map_err(|error| unreadable(error.to_string()))?;
        let metadata = file.metadata().map_err(|error| unreadable(error.to_string()))?;
        if metadata.mode() & 0o077 != 0 {
            let why = "others than its owner can reach it; `chmod 600` it";
            return Err(unreadable(why.to_owned()).into());
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
        // What stands there is never shown.
        let url = Url::parse(text.trim()).ok().filter(|url| {
            ["postgres", "postgresql"].contains(&url.scheme()) && !url.username().is_empty()
        });
        let form = "it is not one line of the form `postgres://superuser:password@host/database`";
        Ok(url.ok_or_else(|| unreadable(form.to_owned()))?)
    }
}

const ABSENT: &str =
    "`psql` is needed to play on a PostgreSQL server: apt-get install postgresql-client";

/// An open session, in which somebody types.
pub struct Session {
    psql: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Session {
    /// Asks for one line.
    pub fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        let stdin = self.psql.stdin.as_mut().context("`psql` takes nothing in")?;
        writeln!(stdin, "{question}")?;
        stdin.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Asks once more, and answers what `psql` said when it ended.
    pub fn ended_with(mut self, question: &str) -> anyhow::Result<String> {
        if let Some(mut stdin) = self.psql.stdin.take() {
            // It may have ended already.
            let _ = writeln!(stdin, "{question}");
        }
        let out = self.psql.wait_with_output()?;
        ensure!(!out.status.success(), "the session goes on");
        Ok(String::from_utf8_lossy(&out.stderr).lines().next().unwrap_or_default().to_owned())
    }
}

fn drawn() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}

fn become_user(url: &mut Url, user: &str, password: &str) -> anyhow::Result<()> {
    let set = url.set_username(user).and_then(|()| url.set_password(Some(password)));
    set.map_err(|()| anyhow::anyhow!("the address names no host"))
}

/// `psql` as somebody. All of it goes through the environment, which only the same user can read.
fn psql(url: &Url) -> anyhow::Result<Command> {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
    command.args(["--set", "ON_ERROR_STOP=1", "--file", "-"]);
    let mut set = |name: &str, value: &str| -> anyhow::Result<()> {
        if !value.is_empty() {
            command.env(name, decoded(value)?);
        }
        Ok(())
    };
    let host = url.host_str().unwrap_or_default();
    set("PGHOST", host.trim_start_matches('[').trim_end_matches(']'))?;
    set("PGPORT", &url.port().map(|port| port.to_string()).unwrap_or_default())?;
    set("PGUSER", url.username())?;
    set("PGPASSWORD", url.password().unwrap_or_default())?;
    set("PGDATABASE", url.path().trim_start_matches('/'))?;
    set("PGCONNECT_TIMEOUT", "5")?;
    for (key, name) in
        [("host", "PGHOST"), ("sslmode", "PGSSLMODE"), ("sslrootcert", "PGSSLROOTCERT")]
    {
        let value = url.query_pairs().find(|(one, _)| one == key);
        if let Some((_, value)) = value {
            command.env(name, value.as_ref());
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// A part of an address, without its `%`.
fn decoded(part: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: Vec<u8> = rest.by_ref().take(2).collect();
        let digits = String::from_utf8(digits)?;
        bytes.push(u8::from_str_radix(&digits, 16).context("a `%` in the address stands alone")?);
    }
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reaches_psql_as_it_was_meant() {
        let url =
            Url::parse("postgres://b%40ss:p%25a%2Bss+w@[::1]:5433/shop?sslmode=require").unwrap();
        let command = psql(&url).unwrap();
        let of = |name: &str| {
            let found = command.get_envs().find(|(key, _)| *key == name);
            found.and_then(|(_, value)| value).map(|value| value.to_str().unwrap().to_owned())
        };
        let check = |name: &str, expect: &str| assert_eq!(of(name).as_deref(), Some(expect));
        check("PGUSER", "b@ss");
        check("PGPASSWORD", "p%a+ss+w");
        check("PGHOST", "::1");
        check("PGPORT", "5433");
        check("PGDATABASE", "shop");
        check("PGSSLMODE", "require");
        let args: Vec<_> = command.get_args().map(|one| one.to_string_lossy()).collect();
        assert!(!args.iter().any(|one| one.contains("ss")), "{args:?}");
    }
}
