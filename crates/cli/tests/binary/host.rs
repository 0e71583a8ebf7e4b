//! What a caller says of where it is, over a bare connection to the program itself: `Host` and `Origin`
//! are believed by nobody, and come out nowhere.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::place::{Place, Server, example};

/// Where to, by which method, with what.
struct Ask<'a> {
    line: &'a str,
    host: &'a [u8],
    more: String,
    body: &'a str,
}

impl<'a> Ask<'a> {
    fn of(line: &'a str, host: &'a [u8]) -> Self {
        Self { line, host, more: String::new(), body: "" }
    }

    fn with(mut self, header: impl AsRef<str>) -> Self {
        self.more.push_str(header.as_ref());
        self.more.push_str("\r\n");
        self
    }

    fn form(self, body: &'a str) -> Self {
        let kind = "content-type: application/x-www-form-urlencoded";
        Self { body, ..self.with(kind).with(format!("content-length: {}", body.len())) }
    }

    /// The whole answer, head and body.
    fn send(self, server: &Server) -> String {
        let place = server.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(place).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!("{} HTTP/1.1\r\nconnection: close\r\n{}host: ", self.line, self.more);
        let text = [head.as_bytes(), self.host, b"\r\n\r\n", self.body.as_bytes()].concat();
        // One that has read enough may refuse and hang up before all is sent.
        let _ = stream.write_all(&text);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn status(answer: &str) -> u16 {
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// Everything that a stranger's word could come out in.
#[track_caller]
fn untouched(answer: &str, asked: &str) {
    let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(!answer.to_lowercase().contains("evil"), "{asked}: {answer}");
    for line in head.lines() {
        let own = line
            .strip_prefix("location: ")
            .is_none_or(|to| to.starts_with('/') && !to.starts_with("//"));
        assert!(own && !line.contains("domain="), "{asked}: {line}");
    }
}

#[test]
fn no_host_and_no_origin_is_believed_or_comes_out_again() {
    let place = Place::new();
    let founded = place.json("lena", &["init", "--catalog", example().to_str().unwrap()]);
    let codes: Vec<&str> = founded["login_codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    let server = Server::start(&place);

    // Logging in under a strange host leads to our own page, with a cookie for whoever asked.
    let code = format!("code={}&to=%2Fask", codes[0]);
    let ask = Ask::of("POST /login", b"evil.example").with("origin: http://evil.example");
    let entered = ask.with("sec-fetch-site: same-origin").form(&code).send(&server);
    assert_eq!(status(&entered), 303, "{entered}");
    untouched(&entered, "a login");
    let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("cookie: {}", cookie.split(';').next().unwrap());

    let long = [b"evil".as_slice(), &[b'a'; 8_000]].concat();
    let longer = [b"evil".as_slice(), &[b'a'; 2_000_000]].concat();
    let hosts: [(&[u8], &[u16]); 12] = [
        (b"evil.example", &[200, 404]),
        (b"evil.example:99999", &[200, 404]),
        (b"", &[200, 404]),
        (b"evil@127.0.0.1", &[200, 404]),
        (b"127.0.0.1/evil", &[200, 404]),
        (b"\"><script src=//evil.example>", &[200, 404]),
        (b"evil.example\r\nx-forwarded-host: evil.example", &[200, 404]),
        (b"evil\xff\xfe.example", &[200, 404]),
        (&long, &[200, 404]),
        (&longer, &[431]),
        (b"evil\x00.example", &[400]),
        (b"evil\x01.example", &[400]),
    ];
    for (host, expected) in hosts {
        for path in [
            "/login",
            "/",
            "/ask",
            "/nowhere",
            "/api/v1/health",
            "/api/v1/openapi.json",
            "/api/v1/identities?limit=1",
            "/api/v1/nowhere",
        ] {
            let line = format!("GET {path}");
            let shown =
                format!("{line} at {}", String::from_utf8_lossy(&host[..host.len().min(40)]));
            let answer = Ask::of(&line, host).with(&cookie).send(&server);
            // The API takes no cookie.
            let known = expected.contains(&status(&answer))
                || path.contains("/identities") && status(&answer) == 401;
            assert!(known, "{shown}: {answer}");
            untouched(&answer, &shown);
        }
    }
    // Nor is a whole address in place of the path.
    let whole = Ask::of("GET http://evil.example/login", b"evil.example").send(&server);
    assert_eq!(status(&whole), 200, "{whole}");
    untouched(&whole, "a whole address");

    // Where the next page of a list lies is said without any host.
    let login = serde_json::json!({ "code": codes[1] }).to_string();
    let entered = Ask::of("POST /api/v1/login", b"evil.example")
        .with("content-type: application/json")
        .with(format!("content-length: {}", login.len()));
    let entered = Ask { body: &login, ..entered }.send(&server);
    untouched(&entered, "a login by the API");
    let entered: Value = serde_json::from_str(entered.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let bearer = format!("authorization: Bearer {}", entered["secret"].as_str().unwrap());
    let listed = Ask::of("GET /api/v1/identities?limit=1", b"evil.example").with(bearer);
    let listed = listed.with("x-forwarded-host: evil.example").with("x-forwarded-proto: evil");
    let listed = listed.send(&server);
    assert!(listed.contains("link: </api/v1/identities?"), "{listed}");
    untouched(&listed, "a list");

    // A form that comes from elsewhere does nothing, whatever host it names.
    for (site, origin, host) in [
        ("cross-site", "http://evil.example", "evil.example"),
        ("same-site", "http://evil.example", "evil.example"),
        ("", "http://evil.example", "127.0.0.1"),
        ("", "evil.example", "evil.example"),
        ("", "null", "null"),
        ("", "", ""),
    ] {
        let mut ask = Ask::of("POST /logout", host.as_bytes()).with(&cookie);
        for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
            if !value.is_empty() {
                ask = ask.with(format!("{name}: {value}"));
            }
        }
        let answer = ask.form("").send(&server);
        assert_eq!(status(&answer), 403, "{site} {origin} {host}: {answer}");
        untouched(&answer, origin);
    }
    // An old browser is led to a name of somebody else's that means this server: it has no cookie for
    // that name, so nobody is logged out, nor in.
    for (line, form) in
        [("POST /logout", ""), ("POST /ask/preview-editor", "length=1h&justification=evil")]
    {
        let ask = Ask::of(line, b"evil.example").with("origin: http://evil.example");
        let answer = ask.form(form).send(&server);
        assert_eq!(status(&answer), 401, "{answer}");
    }
    let still = Ask::of("GET /", b"127.0.0.1").with(&cookie).send(&server);
    assert_eq!(status(&still), 200, "{still}");
}
