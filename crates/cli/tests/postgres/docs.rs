//! The statements of `docs/operate.md`, as they stand there.

use std::path::Path;

use crate::server::Server;

/// The statements of a block that begins, or goes on, with this line; exactly one does.
pub fn block(line: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut found = blocks.filter(|block| block.lines().any(|one| one.starts_with(line)));
    let block = found.next().unwrap_or_else(|| panic!("`{line}` is not in the documentation"));
    assert!(found.next().is_none(), "`{line}` is there twice");
    block.to_owned()
}

/// How Placet may pass `app_read` on, on a server of this version.
pub async fn passes_on(server: &Server) -> String {
    block(match server.is_since_16().await {
        true => "grant app_read to placet with admin true",
        false => "grant app_read to placet with admin option",
    })
}
