//! The reference of the API as a page, made on the server from the OpenAPI document: no script, no
//! inline style, nothing from elsewhere. What it says is the document's business.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::openapi::schema::{Schema, Type};

use super::describe::{Answers, Sketch, of_type};
use super::openapi::document;
use super::route::Route;
use crate::auth::Needs;

/// Nothing runs on this page, and nothing comes from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page as it is served.
pub(super) fn page(routes: &[Route]) -> String {
    let document = serde_json::to_value(document(routes)).unwrap_or_default();
    let mut page = Page { routes, out: String::new() };
    // Writing into a text does not fail.
    let _ = page.whole(&document);
    page.out
}

/// A page that was made before.
pub(crate) struct Html(pub &'static str);

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        ];
        (headers, self.0).into_response()
    }
}

impl Answers for Html {
    fn sketch(sketch: &mut Sketch) {
        let text = Schema::Object(of_type(Type::String).build());
        sketch.answer.content = Some(("text/html", text.into()));
    }
}

/// A text with nothing in it that a browser would read as more than text.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn id_of(operation: &Value) -> String {
    plain(text(operation, "operationId"))
}

/// How a schema is called: its name, or its type with what bounds it.
fn form(schema: &Value) -> String {
    if let Some(name) =
        schema.get("$ref").and_then(Value::as_str).and_then(|one| one.rsplit('/').next())
    {
        let name = plain(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for several in ["oneOf", "allOf", "anyOf"] {
        if let Some(list) = schema.get(several).and_then(Value::as_array) {
            return list.iter().map(form).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(items) = schema.get("items") {
        return format!("list of {}", form(items));
    }
    let mut out = match schema.get("type") {
        Some(Value::Array(types)) => {
            types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        Some(Value::String(one)) => one.clone(),
        _ => "anything".to_owned(),
    };
    for bound in
        ["format", "pattern", "enum", "minimum", "maximum", "minLength", "maxLength", "default"]
    {
        if let Some(value) = schema.get(bound) {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            out.push_str(&format!(", {bound} {shown}"));
        }
    }
    plain(&out)
}

struct Page<'r> {
    routes: &'r [Route],
    out: String,
}

impl Page<'_> {
    fn whole(&mut self, document: &Value) -> std::fmt::Result {
        let title = plain(document.pointer("/info/title").and_then(Value::as_str).unwrap_or("API"));
        write!(
            self.out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}: API reference</title>\n\
             <link rel=\"stylesheet\" href=\"/assets/placet.css\">\n</head>\n<body>\n<main>\n\
             <h1>{title}: API reference</h1>\n"
        )?;
        let about = document.pointer("/info/description").and_then(Value::as_str).unwrap_or("");
        for part in about.split("\n\n") {
            writeln!(self.out, "<p>{}</p>", plain(&part.replace("**", "").replace('`', "")))?;
        }
        let raw = "openapi.json";
        writeln!(self.out, "<p>The same for programs: <a href=\"{raw}\">{raw}</a>.</p>")?;
        self.contents(document)?;
        let mut topic = "";
        for route in self.routes {
            if route.topic != topic {
                topic = route.topic;
                writeln!(self.out, "<h2>{}</h2>", plain(topic))?;
            }
            self.operation(route, operation_of(document, route))?;
        }
        self.schemas(document)?;
        self.out.push_str("</main>\n</body>\n</html>\n");
        Ok(())
    }

    fn contents(&mut self, document: &Value) -> std::fmt::Result {
        self.out.push_str("<nav aria-label=\"operations\">\n<ul>\n");
        for route in self.routes {
            let id = id_of(operation_of(document, route));
            let (method, path) = (route.method, plain(route.path));
            writeln!(self.out, "<li><a href=\"#{id}\"><code>{method} {path}</code></a></li>")?;
        }
        self.out.push_str("</ul>\n</nav>\n");
        Ok(())
    }

    fn operation(&mut self, route: &Route, operation: &Value) -> std::fmt::Result {
        let (id, path) = (id_of(operation), plain(route.path));
        writeln!(
            self.out,
            "<section id=\"{id}\">\n<h3><code>{} /api/v1{path}</code></h3>\n<p>{}.</p>\n<p>{}</p>",
            route.method,
            plain(text(operation, "summary")),
            plain(&who(route.needs)),
        )?;
        let parameters = operation.get("parameters").and_then(Value::as_array);
        if let Some(parameters) = parameters {
            self.table("Parameters", &["name", "in", "form", "what"])?;
            for one in parameters {
                let schema = form(one.get("schema").unwrap_or(&Value::Null));
                let (name, place) = (plain(text(one, "name")), plain(text(one, "in")));
                self.row(&[name, place, schema, plain(text(one, "description"))])?;
            }
            self.out.push_str("</table>\n");
        }
        let body = operation.pointer("/requestBody/content/application~1json/schema");
        if let Some(body) = body {
            writeln!(self.out, "<p>Body: {}</p>", form(body))?;
        }
        self.table("Answers", &["status", "what", "form"])?;
        for (status, answer) in
            operation.get("responses").and_then(Value::as_object).into_iter().flatten()
        {
            let content = answer.get("content").and_then(Value::as_object);
            let schema =
                content.and_then(|one| one.values().next()).and_then(|one| one.get("schema"));
            let named =
                answer.get("$ref").and_then(Value::as_str).and_then(|one| one.rsplit('/').next());
            let what = named.unwrap_or_else(|| text(answer, "description"));
            let shape = schema.map(form).unwrap_or_default();
            self.row(&[plain(status), plain(what), shape])?;
        }
        self.out.push_str("</table>\n");
        let mut example = "curl".to_owned();
        if route.needs != Needs::Nothing {
            example.push_str(" -H \"Authorization: Bearer $PLACET_TOKEN\"");
        }
        if body.is_some() {
            example.push_str(" -d @body.json");
        } else if route.method == "POST" {
            example.push_str(" -X POST");
        }
        example.push_str(&format!(" \"$PLACET/api/v1{}\"", route.path));
        writeln!(self.out, "<pre><code>{}</code></pre>\n</section>", plain(&example))
    }

    fn schemas(&mut self, document: &Value) -> std::fmt::Result {
        self.out.push_str("<h2>Forms</h2>\n");
        let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
        for (name, schema) in schemas.into_iter().flatten() {
            let name = plain(name);
            writeln!(self.out, "<section id=\"schema-{name}\">\n<h3>{name}</h3>")?;
            let says = text(schema, "description");
            if !says.is_empty() {
                writeln!(self.out, "<p>{}</p>", plain(says))?;
            }
            match schema.get("properties").and_then(Value::as_object) {
                None => writeln!(self.out, "<p>{}</p>", form(schema))?,
                Some(properties) => {
                    let required = schema.get("required").and_then(Value::as_array);
                    self.table("Fields", &["name", "form", "has to be there", "what"])?;
                    for (key, property) in properties {
                        let must = required.is_some_and(|list| list.iter().any(|one| one == key));
                        let must = if must { "yes" } else { "no" }.to_owned();
                        let says = plain(text(property, "description"));
                        self.row(&[plain(key), form(property), must, says])?;
                    }
                    self.out.push_str("</table>\n");
                }
            }
            self.out.push_str("</section>\n");
        }
        Ok(())
    }

    fn table(&mut self, caption: &str, heads: &[&str]) -> std::fmt::Result {
        write!(self.out, "<table>\n<caption>{caption}</caption>\n<tr>")?;
        for head in heads {
            write!(self.out, "<th scope=\"col\">{head}</th>")?;
        }
        self.out.push_str("</tr>\n");
        Ok(())
    }

    /// Cells that are escaped already.
    fn row(&mut self, cells: &[String]) -> std::fmt::Result {
        self.out.push_str("<tr>");
        for cell in cells {
            write!(self.out, "<td>{cell}</td>")?;
        }
        self.out.push_str("</tr>\n");
        Ok(())
    }
}

fn operation_of<'d>(document: &'d Value, route: &Route) -> &'d Value {
    let path = document.get("paths").and_then(|paths| paths.get(route.path));
    path.and_then(|item| item.get(route.method.to_ascii_lowercase())).unwrap_or(&Value::Null)
}

fn who(needs: Needs) -> String {
    match needs {
        Needs::Nothing => "Anybody may call this.".to_owned(),
        Needs::Session => "Needs a person in a session of their own; no token.".to_owned(),
        Needs::Itself => "Needs a session or a token, whatever its scopes.".to_owned(),
        Needs::Read | Needs::Ask | Needs::Report | Needs::Propose => {
            let scope = format!("{needs:?}").to_ascii_lowercase();
            format!("Needs a session, or a token with the scope {scope}.")
        }
    }
}
