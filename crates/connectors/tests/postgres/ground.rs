//! What a test of the connector stands on: Placet's two accounts on a server, the files that lead to
//! them, and a role for each part that is played.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use placet_connectors::{Connector, Registry};
use sqlx::postgres::PgConnection;

use crate::server::{Server, quoted};

/// Placet's two accounts on a server with the least rights that they need, and their files.
pub struct Ground {
    pub server: &'static Server,
    /// The beginning of all names of this test.
    pub tag: String,
    dir: tempfile::TempDir,
}

impl Ground {
    /// `roles` may be granted by Placet; they are made, with the test's tag before their names.
    pub async fn new(tag: &str, roles: &[&str]) -> Self {
        Self::on(Server::shared(), tag, roles).await
    }

    pub async fn on(server: &'static Server, tag: &str, roles: &[&str]) -> Self {
        let ground = Self { server, tag: tag.to_owned(), dir: tempfile::tempdir().unwrap() };
        server
            .by_hand(&format!(
                "create role {tag}_placet login createrole password 'change-s3cret'; \
                 grant pg_signal_backend, pg_read_all_stats to {tag}_placet; \
                 create role {tag}_observer login password 'look-s3cret'; \
                 grant pg_read_all_stats to {tag}_observer"
            ))
            .await;
        for role in roles {
            let role = quoted(&ground.name(role));
            server
                .by_hand(&format!(
                    "create role {role}; grant {role} to {tag}_placet with admin option"
                ))
                .await;
        }
        ground.write(
            "credentials",
            &server.address(&format!("{tag}_placet"), "change-s3cret", "postgres"),
        );
        ground.write(
            "observer",
            &server.address(&format!("{tag}_observer"), "look-s3cret", "postgres"),
        );
        ground
    }

    /// From 16 on only whoever granted a membership may take it away; so that Placet may, somebody
    /// grants in its name.
    pub async fn by_placet(&self) -> String {
        match self.server.is_since_16().await {
            true => format!("with admin false granted by {}_placet", self.tag),
            false => "with admin option".to_owned(),
        }
    }

    pub fn name(&self, role: &str) -> String {
        format!("{}_{role}", self.tag)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        self.mode(name, 0o600);
    }

    pub fn mode(&self, name: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(name), permissions).unwrap();
    }

    /// An account that logs in with its own name as the password.
    pub async fn account(&self, account: &str) {
        let name = self.name(account);
        let password = name.replace('\'', "''");
        let statement = format!("create role {} login password '{password}'", quoted(&name));
        self.server.by_hand(&statement).await;
    }

    pub async fn log_in(&self, account: &str) -> PgConnection {
        let name = self.name(account);
        self.server.connect(&name, &name).await.unwrap()
    }

    pub fn target(&self, more: &[(&str, &str)]) -> Arc<dyn Connector> {
        let path = |name: &str| (name.to_owned(), self.path(name).display().to_string());
        let mut settings: placet_connectors::Settings =
            [path("credentials"), path("observer")].into();
        settings.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        Registry::shipped().build(&"postgres".parse().unwrap(), &settings).unwrap()
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
