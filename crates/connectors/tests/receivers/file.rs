//! The file: a line each, whole, for nobody else to read.

use std::os::unix::fs::PermissionsExt as _;

use placet_connectors::receivers::{File, Receiver as _};

use crate::{ABOUT, message, now};

#[tokio::test]
async fn a_file_gets_a_line_of_json_for_each_notice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notices.jsonl");
    let file = File::new(path.clone());
    file.deliver(&message(1), now()).await.unwrap();
    // What broke off harms no other line.
    std::fs::write(&path, [std::fs::read(&path).unwrap(), b"{\"id\":\"ntc_".to_vec()].concat())
        .unwrap();
    file.deliver(&message(2), now()).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[1]), (3, "{\"id\":\"ntc_"));
    for (line, n) in [(lines[0], 1), (lines[2], 2)] {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["id"], message(n).id.to_string());
        assert_eq!(event["type"], "dev.placet.request_waits");
        assert_eq!(event["subject"], ABOUT);
        assert!(!line.contains("Zo") && !line.contains("olga"), "no personal data: {line}");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let failed = File::new(dir.path().to_owned()).deliver(&message(1), now()).await.unwrap_err();
    assert!(!failed.for_good, "{failed}");
}
