//! A browser without pictures: keeps cookies by hand, follows redirects one by one, fills in forms.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, Url};

/// What came back, with its body read.
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Page {
    /// Where it sends the browser.
    pub fn leads_to(&self) -> Option<Url> {
        let to = self.headers.get(LOCATION)?.to_str().unwrap();
        Some(self.url.join(to).unwrap())
    }

    /// The code of a refusal, or the status.
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().map_or_else(|| self.status.to_string(), str::to_owned)
    }

    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        lines.rfind(|line| line.split_once('=').unwrap().0 == name)
    }
}

#[derive(Clone)]
pub struct Browser {
    client: reqwest::Client,
    /// By the port of whoever set them: all are on this machine.
    pub cookies: BTreeMap<u16, BTreeMap<String, String>>,
}

impl Browser {
    pub fn new() -> Self {
        Self::that(|browser| browser)
    }

    /// One that knows this authority (PEM) and no other.
    pub fn trusting(authority: &str) -> Self {
        let authority = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
        Self::that(|browser| browser.tls_certs_only([authority]))
    }

    fn that(is: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let none = reqwest::redirect::Policy::none();
        let client = is(reqwest::Client::builder().redirect(none).no_proxy()).build().unwrap();
        Self { client, cookies: BTreeMap::new() }
    }

    pub async fn get(&mut self, url: &Url) -> Page {
        self.ask(Method::GET, url, &[]).await
    }

    /// Sends a form, as a page of the same site would.
    pub async fn post(&mut self, url: &Url, form: &[(String, String)]) -> Page {
        self.ask(Method::POST, url, form).await
    }

    async fn ask(&mut self, method: Method, url: &Url, form: &[(String, String)]) -> Page {
        let kept = self.cookies.entry(url.port().unwrap()).or_default();
        let pairs: Vec<String> =
            kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.request(method.clone(), url.clone());
        if !pairs.is_empty() {
            request = request.header(COOKIE, pairs.join("; "));
        }
        if method == Method::POST {
            let mut body = Url::parse("http://x").unwrap();
            body.query_pairs_mut().extend_pairs(form);
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "same-origin")
                .body(body.query().unwrap_or_default().to_owned());
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match value.is_empty() {
                true => kept.remove(name),
                false => kept.insert(name.to_owned(), value.to_owned()),
            };
        }
        Page { url: url.clone(), status, headers, body: answer.text().await.unwrap() }
    }

    /// Goes on, logging in as `who` wherever that is asked, until there is nothing more to fill in or
    /// the browser would come to `stop`; answers the page before that.
    pub async fn walk(&mut self, from: &Url, who: &str, stop: &str) -> Page {
        let mut page = self.get(from).await;
        for _ in 0..20 {
            if let Some(to) = page.leads_to() {
                if to.as_str().starts_with(stop) {
                    return page;
                }
                page = self.get(&to).await;
                continue;
            }
            let Some((to, mut form)) = form(&page) else { return page };
            for (_, value) in form.iter_mut().filter(|(name, _)| name == "login") {
                who.clone_into(value);
            }
            page = self.ask(Method::POST, &to, &form).await;
        }
        panic!("nothing comes of it: {} {}", page.url, page.body);
    }
}

/// The first form of a page: where it goes, and its fields.
pub fn form(page: &Page) -> Option<(Url, Vec<(String, String)>)> {
    let (_, rest) = page.body.split_once("<form")?;
    let (whole, _) = rest.split_once("</form>")?;
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(plain(rest.split_once('"')?.0))
    };
    let action = attribute(whole, "action")?;
    let fields = whole.split("<input").skip(1).filter_map(|tag| {
        let tag = tag.split_once('>')?.0;
        Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
    });
    Some((page.url.join(&action).unwrap(), fields.collect()))
}

/// An attribute as it is meant.
pub fn plain(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#38;", "&").replace("&amp;", "&")
}
